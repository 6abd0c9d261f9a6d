/** Hashes of files, read once in constant memory; of holes nothing is read. */
import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';

export interface HashOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((doneBytes: number) => void) | undefined;
}

const CHUNK_BYTES = 1024 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);
/** To read less than this is faster than to ask where the data is. */
const LEAST_HOLES_BYTES = 64 * 1024 * 1024;

/** SHA-256 of a file. */
export async function hashFile(file: string, options: HashOptions = {}): Promise<string> {
  return hashChunks(file, options, (hash, chunk, offset, hashedBytes) => {
    for (let left = offset - hashedBytes; left > 0; left -= CHUNK_BYTES) hash.update(ZEROS.subarray(0, left));
    hash.update(chunk);
  });
}

/**
 * SHA-256 of what a file holds besides zeros: for each MiB that is not all zeros its offset (64 bits, little endian) and its bytes, then
 * the size of the file. A disk image of 10 GiB with 1 GiB written to it costs little more than that GiB.
 */
export async function hashData(file: string, options: HashOptions = {}): Promise<string> {
  return hashChunks(file, options, (hash, chunk, offset) => {
    const at = Buffer.alloc(8);
    at.writeBigUInt64LE(BigInt(offset));
    // The last one says the size.
    if (chunk.length === 0) hash.update(at);
    else if (!chunk.equals(ZEROS.subarray(0, chunk.length))) hash.update(at).update(chunk);
  });
}

/**
 * Reads every MiB of a file that has data.
 * @param add given each with its offset and the end of the one before it, and at last an empty one at the end of the file
 */
async function hashChunks(
  file: string,
  { signal, onProgress }: HashOptions,
  add: (hash: Hash, chunk: Buffer, offset: number, endOfLast: number) => void,
): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(file, 'r');
  // Two buffers: the next chunk is read while this one is hashed.
  const buffers = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)] as const;
  let pending: Promise<number> | undefined;
  const fill = async (buffer: Buffer, position: number): Promise<number> => {
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  };
  try {
    const { size, blocks } = await handle.stat();
    const hasHoles = size - blocks * 512 >= LEAST_HOLES_BYTES;
    const skipHole = hasHoles ? await holeSkipper(file, size, signal) : (position: number) => position;
    let position = skipHole(0);
    let end = 0;
    let current: 0 | 1 = 0;
    pending = fill(buffers[0], position);
    for (;;) {
      const filled = await pending;
      if (filled === 0) break;
      signal?.throwIfAborted();
      const chunk = buffers[current].subarray(0, filled);
      const [offset, endOfLast] = [position, end];
      end = position + filled;
      position = skipHole(end);
      current = current === 0 ? 1 : 0;
      pending = fill(buffers[current], position);
      add(hash, chunk, offset, endOfLast);
      onProgress?.(position);
    }
    pending = undefined;
    add(hash, Buffer.alloc(0), position, end);
  } finally {
    // A read that is under way needs its file.
    await pending?.catch(() => undefined);
    await handle.close();
  }
  return hash.digest('hex');
}

/** From a position to the next MiB that has data, or to the end. */
async function holeSkipper(
  file: string,
  sizeBytes: number,
  signal: AbortSignal | undefined,
): Promise<(position: number) => number> {
  const { findData } = await import('../tools/qemu-img.js');
  const extents = await findData(file, signal);
  if (extents === undefined) return (position) => position;
  let index = 0;
  return (position) => {
    while ((extents[index]?.end ?? Infinity) <= position) index += 1;
    const start = extents[index]?.start;
    if (start === undefined) return sizeBytes;
    return Math.max(position, start - (start % CHUNK_BYTES));
  };
}
