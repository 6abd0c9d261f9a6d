import { open } from 'node:fs/promises';

const CHUNK_BYTES = 256 * 1024;

/**
 * A file's content, from its beginning to its end. A chunk is right until the second one after it is asked for: with buffers of their own, the
 * chunks of gigabytes would wait for the garbage collector, which counts them late.
 */
export async function* readChunks(file: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  const buffers = [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)] as const;
  const handle = await open(file, 'r');
  try {
    for (let turn: 0 | 1 = 0; ; turn = turn === 0 ? 1 : 0) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffers[turn], 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return;
      yield buffers[turn].subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
