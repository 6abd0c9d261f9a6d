import * as quantity from '../config/quantity.js';
import { Iso2RootfsError } from '../errors.js';

function wrong(flag: string, text: string, wanted: string): Iso2RootfsError {
  return new Iso2RootfsError('USAGE', `--${flag} ${text}: not ${wanted}`, { hint: `Give ${wanted}.` });
}

/** Bytes of a flag that is no setting: `8G`, `8GiB`, `4096M`. Powers of 1024. */
export function parseBytes(flag: string, text: string): number {
  const bytes = quantity.parseBytes(text);
  if (bytes === undefined) throw wrong(flag, text, quantity.SIZE_WANTED);
  return bytes;
}

/** Milliseconds of a flag that is no setting: `90m`, `2h`, `600` (seconds), at most 24 days. */
export function parseDuration(flag: string, text: string): number {
  const milliseconds = quantity.parseDuration(text);
  if (milliseconds === undefined || milliseconds > quantity.LONGEST_TIMEOUT_MS) {
    throw wrong(flag, text, quantity.DURATION_WANTED);
  }
  return milliseconds;
}
