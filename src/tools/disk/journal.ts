/** Whether a file system was left with changes that only its journal has: they are not replayed when a disk is only read. */
import type { FileHandle } from 'node:fs/promises';

const SECTOR_BYTES = 512;
const EXT_NEEDS_RECOVERY = 0x4;
const XFS_MAGIC = 0x58465342;
const XLOG_MAGIC = 0xfeedbabe;
const XLOG_UNMOUNT = 0x20;
const XLOG_HEADER_BYTES = 32 * 1024;

/** @param at where the file system begins on the disk, in bytes */
export async function needsReplay(disk: FileHandle, type: string, at: number): Promise<boolean> {
  if (/^ext[34]$/.test(type))
    return ((await read(disk, at + 1024, 1024)).readUInt32LE(0x60) & EXT_NEEDS_RECOVERY) !== 0;
  if (type === 'btrfs') return (await read(disk, at + 0x10000, 4096)).readBigUInt64LE(0x60) !== 0n;
  return type === 'xfs' && !(await hasXfsUnmountRecord(disk, at));
}

/**
 * An XFS log is clean when its newest record says that the file system was unmounted (xlog_check_unmount_rec in fs/xfs/xfs_log_recover.c),
 * or when nothing was ever written to it but what mkfs wrote, which is such a record too.
 */
async function hasXfsUnmountRecord(disk: FileHandle, at: number): Promise<boolean> {
  const superblock = await read(disk, at, SECTOR_BYTES);
  if (superblock.readUInt32BE(0) !== XFS_MAGIC) return false;
  const blockBytes = superblock.readUInt32BE(4);
  const logStart = superblock.readBigUInt64BE(48);
  const groupBlocks = superblock.readUInt32BE(84);
  const logBlocks = superblock.readUInt32BE(96);
  const groupLog = superblock.readUInt8(124);
  // A log on another device is not ours to judge.
  if (logStart === 0n) return false;
  const mask = (1n << BigInt(groupLog)) - 1n;
  const firstBlock = (logStart >> BigInt(groupLog)) * BigInt(groupBlocks) + (logStart & mask);
  const start = at + Number(firstBlock) * blockBytes;
  const sizeBytes = logBlocks * blockBytes;
  let newest: { readonly lsn: bigint; readonly isUnmount: boolean } | undefined;
  const step = 4 * 2 ** 20;
  for (let done = 0; done < sizeBytes; done += step) {
    // With what follows the last header of it.
    const piece = await read(disk, start + done, Math.min(step + XLOG_HEADER_BYTES, sizeBytes - done));
    for (let place = 0; place < Math.min(step, piece.length); place += SECTOR_BYTES) {
      if (piece.readUInt32BE(place) !== XLOG_MAGIC) continue;
      const lsn = piece.readBigUInt64BE(place + 16);
      if (newest !== undefined && lsn <= newest.lsn) continue;
      const headerBytes = Math.max(1, Math.ceil(piece.readUInt32BE(place + 320) / XLOG_HEADER_BYTES)) * SECTOR_BYTES;
      const flags = piece[place + headerBytes + 9] ?? 0;
      newest = { lsn, isUnmount: piece.readUInt32BE(place + 40) === 1 && (flags & XLOG_UNMOUNT) !== 0 };
    }
  }
  return newest?.isUnmount === true;
}

async function read(disk: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  await disk.read(buffer, 0, bytes, position);
  return buffer;
}
