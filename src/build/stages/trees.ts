import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { once } from 'node:events';
import path from 'node:path';
import { PassThrough, Transform, type Readable, type TransformCallback, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Iso2RootfsError } from '../../errors.js';
import { NetbootRewriter, type Package } from '../../distro/netboot.js';
import { startTarOut } from '../../tools/guestfish.js';
import { startGzip } from '../../tools/gzip.js';
import type { RunningProgram } from '../../tools/run.js';
import { freeBytes, requireSpace } from '../../tools/space.js';
import { digHoles, startUnpacking } from '../../tools/tar.js';
import { parseHardLinkCensus } from '../../tree/hard-link-census.js';
import { parseSpecialInodes, SpecialLinks } from '../../tree/special-links.js';
import { streamTree, type StreamedTree } from '../../tree/transform.js';
import type { Context } from '../context.js';
import type { Stage } from '../pipeline.js';
import type { Claimed } from './claim.js';
import type { Recipe } from '../recipe.js';
import type { Installed } from './install.js';
import type { Prepared } from './prepare.js';

export interface HashedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface TreesMade {
  readonly trees: {
    readonly tar: HashedFile;
    /** Undefined when it was not asked for. */
    readonly cgz: HashedFile | undefined;
    readonly tree: StreamedTree;
    readonly packages: readonly Package[] | undefined;
    /** Where nfsroot was unpacked: in the output that is being made. Undefined when it was not asked for. */
    readonly nfsroot: string | undefined;
  };
}

/**
 * Disk -> rootfs.tar, nfsroot/ and initramfs.cgz. The disk is read once:
 *
 *     guestfish tar-out --> rewrite --> rootfs.tar, hashed
 *                                  |--> tar -x in nfsroot/
 *                                  `--> newc --> gzip --> initramfs.cgz, hashed
 */
export const trees: Stage<Recipe & Installed & Prepared & Claimed, TreesMade> = {
  name: 'rootfs+nfsroot+initramfs',
  run: async ({ disk, preparedDiskPath, output, outputs }, context) => {
    const { store, workspace, tools } = context;
    const { blocks } = await stat(preparedDiskPath);
    await requireSpace(store.layout.root, blocks * 512 * 1.5, 'rootfs.tar and initramfs.cgz');
    const directory = await store.createStagingDirectory(workspace.id);
    const nfsroot = output.wantsNfsroot ? path.join(output.staging, 'nfsroot') : undefined;
    if (nfsroot !== undefined) {
      await requireSpace(path.dirname(output.directory), blocks * 512, 'nfsroot');
      await mkdir(nfsroot, { recursive: true });
    }
    const lists = { censusPath: path.join(directory, 'census'), specialsPath: path.join(directory, 'specials') };
    const disks = await startTarOut(tools, { diskPath: preparedDiskPath, ...lists });
    const programs: RunningProgram[] = [disks];
    try {
      const result = await convert({
        ...lists,
        disks,
        programs,
        directory,
        nfsroot,
        wantsCgz: outputs.includes('cgz'),
        context,
      });
      checkToken(result.rewriter, disk.token);
      return { trees: { ...result.files, packages: result.rewriter.packages, nfsroot } };
    } catch (error) {
      throw await tellingError(programs, error);
    }
  },
};

interface Conversion {
  readonly disks: RunningProgram;
  readonly programs: RunningProgram[];
  readonly directory: string;
  readonly censusPath: string;
  readonly specialsPath: string;
  readonly nfsroot: string | undefined;
  readonly wantsCgz: boolean;
  readonly context: Context;
}

