/**
 * The records of a pax extended header: `<length> <key>=<value>\n`, where the length counts the whole record and the value is any
 * bytes. It is never decoded as text: capabilities are binary, and names need not be UTF-8.
 */
import { damaged } from './tar-format.js';

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;
const ZERO_DIGIT = 0x30;
const NINE_DIGIT = 0x39;

export interface PaxRecord {
  /** Bytes as latin1. */
  readonly key: string;
  readonly value: Buffer;
}

/** @throws Iso2RootfsError INTEGRITY when a length does not lead to the end of a record. */
export function parsePaxRecords(payload: Buffer): PaxRecord[] {
  const records: PaxRecord[] = [];
  let start = 0;
  while (start < payload.length) {
    // GNU tar and libarchive take a NUL as the end: some writers pad with them.
    if (payload[start] === 0) break;
    let at = start;
    let length = 0;
    for (; at < payload.length && payload[at] !== SPACE; at++) {
      const byte = payload[at] ?? 0;
      if (byte < ZERO_DIGIT || byte > NINE_DIGIT || at - start > 10) throw damaged('a pax record has no length');
      length = length * 10 + (byte - ZERO_DIGIT);
    }
    const end = start + length;
    const equals = payload.indexOf(EQUALS, at);
    if (end > payload.length || equals < 0 || equals >= end || equals <= at + 1 || payload[end - 1] !== NEWLINE) {
      throw damaged('the length of a pax record is wrong');
    }
    records.push({ key: payload.toString('latin1', at + 1, equals), value: payload.subarray(equals + 1, end - 1) });
    start = end;
  }
  return records;
}

/** One record. The key is bytes as latin1. */
export function formatPaxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length), 'latin1'), rest]);
}

export interface PaxTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** A decimal number of seconds; digits beyond the nanosecond are cut off. */
export function parsePaxTime(value: Buffer): PaxTime {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(value.toString('latin1'));
  if (match === null) throw damaged('a pax record holds no time');
  const [, sign, whole = '', fraction = ''] = match;
  const seconds = Number(whole);
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (sign !== '-') return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: 0 - seconds, nanoseconds }
    : { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds };
}

export function formatPaxTime({ seconds, nanoseconds }: PaxTime): string {
  if (nanoseconds === 0) return String(seconds);
  const isNegative = seconds < 0;
  const whole = isNegative ? -(seconds + 1) : seconds;
  const fraction = isNegative ? 1e9 - nanoseconds : nanoseconds;
  return `${isNegative ? '-' : ''}${whole}.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`;
}

/** @throws Iso2RootfsError INTEGRITY when it is not a plain decimal number from 0 to `largest`. */
export function parsePaxNumber(key: string, value: Buffer, largest = Number.MAX_SAFE_INTEGER): number {
  const text = value.toString('latin1');
  const number = /^\d{1,17}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= largest)) throw damaged(`the pax record '${key}' holds no number that can be`);
  return number;
}

const XATTR_PREFIX = 'SCHILY.xattr.';

/** The attribute that a key stands for, or undefined. GNU tar writes `=` and `%` in names as `%3D` and `%25`. */
export function xattrNameOfKey(key: string): string | undefined {
  if (!key.startsWith(XATTR_PREFIX)) return undefined;
  return key.slice(XATTR_PREFIX.length).replace(/%(?:3D|25)/g, (escape) => (escape === '%25' ? '%' : '='));
}

export function keyOfXattrName(name: string): string {
  return XATTR_PREFIX + name.replace(/[%=]/g, (character) => (character === '%' ? '%25' : '%3D'));
}
