/**
 * SUSE's format of the rpm database, `Packages.db` (rpm's lib/backend/ndb/rpmpkg.c), which the rpm of other distributions does not read.
 * Numbers are little-endian, blocks have 16 bytes, pages 4096:
 *
 *     page 0...:  "RpmP", version, generation, number of pages with slots, next package number, 12 bytes    then slots
 *     slot:       "Slot", package number, first block, number of blocks; a free one has the first block 0
 *     blob:       "BlbS", package number, generation, length    the header of the package, zeros    Adler-32, length, "BlbE"
 *
 * As in rpm, the checksum of a blob is not looked at in order to read it.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { Iso2RootfsError } from '../errors.js';
import { MAX_READ_BYTES, readRpmHeader, type ReadAt } from './rpm-header.js';
import { packageOf } from './rpm-package.js';
import type { InstalledPackage } from './types.js';

const BLOCK_BYTES = 16;
const PAGE_BYTES = 4096;
const HEADER_BYTES = 32;
const MAGIC = 'RpmP';
const VERSION = 0;
const SLOT_BYTES = 16;
const BLOB_HEAD_BYTES = 16;
const BLOB_TAIL_BYTES = 12;
/** A quarter of a million slots: more packages than any distribution has. */
const MAX_SLOT_PAGES = 1024;
/** Of all packages together; a distribution's whole list has some hundred bytes a package. */
const MAX_TEXT_CHARACTERS = 64 * 1024 * 1024;
/** A database is read from its beginning to its end, in pieces of this size. */
const WINDOW_BYTES = 4 * MAX_READ_BYTES;

interface Slot {
  readonly packageNumber: number;
  readonly firstBlock: number;
  readonly blockCount: number;
}

/** Whether a file begins as such a database does. */
export async function isNdb(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
    return buffer.toString('latin1', 0, bytesRead) === MAGIC;
  } finally {
    await handle.close();
  }
}

/**
 * Installed packages of such a database. Memory grows with what is wanted of them, not with the file.
 * @throws Iso2RootfsError INTEGRITY where it contradicts itself
 */
export async function readNdb(file: string, signal?: AbortSignal): Promise<InstalledPackage[]> {
  const handle = await open(file);
  try {
    const { size: fileBytes } = await handle.stat();
    const read = readerOf(handle);
    const packages: InstalledPackage[] = [];
    let characters = 0;
    for (const slot of await readSlots(read, fileBytes)) {
      signal?.throwIfAborted();
      const tags = await readBlob(read, slot);
      for (const value of Object.values(tags) as (string | undefined)[]) characters += value?.length ?? 0;
      if (characters > MAX_TEXT_CHARACTERS) throw damaged('its names have no end');
      packages.push(...packageOf(tags));
    }
    return packages;
  } finally {
    await handle.close();
  }
}

/** In the order of what they point to, so that the file is read forwards. */
async function readSlots(read: ReadAt, fileBytes: number): Promise<Slot[]> {
  const header = await read(0, HEADER_BYTES);
  const [version, pageCount] = [header.readUInt32LE(4), header.readUInt32LE(12)];
  if (header.toString('latin1', 0, 4) !== MAGIC) throw damaged('it does not begin as one');
  if (version !== VERSION) throw damaged(`it is of version ${version}, which is not known`);
  if (pageCount === 0 || pageCount > MAX_SLOT_PAGES) throw damaged(`${pageCount} pages of slots cannot be`);
  const slots: Slot[] = [];
  for (let page = 0; page < pageCount; page++) {
    const bytes = await read(page * PAGE_BYTES, PAGE_BYTES);
    for (let at = page === 0 ? HEADER_BYTES : 0; at < PAGE_BYTES; at += SLOT_BYTES) {
      if (bytes.toString('latin1', at, at + 4) !== 'Slot') throw damaged('a slot is none');
      const firstBlock = bytes.readUInt32LE(at + 8);
      if (firstBlock === 0) continue;
      slots.push({ packageNumber: bytes.readUInt32LE(at + 4), firstBlock, blockCount: bytes.readUInt32LE(at + 12) });
    }
  }
  slots.sort((one, other) => one.firstBlock - other.firstBlock);
  let free = (pageCount * PAGE_BYTES) / BLOCK_BYTES;
  for (const { firstBlock, blockCount } of slots) {
    // Nothing is read twice, whatever the slots say.
    if (firstBlock < free) throw damaged('packages overlap');
    free = firstBlock + blockCount;
    if (free * BLOCK_BYTES > fileBytes) throw damaged('it is truncated');
  }
  return slots;
}

async function readBlob(
  read: ReadAt,
  { packageNumber, firstBlock, blockCount }: Slot,
): ReturnType<typeof readRpmHeader> {
  const start = firstBlock * BLOCK_BYTES;
  const head = await read(start, BLOB_HEAD_BYTES);
  const lengthBytes = head.readUInt32LE(12);
  if (head.toString('latin1', 0, 4) !== 'BlbS' || head.readUInt32LE(4) !== packageNumber) {
    throw damaged('a package is not where its slot says');
  }
  if (Math.ceil((BLOB_HEAD_BYTES + lengthBytes + BLOB_TAIL_BYTES) / BLOCK_BYTES) !== blockCount) {
    throw damaged('a package is not as long as its slot says');
  }
  const tags = await readRpmHeader(read, start + BLOB_HEAD_BYTES, lengthBytes);
  const tail = await read(start + blockCount * BLOCK_BYTES - BLOB_TAIL_BYTES, BLOB_TAIL_BYTES);
  if (tail.readUInt32LE(4) !== lengthBytes || tail.toString('latin1', 8) !== 'BlbE') {
    throw damaged('a package was not written to its end');
  }
  return tags;
}

/** Reads through one window that moves over the file. */
function readerOf(handle: FileHandle): ReadAt {
  const window = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  let [from, to] = [0, 0];
  return async (position, lengthBytes) => {
    if (position < from || position + lengthBytes > to) {
      const { bytesRead } = await handle.read(window, 0, WINDOW_BYTES, position);
      [from, to] = [position, position + bytesRead];
    }
    if (position + lengthBytes > to) throw damaged('it is truncated');
    return window.subarray(position - from, position - from + lengthBytes);
  };
}

function damaged(what: string): Iso2RootfsError {
  return new Iso2RootfsError('INTEGRITY', `the rpm database of the system (ndb) is damaged: ${what}`);
}
