import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError, systemErrorCode } from '../errors.js';

/** Bytes that we may write where `target` is, or would be once its missing parents are made. */
export async function freeBytes(target: string): Promise<number> {
  let place = path.resolve(target);
  for (;;) {
    try {
      const { bavail, bsize } = await statfs(place);
      return bavail * bsize;
    } catch (error) {
      const parent = path.dirname(place);
      if (systemErrorCode(error) !== 'ENOENT' || parent === place) throw error;
      place = parent;
    }
  }
}

/**
 * Makes sure that something will fit before the work begins.
 * @param purpose what the space is for, as a noun: 'the installed disk'.
 * @throws Iso2RootfsError NO_SPACE with the bytes needed and available.
 */
export async function requireSpace(target: string, neededBytes: number, purpose: string): Promise<void> {
  const availableBytes = await freeBytes(target);
  if (availableBytes >= neededBytes) return;
  throw new Iso2RootfsError(
    'NO_SPACE',
    `${purpose} needs ${formatBytes(neededBytes)} at ${target}, where ${formatBytes(availableBytes)} are free`,
    {
      hint: `Free ${formatBytes(neededBytes - availableBytes)} there and run the command again, or choose another place.`,
      data: { path: target, neededBytes, availableBytes },
    },
  );
}

/** For people: binary units, one decimal place. */
export function formatBytes(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  if (bytes < 1024) return `${bytes} bytes`;
  let value = bytes / 1024;
  let unit = 0;
  // 1023.96 KiB would be shown as 1024.0 KiB.
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit] ?? ''}`;
}
