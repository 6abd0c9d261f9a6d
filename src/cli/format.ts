import { stripVTControlCharacters } from 'node:util';

/** Bytes for people: `3.4 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** A duration for people: `0.4 s`, `2 s`, `12 s`, `3 min 05 s`, `1 h 02 min`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  const whole = Math.round(seconds);
  if (seconds < 9.95 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/**
 * Removes what would steer a terminal from text of untrusted origin (a guest's console, a server, a path): escape sequences, control
 * characters but tab and newline, and the marks that reverse the direction of writing.
 */
export function printable(text: string): string {
  return (
    stripVTControlCharacters(text)
      // eslint-disable-next-line no-control-regex -- control characters are what is removed
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '')
  );
}

/** {@link printable}, and without line breaks: for where a line is a unit, such as the four of a failure. */
export function singleLine(text: string): string {
  return printable(text.replace(/\r?\n/g, ' ')).replace(/\s+/g, ' ').trim();
}

/** Letters that take two columns: East Asian ones and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Cuts a line to so many columns of a terminal; `...` says that something was cut. */
export function fitColumns(line: string, columns: number): string {
  const letters = Array.from(line, (letter) => ({
    letter,
    width: WIDE.test(letter) ? 2 : /\p{M}/u.test(letter) ? 0 : 1,
  }));
  if (letters.reduce((sum, { width }) => sum + width, 0) <= columns) return line;
  const ending = '...'.slice(0, Math.max(0, columns));
  let used = ending.length;
  let fitting = '';
  for (const { letter, width } of letters) {
    used += width;
    if (used > columns) break;
    fitting += letter;
  }
  return `${fitting}${ending}`;
}
