import { constants } from 'node:fs';
import { copyFile, link, open, rm, stat } from 'node:fs/promises';
import { systemErrorCode } from '../errors.js';

const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Gives a stored file another name: by reflink, else by hard link, else by copying.
 *
 * A hard link shares its content with the store. Stored files are read-only, and one that was changed all the same is noticed by its
 * mtime and size and made anew.
 * @returns how it was done
 */
export async function placeFile(
  source: string,
  destination: string,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: (doneBytes: number) => void;
    /** True: what is written to it later must not be written to the store. Default: it is only read. */
    readonly isToBeChanged?: boolean;
    /** Copies a file that has holes, with them. Default: they are filled. */
    readonly copySparse?: (source: string, destination: string) => Promise<void>;
  } = {},
): Promise<'reflink' | 'hard link' | 'copy'> {
  try {
    await copyFile(source, destination, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    return 'reflink';
  } catch (error) {
    if (!['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY'].includes(systemErrorCode(error) ?? ''))
      throw error;
    await rm(destination, { force: true });
  }
  if (options.isToBeChanged !== true) {
    try {
      await link(source, destination);
      return 'hard link';
    } catch (error) {
      if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EACCES'].includes(systemErrorCode(error) ?? '')) throw error;
    }
  }
  try {
    const { blocks, size } = await stat(source);
    if (options.copySparse !== undefined && blocks * 512 < size) await options.copySparse(source, destination);
    else await copyInChunks(source, destination, options);
  } catch (error) {
    // A part is worth nothing, least of all on a full file system.
    if (systemErrorCode(error) !== 'EEXIST') await rm(destination, { force: true });
    throw error;
  }
  return 'copy';
}

async function copyInChunks(
  source: string,
  destination: string,
  {
    signal,
    onProgress,
  }: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (doneBytes: number) => void },
): Promise<void> {
  const input = await open(source, 'r');
  try {
    const output = await open(destination, 'wx', 0o444);
    try {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      let done = 0;
      for (;;) {
        signal?.throwIfAborted();
        const { bytesRead } = await input.read(buffer, 0, CHUNK_BYTES, null);
        if (bytesRead === 0) break;
        for (let written = 0; written < bytesRead;) {
          written += (await output.write(buffer, written, bytesRead - written)).bytesWritten;
        }
        done += bytesRead;
        onProgress?.(done);
      }
    } finally {
      await output.close();
    }
  } finally {
    await input.close();
  }
}
