import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { PassThrough, Transform, type Readable, type TransformCallback, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Iso2RootfsError } from '../errors.js';
import { startCompressing, type CompressorChoice } from '../tools/compress.js';
import type { RunningProgram } from '../tools/run.js';
import { startUnpacking } from '../tools/tar.js';
import type { NewcOutput, Rewritten, StreamedTree } from '../tree/transform.js';
import type { TreeEntry, TreeFile } from '../tree/entry.js';
import { streamTree } from '../tree/transform.js';
import type { Context } from './context.js';
import type { TreeSource } from './tree-source.js';

export interface HashedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** A compressed newc archive to be written. */
export interface InitramfsTarget extends Omit<NewcOutput, 'sink'> {
  readonly path: string;
  readonly compression: CompressorChoice;
}

export interface TreeTargets {
  readonly tarPath: string;
  /** An empty directory to unpack the tree in. */
  readonly nfsroot?: string | undefined;
  readonly initramfs: readonly InitramfsTarget[];
}

export interface WriteTreesOptions {
  readonly rewrite: (entry: TreeEntry) => Rewritten;
  /** Files to be found again in rootfs.tar; see StreamTreeOptions. */
  readonly remembers?: (path: string) => boolean;
  /** Entries for all outputs, after all others. */
  readonly append?: () => readonly TreeFile[];
  /** The most that all files together may hold. */
  readonly maxContentBytes: number;
}

export interface WrittenTrees {
  readonly tree: StreamedTree;
  readonly tar: HashedFile;
  /** In the order of the targets. */
  readonly initramfs: readonly HashedFile[];
}

/**
 * Reads a tree once and writes all that is made of it at the same time:
 *
 *     source --> rewrite --> rootfs.tar, hashed
 *                       |--> tar -x in nfsroot/
 *                       `--> newc --> gzip --> initramfs.cgz, hashed
 */
export async function writeTrees(
  source: TreeSource,
  targets: TreeTargets,
  options: WriteTreesOptions,
  context: Context,
): Promise<WrittenTrees> {
  const { tools, signal, emit, stage } = context;
  const programs: RunningProgram[] = [...source.programs];
  try {
    const compressors = await Promise.all(
      targets.initramfs.map(async ({ compression }) => startCompressing(tools, compression)),
    );
    programs.push(...compressors);
    const unpacking = targets.nfsroot === undefined ? undefined : await startUnpacking(tools, targets.nfsroot);
    if (unpacking !== undefined) programs.push(unpacking);

    const tarHash = new HashingPass((done) => emit({ type: 'progress', stage, unit: 'bytes', done }));
    const tarSink = new PassThrough({ highWaterMark: 1024 * 1024 });
    const writeTar = pipeline(
      tarSink,
      fanOut(unpacking?.stdin ?? undefined),
      tarHash,
      createWriteStream(targets.tarPath, { flags: 'wx', mode: 0o444 }),
      { signal },
    );
    const archives = targets.initramfs.map(({ path }, index) => {
      const hash = new HashingPass();
      const compressed = compressors[index]?.stdout as Readable;
      const done = pipeline(compressed, hash, createWriteStream(path, { flags: 'wx', mode: 0o444 }), { signal });
      return { path, hash, done };
    });
    const newc = targets.initramfs.map(({ path: _path, compression: _compression, ...output }, index) => ({
      ...output,
      sink: compressors[index]?.stdin as Writable,
    }));
    const streaming = streamTree(
      source.stream,
      { tar: tarSink, newc },
      { ...options, census: source.census, rewrite: (entry) => options.rewrite(source.adjust(entry)), signal },
    );
    const [tree] = await firstFailure([
      streaming,
      writeTar,
      ...archives.map(async ({ done }) => done),
      ...programs.map(async (program) => program.done),
    ] as const);
    return {
      tree,
      tar: describe(targets.tarPath, tarHash),
      initramfs: archives.map(({ path, hash }) => describe(path, hash)),
    };
  } catch (error) {
    throw await tellingError(programs, error);
  }
}

function describe(path: string, hash: HashingPass): HashedFile {
  return { path, sizeBytes: hash.bytes, sha256: hash.digest() };
}

/** All results, or the first failure without waiting for the others, which may never end. */
export async function firstFailure<Results extends readonly Promise<unknown>[]>(
  promises: Results,
): Promise<{ -readonly [Index in keyof Results]: Awaited<Results[Index]> }> {
  for (const promise of promises) promise.catch(() => undefined);
  return Promise.all(promises);
}

/** How long the programs of a broken stream have to end by themselves, each with its own reason. */
const ENDING_MS = 2000;

/** Ends the programs. Their own errors say more than the broken pipes that they cause. */
export async function tellingError(programs: readonly RunningProgram[], error: unknown): Promise<unknown> {
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
