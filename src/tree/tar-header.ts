/** From a header block and the extensions before it to an entry. */
import type { EntryType, TreeEntry } from './entry.js';
import {
  parsePaxNumber,
  parsePaxRecords,
  parsePaxTime,
  xattrNameOfKey,
  type PaxRecord,
  type PaxTime,
} from './pax-records.js';
import { OLD_GNU_REAL_SIZE, readPaxParts, type SparsePart } from './sparse-map.js';
import {
  DEVICE_MAJOR,
  DEVICE_MINOR,
  GID,
  LINK_NAME,
  MAGIC,
  MODE,
  MTIME,
  NAME,
  POSIX_MAGIC,
  PREFIX,
  SIZE,
  UID,
  damaged,
  readNumber,
  readText,
} from './tar-format.js';
import { normaliseTreePath, printablePath } from './tree-path.js';

const MAX_ID = 0xffffffff;
const TYPES: Partial<Record<string, EntryType>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
};

/** An entry, and how its content is stored. */
export interface ParsedHeader {
  readonly entry: TreeEntry;
  /** Bytes of content in the archive. */
  readonly storedBytes: number;
  /** `blocks`: old GNU, more of the map may follow the header; `map`: pax 1.0, the map is the start of the data. */
  readonly sparse: undefined | 'blocks' | 'map' | readonly SparsePart[];
}

/** What the extended headers before an entry say of it; the global ones hold for all entries after them. */
export class Extensions {
  #global: readonly PaxRecord[] = [];
  #local: readonly PaxRecord[] = [];
  #longName: Buffer | undefined;
  #longLink: Buffer | undefined;

  /** True between an extension and the entry that it is about. */
  isPending = false;

  add(typeFlag: string, payload: Buffer): void {
    if (typeFlag === 'g') {
      this.#global = [...this.#global, ...parsePaxRecords(payload)];
      return;
    }
    this.isPending = true;
    if (typeFlag === 'L') this.#longName = untilNul(payload);
    else if (typeFlag === 'K') this.#longLink = untilNul(payload);
    else this.#local = [...this.#local, ...parsePaxRecords(payload)];
  }

  /** Reads the header that the extensions are about, and forgets them. */
  apply(block: Buffer, typeFlag: string): ParsedHeader {
    const records = this.#global.length === 0 ? this.#local : [...this.#global, ...this.#local];
    const longName = this.#longName;
    const longLink = this.#longLink;
    this.#local = [];
    this.#longName = this.#longLink = undefined;
    this.isPending = false;
    return parseHeader(block, typeFlag, records, longName, longLink);
  }
}

function untilNul(payload: Buffer): Buffer {
  const end = payload.indexOf(0);
  return end < 0 ? payload : payload.subarray(0, end);
}

function parseHeader(
  block: Buffer,
  typeFlag: string,
  records: readonly PaxRecord[],
  longName: Buffer | undefined,
  longLink: Buffer | undefined,
): ParsedHeader {
  const pax = new Map<string, Buffer>();
  const xattrs = new Map<string, Buffer>();
  for (const { key, value } of records) {
    const xattr = xattrNameOfKey(key);
    if (xattr !== undefined) xattrs.set(xattr, value);
    // An empty value takes back what a header before it said.
    else if (value.length === 0) pax.delete(key);
    else pax.set(key, value);
  }
  const rawPath = pax.get('GNU.sparse.name') ?? pax.get('path') ?? longName ?? readUstarName(block);
  const type = entryType(typeFlag, rawPath);
  const path = normaliseTreePath(rawPath);
  if (path.length === 0 && type !== 'directory') throw damaged('an entry that is no directory has no name');
  const storedBytes = readStoredBytes(block, type, pax, path);
  const sparse = type === 'file' ? readSparseForm(typeFlag, pax, records) : undefined;
  const mtime = readMtime(block, pax);
  const isDevice = type === 'character-device' || type === 'block-device';
  const entry: TreeEntry = {
    path,
    type,
    mode: readNumber(block, MODE) & 0o7777,
    uid: readId(block, UID, 'uid', pax),
    gid: readId(block, GID, 'gid', pax),
    sizeBytes: sparse === undefined ? storedBytes : readRealBytes(block, typeFlag, pax, storedBytes),
    mtimeSeconds: mtime.seconds,
    mtimeNanoseconds: mtime.nanoseconds,
    linkTarget: readLinkTarget(type, pax.get('linkpath') ?? longLink ?? readText(block, LINK_NAME), path),
    deviceMajor: isDevice ? readDeviceNumber(block, DEVICE_MAJOR, 'SCHILY.devmajor', pax) : 0,
    deviceMinor: isDevice ? readDeviceNumber(block, DEVICE_MINOR, 'SCHILY.devminor', pax) : 0,
    xattrs,
    accessAcl: pax.get('SCHILY.acl.access')?.toString('latin1'),
    defaultAcl: pax.get('SCHILY.acl.default')?.toString('latin1'),
    selinuxLabel: pax.get('RHT.security.selinux')?.toString('latin1'),
  };
  return { entry, storedBytes, sparse };
}

