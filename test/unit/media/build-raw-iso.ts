/** Images of a kind that no mastering program makes. */
export const SECTOR_BYTES = 2048;

export interface RawRecord {
  readonly block: number;
  readonly sizeBytes?: number;
  readonly isDirectory?: boolean;
}

/** A directory record (ECMA-119, 9.1) without a system use area. */
export function directoryRecord(
  name: string | Buffer,
  { block, sizeBytes = 0, isDirectory = false }: RawRecord,
): Buffer {
  const identifier = Buffer.isBuffer(name) ? name : Buffer.from(name, 'latin1');
  const record = Buffer.alloc(33 + identifier.length + ((identifier.length + 1) % 2));
  record.writeUInt8(record.length, 0);
  record.writeUInt32LE(block, 2);
  record.writeUInt32BE(block, 6);
  record.writeUInt32LE(sizeBytes, 10);
  record.writeUInt32BE(sizeBytes, 14);
  record.writeUInt8(isDirectory ? 2 : 0, 25);
  record.writeUInt8(identifier.length, 32);
  identifier.copy(record, 33);
  return record;
}

/** A directory's sectors: itself, its parent, its entries; none crosses a sector. */
export function isoSectorsOf(records: readonly Buffer[], block = 0): Buffer {
  const self = directoryRecord(Buffer.from([0]), { block, isDirectory: true });
  const parent = directoryRecord(Buffer.from([1]), { block: 18, sizeBytes: SECTOR_BYTES, isDirectory: true });
  const parts: Buffer[] = [];
  let used = 0;
  for (const record of [self, parent, ...records]) {
    if (used + record.length > SECTOR_BYTES) {
      parts.push(Buffer.alloc(SECTOR_BYTES - used));
      used = 0;
    }
    parts.push(record);
    used += record.length;
  }
  parts.push(Buffer.alloc(SECTOR_BYTES - used));
  const sectors = Buffer.concat(parts);
  directoryRecord(Buffer.from([0]), { block, sizeBytes: sectors.length, isDirectory: true }).copy(sectors);
  return sectors;
}

/** Plain ISO 9660: descriptors in sectors 16 and 17, then the directories in order; the first is the root. */
export function buildRawIso(directories: readonly (readonly Buffer[])[]): Buffer {
  let block = 18;
  const sectors = directories.map((records) => {
    const directory = isoSectorsOf(records, block);
    block += directory.length / SECTOR_BYTES;
    return directory;
  });
  const totalSectors = 18 + sectors.reduce((sum, { length }) => sum + length, 0) / SECTOR_BYTES;
  const descriptors = Buffer.alloc(18 * SECTOR_BYTES);
  const primary = descriptors.subarray(16 * SECTOR_BYTES);
  primary.write('\x01CD001\x01', 0, 'latin1');
  primary.write('HOSTILE'.padEnd(32), 40, 'latin1');
  primary.writeUInt32LE(totalSectors, 80);
  primary.writeUInt32BE(totalSectors, 84);
  for (const [value, at] of [
    [1, 120],
    [1, 124],
    [SECTOR_BYTES, 128],
  ] as const) {
    primary.writeUInt16LE(value, at);
    primary.writeUInt16BE(value, at + 2);
  }
  // A path table that nobody here reads, but must be somewhere.
  primary.writeUInt32LE(10, 132);
  primary.writeUInt32BE(10, 136);
  primary.writeUInt32LE(19, 140);
  primary.writeUInt8(1, 881);
  const sizeBytes = sectors[0]?.length ?? 0;
  directoryRecord(Buffer.from([0]), { block: 18, sizeBytes, isDirectory: true }).copy(primary, 156);
  descriptors.write('\xffCD001\x01', 17 * SECTOR_BYTES, 'latin1');
  return Buffer.concat([descriptors, ...sectors]);
}
