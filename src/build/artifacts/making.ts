import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Transform, type Readable, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Manifest } from '../manifest.js';
import type { Context } from '../context.js';

/** What artifacts are made of, and where. */
export interface MakingContext {
  readonly context: Context;
  readonly manifest: Manifest;
  /** The stored rootfs.tar. */
  readonly tarPath: string;
  readonly tarSha256: string;
  /** The prepared disk; made again from the installed one where there is none. */
  readonly preparedDisk: () => Promise<string>;
}

export interface MadeFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Of an initramfs. */
  readonly initramfs?: Manifest['initramfs'];
}

const CHUNK_BYTES = 256 * 1024;

/** The stored rootfs.tar as a stream, whose progress is told. */
export function openTar({ context, tarPath }: MakingContext): Readable {
  const { emit, stage } = context;
  let done = 0;
  const stream = createReadStream(tarPath, { highWaterMark: CHUNK_BYTES });
  stream.on('data', (chunk) => emit({ type: 'progress', stage, unit: 'bytes', done: (done += chunk.length) }));
  stream.pause();
  return stream;
}

/** Writes a stream to a new file and hashes it on its way. */
export async function writeHashed(
  source: Readable | AsyncIterable<Buffer>,
  path: string,
  signal: AbortSignal,
): Promise<MadeFile> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const pass = new Transform({
    highWaterMark: CHUNK_BYTES,
    transform(chunk: Buffer, _encoding, callback: TransformCallback) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      callback(null, chunk);
    },
  });
  await pipeline(source, pass, createWriteStream(path, { flags: 'wx', mode: 0o444 }), { signal });
  return { path, sizeBytes, sha256: hash.digest('hex') };
}
