import { SECTOR_BYTES } from './volume-descriptors.js';

/** A directory record as it lies on the disk (ECMA-119, 9.1). */
export interface DirectoryRecord {
  /** One byte 0 or 1 for the directory itself and its parent. */
  readonly identifier: Buffer;
  readonly block: number;
  readonly sizeBytes: number;
  readonly isDirectory: boolean;
  /** Another record of the same file follows. */
  readonly hasMoreExtents: boolean;
  /** Associated files (resource forks) share their name with the real file. */
  readonly isAssociated: boolean;
  readonly isInterleaved: boolean;
  /** Everything behind the identifier: Rock Ridge lives here. */
  readonly systemUse: Buffer;
}

const FIXED_BYTES = 33;
const FLAG_DIRECTORY = 0x02;
const FLAG_ASSOCIATED = 0x04;
const FLAG_MORE_EXTENTS = 0x80;

/**
 * Splits a directory's bytes into its records. A record never crosses a sector; the rest of a sector is zero.
 * `fail` makes the error for what is wrong.
 */
export function* parseDirectoryRecords(data: Buffer, fail: (what: string) => Error): Generator<DirectoryRecord> {
  let at = 0;
  while (at < data.length) {
    const length = data.readUInt8(at);
    if (length === 0) {
      at = (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES;
      continue;
    }
    const sectorEnd = Math.min((Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES, data.length);
    if (length <= FIXED_BYTES || at + length > sectorEnd) throw fail(`a record of ${length} bytes at offset ${at}`);
    yield parseRecord(data.subarray(at, at + length), fail);
    at += length;
  }
}

function parseRecord(record: Buffer, fail: (what: string) => Error): DirectoryRecord {
  const nameLength = record.readUInt8(32);
  const nameEnd = FIXED_BYTES + nameLength;
  if (nameLength === 0 || nameEnd > record.length) throw fail(`a name of ${nameLength} bytes in a shorter record`);
  const flags = record.readUInt8(25);
  return {
    identifier: record.subarray(FIXED_BYTES, nameEnd),
    // An extended attribute record precedes the data.
    block: record.readUInt32LE(2) + record.readUInt8(1),
    sizeBytes: record.readUInt32LE(10),
    isDirectory: (flags & FLAG_DIRECTORY) !== 0,
    hasMoreExtents: (flags & FLAG_MORE_EXTENTS) !== 0,
    isAssociated: (flags & FLAG_ASSOCIATED) !== 0,
    isInterleaved: record.readUInt8(26) !== 0,
    systemUse: record.subarray(nameEnd + ((nameLength + 1) % 2)),
  };
}

/** The records of the directory itself and of its parent. */
export function isSelfOrParent(record: DirectoryRecord): boolean {
  return record.identifier.length === 1 && record.identifier.readUInt8(0) <= 1;
}
