import type { Readable, Writable } from 'node:stream';
import type { CgzExclude } from '../../config/outputs.js';
import { NetbootRewriter } from '../../distro/netboot.js';
import { startCompressing, type CompressorChoice } from '../../tools/compress.js';
import { leastMemoryMiB } from '../../tree/least-memory.js';
import type { NewcSummary } from '../../tree/newc-writer.js';
import { scanTar } from '../../tree/scan-tar.js';
import { streamTree } from '../../tree/transform.js';
import { pathKey } from '../../tree/tree-path.js';
import type { TreeEntry } from '../../tree/entry.js';
import type { Manifest } from '../manifest.js';
import { firstFailure, tellingError } from '../write-trees.js';
import { openTar, writeHashed, type MadeFile, type MakingContext } from './making.js';

export interface CgzTreeOptions {
  readonly part: 'system' | 'modules';
  readonly excludes: readonly CgzExclude[];
  readonly compression: CompressorChoice;
}

const MODULES = /^(?:usr\/)?lib\/modules\//;
/** What is left out; the directories themselves stay. */
const EXCLUDED: Readonly<Record<CgzExclude, RegExp>> = {
  modules: MODULES,
  boot: /^boot\//,
  docs: /^usr\/share\/(?:doc|doc-base|man|info|gtk-doc|help)\//,
};

/** rootfs.tar -> newc of the whole tree, of a part, or of the kernel's modules. */
export async function makeCgzTree(
  making: MakingContext,
  { part, excludes, compression }: CgzTreeOptions,
  path: string,
): Promise<MadeFile> {
  const { signal, tools } = making.context;
  const accepts = part === 'modules' ? isModule : (entry: TreeEntry) => !isExcluded(entry, excludes);
  const { census } = await scanTar(making.tarPath, { counts: accepts, signal });
  const rewriter = new NetbootRewriter();
  const ofSystem = { append: rewriter.appendToInitramfs };
  const compressor = await startCompressing(tools, compression);
  try {
    const [tree, file] = await firstFailure([
      streamTree(
        openTar(making),
        { newc: [{ sink: compressor.stdin as Writable, accepts, ...(part === 'system' ? ofSystem : {}) }] },
        { census, signal, ...(part === 'system' ? { rewrite: rewriter.rewrite } : {}) },
      ),
      writeHashed(compressor.stdout as Readable, path, signal),
      compressor.done,
    ] as const);
    return { ...file, initramfs: describeInitramfs(tree.newc[0] as NewcSummary, file.sizeBytes) };
  } catch (error) {
    throw await tellingError([compressor], error);
  }
}

export function isExcluded({ path }: TreeEntry, excludes: readonly CgzExclude[]): boolean {
  return isExcludedPath(pathKey(path), excludes);
}

/** @param path bytes as latin1 */
export function isExcludedPath(path: string, excludes: readonly CgzExclude[]): boolean {
  return excludes.some((exclude) => EXCLUDED[exclude].test(path));
}

/** The modules, and the directories that lead to them: never a symlink, which a real directory of another archive would replace. */
export function isModule({ path, type }: TreeEntry): boolean {
  const name = pathKey(path);
  return MODULES.test(name) || (type === 'directory' && /^(?:usr|(?:usr\/)?lib|(?:usr\/)?lib\/modules)$/.test(name));
}

export function describeInitramfs(newc: NewcSummary, compressedBytes: number): NonNullable<Manifest['initramfs']> {
  const { unpackedBytes, inodeCount } = newc;
  return {
    unpackedBytes,
    largestFileBytes: newc.largestFileBytes,
    lostMetadata: newc.lostMetadata.map((lost) => ({ ...lost, xattrs: [...lost.xattrs] })),
    lostLabelCount: newc.lostLabelCount,
    inodeCount,
    leastMemoryMiB: leastMemoryMiB([{ compressedBytes, unpackedBytes, inodeCount }]),
  };
}
