/**
 * What a later process must know to go on with a download. It lies beside the data:
 *
 *     <name>.partial        the bytes so far, always a prefix of the file
 *     <name>.partial.json   this: whose bytes they are, and how many of them survive a power failure
 */
import { open, readFile, rename, rm } from 'node:fs/promises';
import { z } from 'zod';
import { systemErrorCode } from '../errors.js';

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

const stateSchema = z.object({
  format: z.literal(1),
  /** As asked for, without credentials. */
  url: z.string(),
  /** Where redirects led to. */
  finalUrl: z.string(),
  etag: z.string().optional(),
  lastModified: z.string().optional(),
  /** The Last-Modified date may stand in for a strong ETag (RFC 9110, 8.8.2.2). */
  isDateStrong: z.boolean(),
  totalBytes: z.number().int().nonnegative().optional(),
  expectedSha256: z.string().optional(),
  /** Bytes known to be on the medium itself. */
  durableBytes: z.number().int().nonnegative(),
  /** The kernel that holds the rest of them in its page cache. */
  bootId: z.string(),
});

export type PartialState = z.output<typeof stateSchema>;

export async function loadPartialState(partial: string): Promise<PartialState | undefined> {
  try {
    const result = stateSchema.safeParse(JSON.parse(await readFile(`${partial}.json`, 'utf8')));
    return result.success ? result.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export async function savePartialState(partial: string, state: PartialState): Promise<void> {
  const temporary = `${partial}.json.new`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(JSON.stringify(state, undefined, 2));
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(temporary, `${partial}.json`);
}

/** Removes what is kept for a later process; call it when the file has been moved to its place. */
export async function forgetDownload(partial: string): Promise<void> {
  await rm(`${partial}.json`, { force: true });
  await rm(`${partial}.json.new`, { force: true });
}

/**
 * How many bytes of a partial file can be trusted. A killed process loses nothing that it has written; a crashed
 * machine may have lost everything after the last sync, and may show zeros in its place.
 */
export function trustedBytes(state: PartialState, sizeBytes: number, bootId: string): number {
  const written = state.bootId === bootId ? sizeBytes : Math.min(sizeBytes, state.durableBytes);
  return state.totalBytes !== undefined && written > state.totalBytes ? 0 : written;
}

export async function readBootId(): Promise<string> {
  try {
    return (await readFile(BOOT_ID_FILE, 'utf8')).trim();
  } catch {
    // Without it nothing but synced bytes is trusted: no two processes agree on this one.
    return `${process.pid}-${process.hrtime.bigint()}`;
  }
}
