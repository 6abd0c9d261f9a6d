/**
 * The header of an installed package, as rpm keeps it in its database (rpm's lib/header.c); numbers are big-endian:
 *
 *     number of index entries, bytes of data
 *     index entries: tag, type, offset into the data, count; what was added after the package was made comes last, and replaces what was there
 *     data
 */
import { Iso2RootfsError } from '../errors.js';
import type { RpmTags } from './rpm-package.js';

/** Reads bytes of a database at a position: what it gives is right until the next call. */
export type ReadAt = (positionBytes: number, lengthBytes: number) => Promise<Buffer>;

/** A read is never larger, however large a header is. */
export const MAX_READ_BYTES = 16 * 1024;
const INTRODUCTION_BYTES = 8;
const ENTRY_BYTES = 16;
/** rpm's own limits. */
const MAX_ENTRIES = 0xffff;
const MAX_DATA_BYTES = 0x0fffffff;

const TYPES = { int32: 4, int64: 5, string: 6, stringArray: 8, i18nString: 9 } as const;
const TEXT: readonly number[] = [TYPES.string, TYPES.stringArray, TYPES.i18nString];
const TAGS: ReadonlyMap<number, keyof RpmTags | 'longSize'> = new Map([
  [1000, 'name'],
  [1001, 'version'],
  [1002, 'release'],
  [1003, 'epoch'],
  [1009, 'size'],
  [1011, 'vendor'],
  [1014, 'license'],
  [1022, 'arch'],
  [1044, 'source'],
  [5009, 'longSize'],
]);

interface Entry {
  readonly type: number;
  readonly offset: number;
}

/**
 * Reads what is wanted of a header, and nothing else of it.
 * @throws Iso2RootfsError INTEGRITY where it contradicts itself
 */
export async function readRpmHeader(read: ReadAt, start: number, lengthBytes: number): Promise<RpmTags> {
  if (lengthBytes < INTRODUCTION_BYTES) throw damagedHeader('it has no beginning');
  const introduction = await read(start, INTRODUCTION_BYTES);
  const [entryCount, dataBytes] = [introduction.readUInt32BE(0), introduction.readUInt32BE(4)];
  const indexBytes = entryCount * ENTRY_BYTES;
  if (entryCount === 0 || entryCount > MAX_ENTRIES || dataBytes > MAX_DATA_BYTES) {
    throw damagedHeader(`${entryCount} tags and ${dataBytes} bytes cannot be`);
  }
  if (INTRODUCTION_BYTES + indexBytes + dataBytes !== lengthBytes) throw damagedHeader('its size is not what it says');
  const entries = await findEntries(read, start + INTRODUCTION_BYTES, indexBytes);
  const dataStart = start + INTRODUCTION_BYTES + indexBytes;
  const values: Partial<Record<keyof RpmTags | 'longSize', string>> = {};
  for (const [name, entry] of [...entries].sort(([, one], [, other]) => one.offset - other.offset)) {
    if (entry.offset >= dataBytes) throw damagedHeader(`its ${name} lies outside of it`);
    const available = Math.min(dataBytes - entry.offset, MAX_READ_BYTES);
    values[name] = readValue(name, entry.type, await read(dataStart + entry.offset, available));
  }
  const { longSize, ...tags } = values;
  return { ...tags, size: longSize ?? tags.size };
}

async function findEntries(
  read: ReadAt,
  start: number,
  indexBytes: number,
): Promise<Map<keyof RpmTags | 'longSize', Entry>> {
  const found = new Map<keyof RpmTags | 'longSize', Entry>();
  for (let at = 0; at < indexBytes; at += MAX_READ_BYTES) {
    const piece = await read(start + at, Math.min(MAX_READ_BYTES, indexBytes - at));
    for (let entry = 0; entry < piece.length; entry += ENTRY_BYTES) {
      const name = TAGS.get(piece.readUInt32BE(entry));
      if (name === undefined) continue;
      found.set(name, { type: piece.readUInt32BE(entry + 4), offset: piece.readUInt32BE(entry + 8) });
    }
  }
  return found;
}

function readValue(name: string, type: number, data: Buffer): string {
  if (name === 'epoch' || name === 'size' || name === 'longSize') {
    const isLong = type === TYPES.int64 && name === 'longSize';
    if ((type !== TYPES.int32 || name === 'longSize') && !isLong) throw damagedHeader(`its ${name} is no number`);
    if (data.length < (isLong ? 8 : 4)) throw damagedHeader(`its ${name} lies outside of it`);
    return String(isLong ? data.readBigUInt64BE(0) : data.readUInt32BE(0));
  }
  // Of several strings, the first: that of no language.
  const end = data.indexOf(0);
  if (!TEXT.includes(type) || end < 0) throw damagedHeader(`its ${name} is no text`);
  // Whatever a terminal would take for a command is none in a name.
  return data.toString('utf8', 0, end).replace(/\p{Cc}/gu, '\ufffd');
}

function damagedHeader(what: string): Iso2RootfsError {
  return new Iso2RootfsError('INTEGRITY', `the rpm database of the system is damaged: a package's header: ${what}`);
}
