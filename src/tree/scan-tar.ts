import { open } from 'node:fs/promises';
import type { TreeEntry } from './entry.js';
import { LinkCounter, type HardLinkCensus } from './hard-link-census.js';
import { TarReader } from './tar-reader.js';

/** More than most files have, so that seeking costs less than reading. */
const CHUNK_BYTES = 64 * 1024;

export interface ScannedTar {
  /** As a newc archive of the same entries needs it. */
  readonly census: HardLinkCensus;
  readonly entryCount: number;
  /** Content of files, each once. */
  readonly contentBytes: number;
  /**
   * Seconds since 1970 of the entry that was modified last, of those that were not modified in the future, 0 at least: a time for what is made
   * of the archive that is no clock's.
   */
  readonly newestSeconds: number;
}

/**
 * Reads the headers of a tar archive in a file, seeking over the content.
 * @param onEntry told each entry, and where the content of a file begins
 * @param counts which names count for the census. Default: all
 * @throws Iso2RootfsError INTEGRITY for a damaged archive
 */
export async function scanTar(
  file: string,
  options: {
    readonly onEntry?: ((entry: TreeEntry, offsetBytes: number) => void) | undefined;
    readonly counts?: ((entry: TreeEntry) => boolean) | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<ScannedTar> {
  const links = new LinkCounter();
  let [entryCount, contentBytes, newestSeconds] = [0, 0, 0];
  const nowSeconds = Math.floor(Date.now() / 1000);
  const reader = new TarReader();
  const handle = await open(file, 'r');
  try {
    for (let position = 0; ;) {
      options.signal?.throwIfAborted();
      // Slices of it may live on in entries.
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(CHUNK_BYTES), 0, CHUNK_BYTES, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      reader.push(buffer.subarray(0, bytesRead));
      for (let event = reader.next(); event !== undefined; event = reader.next()) {
        if (event.kind !== 'entry') continue;
        const { entry } = event;
        entryCount += 1;
        contentBytes += entry.sizeBytes;
        if (entry.mtimeSeconds <= nowSeconds) newestSeconds = Math.max(newestSeconds, entry.mtimeSeconds);
        options.onEntry?.(entry, reader.offsetBytes);
        if (options.counts?.(entry) ?? true) links.add(entry);
      }
      const skipped = reader.skippableBytes;
      reader.skip(skipped);
      position += skipped;
    }
    reader.finish();
  } finally {
    await handle.close();
  }
  return { census: links.census(), entryCount, contentBytes, newestSeconds };
}