async function convert(conversion: Conversion): Promise<{
  files: Pick<TreesMade['trees'], 'tar' | 'cgz' | 'tree'>;
  rewriter: NetbootRewriter;
}> {
  const { disks, programs, directory, censusPath, specialsPath, nfsroot, wantsCgz, context } = conversion;
  const { tools, signal, emit, stage } = context;
  const source = disks.stdout as Readable;
  await firstByte(source, disks);
  const census = parseHardLinkCensus(await readFile(censusPath));
  const specials = new SpecialLinks(parseSpecialInodes(await readFile(specialsPath)));
  const gzip = wantsCgz ? await startGzip(tools) : undefined;
  if (gzip !== undefined) programs.push(gzip);
  const unpacking = nfsroot === undefined ? undefined : await startUnpacking(tools, nfsroot);
  if (unpacking !== undefined) programs.push(unpacking);

  const tarPath = path.join(directory, 'rootfs.tar');
  const cgzPath = path.join(directory, 'initramfs.cgz');
  const tarHash = new HashingPass((done) => emit({ type: 'progress', stage, unit: 'bytes', done }));
  const cgzHash = new HashingPass();
  const tarSink = new PassThrough({ highWaterMark: 4 * 1024 * 1024 });
  const rewriter = new NetbootRewriter();
  const writeTar = pipeline(
    tarSink,
    fanOut(unpacking?.stdin ?? undefined),
    tarHash,
    createWriteStream(tarPath, { flags: 'wx', mode: 0o444 }),
    { signal },
  );
  const writeCgz =
    gzip === undefined
      ? Promise.resolve()
      : pipeline(gzip.stdout as Readable, cgzHash, createWriteStream(cgzPath, { flags: 'wx', mode: 0o444 }), {
          signal,
        });
  const streaming = streamTree(
    source,
    {
      tar: tarSink,
      newc: gzip === undefined ? [] : [{ sink: gzip.stdin as Writable, append: rewriter.appendToInitramfs }],
    },
    // A sparse file of terabytes comes as zeros: refused by name, before it fills the disk.
    {
      census,
      rewrite: (entry) => rewriter.rewrite(specials.relink(entry)),
      signal,
      maxContentBytes: await freeBytes(directory),
    },
  );
  const [tree] = await firstFailure([
    streaming,
    writeTar,
    writeCgz,
    ...programs.map(async (program) => program.done),
  ] as const);
  if (nfsroot !== undefined) await digHoles(tools, await existingFiles(nfsroot, tree));
  return {
    files: {
      tree,
      tar: { path: tarPath, sizeBytes: tarHash.bytes, sha256: tarHash.digest() },
      cgz: gzip === undefined ? undefined : { path: cgzPath, sizeBytes: cgzHash.bytes, sha256: cgzHash.digest() },
    },
    rewriter,
  };
}

/** All results, or the first failure without waiting for the others, which may never end. */
async function firstFailure<Results extends readonly Promise<unknown>[]>(
  promises: Results,
): Promise<{ -readonly [Index in keyof Results]: Awaited<Results[Index]> }> {
  for (const promise of promises) promise.catch(() => undefined);
  return Promise.all(promises);
}

/** How long the programs of a broken stream have to end by themselves, each with its own reason. */
const ENDING_MS = 2000;

/** Ends the programs. Their own errors say more than the broken pipes that they cause. */
async function tellingError(programs: readonly RunningProgram[], error: unknown): Promise<unknown> {
  const failures: unknown[] = [];
  const endings = programs.map((program) => program.done.catch((failure: unknown) => failures.push(failure)));
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([Promise.all(endings), new Promise((resolve) => (timer = setTimeout(resolve, ENDING_MS)))]);
  clearTimeout(timer);
  const [failure] = failures;
  await Promise.all(programs.map((program) => program.stop()));
  const isTelling = error instanceof Iso2RootfsError && error.code !== 'INTEGRITY';
  return isTelling ? error : (failure ?? error);
}

async function firstByte(source: Readable, disks: RunningProgram): Promise<void> {
  if (source.readableLength > 0) return;
  await Promise.race([once(source, 'readable'), disks.done]);
  // Readable is also the end of a stream that had nothing: then the program says why.
  if (source.readableLength === 0) await disks.done;
}

function checkToken(rewriter: NetbootRewriter, expected: string): void {
  if (rewriter.token === expected) return;
  throw new Iso2RootfsError(
    'BUILD_FAILED',
    rewriter.token === undefined
      ? 'the installed system does not have the success token of this build: the installation did not come to its end'
      : 'the installed system has the success token of another build',
    { hint: 'Read the console log: it ends with what the installer did last.' },
  );
}

/** Files with holes worth digging, whose paths can be named and lead nowhere else. */
async function existingFiles(nfsroot: string, tree: StreamedTree): Promise<string[]> {
  const root = await realpath(nfsroot);
  const files: string[] = [];
  for (const { path: raw } of tree.sparseFiles) {
    const name = raw.toString('utf8');
    if (!Buffer.from(name).equals(raw)) continue;
    const file = path.join(root, name);
    if ((await realpath(file).catch(() => undefined)) === file) files.push(file);
  }
  return files;
}

/** Writes what passes to a second stream as well, as fast as the slower of the two. */
function fanOut(second: Writable | undefined): Transform {
  return new Transform({
    highWaterMark: 1024 * 1024,
    transform(chunk: Buffer, _encoding, callback: TransformCallback) {
      if (second === undefined || second.write(chunk)) callback(null, chunk);
      else second.once('drain', () => callback(null, chunk));
    },
    flush(callback) {
      if (second === undefined) callback();
      else second.end(callback);
    },
  });
}

class HashingPass extends Transform {
  readonly #hash = createHash('sha256');
  bytes = 0;

  constructor(private readonly onProgress?: (doneBytes: number) => void) {
    super({ highWaterMark: 1024 * 1024 });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#hash.update(chunk);
    this.bytes += chunk.length;
    this.onProgress?.(this.bytes);
    callback(null, chunk);
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}
