/** Sizes and durations as people write them. */

const BYTE_UNITS = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 } as const;
const TIME_UNITS = { '': 1, s: 1, sec: 1, m: 60, min: 60, h: 3600, d: 86_400, w: 604_800 } as const;

export const SIZE_WANTED = 'a size such as 8G or 4096M';
export const DURATION_WANTED = 'a duration such as 90m, 2h or 600s';

/** setTimeout cannot wait longer: about 24 days. */
export const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Bytes of `8G`, `8GiB`, `4096M`, `1.5T` or a plain number; powers of 1024. Undefined when it is no size above zero. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const bytes = Math.round(Number(match[1]) * unitOf(BYTE_UNITS, match[2]));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

/** Milliseconds of `90m`, `2h`, `30d` or `600` (seconds). Undefined when it is no duration above zero. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  if (match === null) return undefined;
  const milliseconds = Math.round(Number(match[1]) * unitOf(TIME_UNITS, match[2]) * 1000);
  return Number.isSafeInteger(milliseconds) && milliseconds > 0 ? milliseconds : undefined;
}

/** The shortest exact form that {@link parseBytes} reads: `8G`, `1536M`, `1000`. */
export function writeBytes(bytes: number): string {
  const unit = (['t', 'g', 'm', 'k'] as const).find((name) => bytes % BYTE_UNITS[name] === 0) ?? '';
  return `${bytes / BYTE_UNITS[unit]}${unit.toUpperCase()}`;
}

/** The shortest exact form that {@link parseDuration} reads: `90m`, `2h`, `30d`. */
export function writeDuration(milliseconds: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((name) => milliseconds % (TIME_UNITS[name] * 1000) === 0) ?? 's';
  return `${milliseconds / 1000 / TIME_UNITS[unit]}${unit}`;
}

function unitOf(units: Readonly<Record<string, number>>, name = ''): number {
  const unit = name.toLowerCase();
  return Object.hasOwn(units, unit) ? (units[unit] ?? NaN) : NaN;
}