function readUstarName(block: Buffer): Buffer {
  const name = readText(block, NAME);
  // GNU's own magic has a space where POSIX has a NUL, and other things where POSIX has the prefix.
  const isPosix = block.toString('latin1', MAGIC.start, MAGIC.start + 6) === POSIX_MAGIC.slice(0, 6);
  if (!isPosix || block[PREFIX.start] === 0) return name;
  return Buffer.concat([readText(block, PREFIX), Buffer.from('/'), name]);
}

function entryType(typeFlag: string, rawPath: Buffer): EntryType {
  const type = TYPES[typeFlag];
  if (type === undefined) {
    throw damaged(
      `${printablePath(rawPath)} is of a type that is not known: ${printablePath(Buffer.from(typeFlag, 'latin1'))}`,
    );
  }
  // Before there was a type for directories, a slash at the end made one.
  return type === 'file' && rawPath.at(-1) === 0x2f ? 'directory' : type;
}

function readStoredBytes(block: Buffer, type: EntryType, pax: ReadonlyMap<string, Buffer>, path: Buffer): number {
  // Old archives repeat the size of the file in its links, without content: GNU tar ignores it too.
  if (type === 'hardlink') return 0;
  const size = pax.get('size');
  const storedBytes = size === undefined ? readNumber(block, SIZE) : parsePaxNumber('size', size);
  if (storedBytes < 0) throw damaged(`${printablePath(path)} has a negative size`);
  if (storedBytes > 0 && type !== 'file') throw damaged(`${printablePath(path)} is a ${type} with content`);
  return storedBytes;
}

function readSparseForm(
  typeFlag: string,
  pax: ReadonlyMap<string, Buffer>,
  records: readonly PaxRecord[],
): ParsedHeader['sparse'] {
  if (typeFlag === 'S') return 'blocks';
  if (pax.get('GNU.sparse.major')?.toString('latin1') === '1') return 'map';
  const isOldPax = pax.has('GNU.sparse.size') || pax.has('GNU.sparse.map');
  return isOldPax ? readPaxParts(records) : undefined;
}

function readRealBytes(block: Buffer, typeFlag: string, pax: ReadonlyMap<string, Buffer>, storedBytes: number): number {
  if (typeFlag === 'S') {
    const realBytes = readNumber(block, OLD_GNU_REAL_SIZE);
    if (realBytes < 0) throw damaged('a sparse file has a negative size');
    return realBytes;
  }
  for (const key of ['GNU.sparse.realsize', 'GNU.sparse.size']) {
    const value = pax.get(key);
    if (value !== undefined) return parsePaxNumber(key, value);
  }
  return storedBytes;
}

function readId(block: Buffer, field: typeof UID, key: 'uid' | 'gid', pax: ReadonlyMap<string, Buffer>): number {
  const value = pax.get(key);
  const id = value === undefined ? readNumber(block, field) : parsePaxNumber(key, value, MAX_ID);
  if (id < 0 || id > MAX_ID) throw damaged(`a ${key} is out of range: ${id}`);
  return id;
}

function readDeviceNumber(block: Buffer, field: typeof UID, key: string, pax: ReadonlyMap<string, Buffer>): number {
  const value = pax.get(key);
  const number = value === undefined ? readNumber(block, field) : parsePaxNumber(key, value, MAX_ID);
  if (number < 0 || number > MAX_ID) throw damaged(`a device number is out of range: ${number}`);
  return number;
}

function readMtime(block: Buffer, pax: ReadonlyMap<string, Buffer>): PaxTime {
  const value = pax.get('mtime');
  return value === undefined ? { seconds: readNumber(block, MTIME), nanoseconds: 0 } : parsePaxTime(value);
}

function readLinkTarget(type: EntryType, raw: Buffer, path: Buffer): Buffer {
  if (type !== 'hardlink' && type !== 'symlink') return Buffer.alloc(0);
  if (raw.length === 0 || raw.includes(0)) throw damaged(`${printablePath(path)} links to nothing that can be`);
  if (type === 'symlink') return raw;
  const target = normaliseTreePath(raw);
  if (target.length === 0) throw damaged(`${printablePath(path)} is a hard link to the root`);
  return target;
}
