import { chmod, stat } from 'node:fs/promises';
import { PassThrough, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hashFile } from '../../store/hash-file.js';
import type { CompressorChoice } from '../../tools/compress.js';
import { startSquashing } from '../../tools/squashfs.js';
import type { TreeEntry } from '../../tree/entry.js';
import { LostMetadataList, type LostMetadata } from '../../tree/lost-metadata.js';
import { scanTar } from '../../tree/scan-tar.js';
import { streamTree } from '../../tree/transform.js';
import { firstFailure, tellingError } from '../write-trees.js';
import { openTar, type MadeFile, type MakingContext } from './making.js';

/** What squashfs has room for (xattr(7)): no POSIX ACLs, whose prefix is `system`. */
const KEPT_XATTR = /^(?:user|trusted|security)\./;
const LABEL = 'security.selinux';
const MOST_SECONDS = 0xffffffff;

export interface MadeSquashfs extends MadeFile {
  /** ACLs; capabilities and labels are in it. */
  readonly lostMetadata: readonly LostMetadata[];
}

/** rootfs.tar -> a squashfs image, without unpacking. */
export async function makeSquashfs(
  making: MakingContext,
  compression: CompressorChoice,
  path: string,
): Promise<MadeSquashfs> {
  const { signal, tools } = making.context;
  const lost = new LostMetadataList();
  let rootMode = 0o755;
  const { newestSeconds } = await scanTar(making.tarPath, {
    signal,
    onEntry: (entry) => {
      lost.add(withoutKept(entry));
      if (entry.path.length === 0) rootMode = entry.mode;
    },
  });
  const options = { imagePath: path, compression, timeSeconds: newestSeconds, rootMode };
  const program = await startSquashing(tools, options);
  try {
    const sink = new PassThrough({ highWaterMark: 1024 * 1024 });
    await firstFailure([
      streamTree(openTar(making), { tar: sink, tarDialect: 'bare' }, { rewrite: forSquashfs, signal }),
      pipeline(sink, program.stdin as Writable, { signal }),
      program.done,
    ] as const);
  } catch (error) {
    throw await tellingError([program], error);
  }
  await chmod(path, 0o444);
  const { size: sizeBytes } = await stat(path);
  return { path, sizeBytes, sha256: await hashFile(path, { signal }), lostMetadata: lost.entries };
}

/** An entry with all that squashfs keeps, in the form in which mksquashfs takes it. */
export function forSquashfs(entry: TreeEntry): TreeEntry {
  const xattrs = new Map([...entry.xattrs].filter(([name]) => KEPT_XATTR.test(name)));
  // As the kernel stores it, with its NUL.
  if (entry.selinuxLabel !== undefined) xattrs.set(LABEL, Buffer.from(`${entry.selinuxLabel}\0`, 'latin1'));
  return {
    ...entry,
    xattrs,
    selinuxLabel: undefined,
    accessAcl: undefined,
    defaultAcl: undefined,
    mtimeSeconds: Math.min(Math.max(entry.mtimeSeconds, 0), MOST_SECONDS),
    mtimeNanoseconds: 0,
  };
}

function withoutKept(entry: TreeEntry): TreeEntry {
  const xattrs = new Map([...entry.xattrs].filter(([name]) => !KEPT_XATTR.test(name)));
  return { ...entry, xattrs, selinuxLabel: undefined };
}
