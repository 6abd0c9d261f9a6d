import { Iso2RootfsError } from '../errors.js';

const BYTE_UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const TIME_UNITS: Readonly<Record<string, number>> = { '': 1, s: 1, sec: 1, m: 60, min: 60, h: 3600 };

function wrong(flag: string, text: string, wanted: string): Iso2RootfsError {
  return new Iso2RootfsError('USAGE', `--${flag} ${text}: not ${wanted}`, { hint: `Give ${wanted}.` });
}

/** `8G`, `8GiB`, `4096M`, plain bytes. Powers of 1024. */
export function parseBytes(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text.trim());
  const bytes =
    match === null ? NaN : Math.round(Number(match[1]) * (BYTE_UNITS[(match[2] ?? '').toLowerCase()] ?? NaN));
  if (!Number.isSafeInteger(bytes) || bytes <= 0) throw wrong(flag, text, 'a size such as 8G or 4096M');
  return bytes;
}

/** `90m`, `2h`, `600` (seconds). Gives milliseconds. */
export function parseDuration(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const seconds = match === null ? NaN : Number(match[1]) * (TIME_UNITS[(match[2] ?? '').toLowerCase()] ?? NaN);
  // setTimeout cannot wait longer than 2^31 - 1 ms, about 24 days.
  if (!Number.isFinite(seconds) || seconds <= 0 || seconds * 1000 > 2 ** 31 - 1) {
    throw wrong(flag, text, 'a duration such as 90m, 2h or 600s');
  }
  return Math.round(seconds * 1000);
}
