import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { systemErrorCode } from '../errors.js';

/** Makes a file's or directory's content durable. */
export async function syncPath(target: string): Promise<void> {
  const handle = await open(target, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces a file in one step: a reader sees the old content or the new, also after a crash. */
export async function writeFileAtomically(file: string, content: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  await mkdir(path.dirname(file), { recursive: true });
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The parsed content of a JSON file; undefined when there is none or it is damaged. */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError || systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR')
      return undefined;
    throw error;
  }
}

export async function exists(target: string): Promise<boolean> {
  try {
    await stat(target);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}

const HASH_CHUNK_BYTES = 1024 * 1024;

/** SHA-256 of a file, read once in constant memory. */
export async function hashFile(
  file: string,
  options: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (doneBytes: number) => void } = {},
): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(file, 'r');
  try {
    // Two buffers: the next chunk is read while this one is hashed.
    const buffers = [Buffer.allocUnsafe(HASH_CHUNK_BYTES), Buffer.allocUnsafe(HASH_CHUNK_BYTES)] as const;
    let position = 0;
    let current = 0;
    let pending = handle.read(buffers[0], 0, HASH_CHUNK_BYTES, 0);
    for (;;) {
      const { bytesRead, buffer } = await pending;
      if (bytesRead === 0) break;
      options.signal?.throwIfAborted();
      position += bytesRead;
      current = 1 - current;
      pending = handle.read(buffers[current === 0 ? 0 : 1], 0, HASH_CHUNK_BYTES, position);
      hash.update(buffer.subarray(0, bytesRead));
      options.onProgress?.(position);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}
