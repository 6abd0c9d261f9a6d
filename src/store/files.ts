import { createHash, randomUUID, type Hash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
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
    if (error instanceof SyntaxError || ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(systemErrorCode(error) ?? ''))
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

/** Names in a directory, sorted; none when it does not exist. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Paths of all files and of all directories below a directory, relative to it, sorted. */
export async function listTree(directory: string): Promise<{ files: string[]; directories: string[] }> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = (wanted: typeof entries): string[] =>
    wanted.map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name))).sort();
  return {
    files: names(entries.filter((entry) => entry.isFile())),
    directories: names(entries.filter((entry) => entry.isDirectory())),
  };
}

export interface HashOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((doneBytes: number) => void) | undefined;
}

const HASH_CHUNK_BYTES = 1024 * 1024;

/** SHA-256 of a file, read once in constant memory. */
export async function hashFile(file: string, options: HashOptions = {}): Promise<string> {
  return hashChunks(file, options, (hash, chunk) => hash.update(chunk));
}

const ZEROS = Buffer.alloc(HASH_CHUNK_BYTES);

/**
 * SHA-256 of what a file holds besides zeros: for each MiB that is not all zeros its offset (64 bits, little endian) and its bytes, then
 * the size of the file. A disk image of 10 GiB with 1 GiB written to it costs little more than that GiB.
 */
export async function hashData(file: string, options: HashOptions = {}): Promise<string> {
  return hashChunks(file, options, (hash, chunk, offset, isLast) => {
    const at = Buffer.alloc(8);
    at.writeBigUInt64LE(BigInt(offset));
    if (isLast) hash.update(at);
    else if (!chunk.equals(ZEROS.subarray(0, chunk.length))) hash.update(at).update(chunk);
  });
}

async function hashChunks(
  file: string,
  { signal, onProgress }: HashOptions,
  add: (hash: Hash, chunk: Buffer, offset: number, isLast: boolean) => void,
): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(file, 'r');
  // Two buffers: the next chunk is read while this one is hashed.
  const buffers = [Buffer.allocUnsafe(HASH_CHUNK_BYTES), Buffer.allocUnsafe(HASH_CHUNK_BYTES)] as const;
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
    let position = 0;
    let current: 0 | 1 = 0;
    pending = fill(buffers[0], 0);
    for (;;) {
      const filled = await pending;
      if (filled === 0) break;
      signal?.throwIfAborted();
      const chunk = buffers[current].subarray(0, filled);
      const offset = position;
      position += filled;
      current = current === 0 ? 1 : 0;
      pending = fill(buffers[current], position);
      add(hash, chunk, offset, false);
      onProgress?.(position);
    }
    pending = undefined;
    add(hash, Buffer.alloc(0), position, true);
  } finally {
    // A read that is under way needs its file.
    await pending?.catch(() => undefined);
    await handle.close();
  }
  return hash.digest('hex');
}
