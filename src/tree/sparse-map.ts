/** The maps of sparse files: which parts of a file a tar archive holds; all else of it is zero. */
import { BLOCK_BYTES, damaged, readNumber } from './tar-format.js';
import { parsePaxNumber, type PaxRecord } from './pax-records.js';

/** A stored part. `start` counts from the start of the file. */
export interface SparsePart {
  readonly start: number;
  readonly length: number;
}

const MAX_PARTS = 1_000_000;
const MAX_DIGITS = 20;
const OLD_GNU_HEADER_PARTS = { start: 386, count: 4, isExtended: 482 };
const OLD_GNU_EXTENSION_PARTS = { start: 0, count: 21, isExtended: 504 };
/** The real size of an old GNU sparse file. */
export const OLD_GNU_REAL_SIZE = { start: 483, length: 12 };

/** Adds the parts that an old GNU header, or a block that extends it, lists; true when another such block follows. */
export function readOldGnuParts(block: Buffer, isHeader: boolean, parts: SparsePart[]): boolean {
  const layout = isHeader ? OLD_GNU_HEADER_PARTS : OLD_GNU_EXTENSION_PARTS;
  for (let index = 0; index < layout.count; index++) {
    const at = layout.start + index * 24;
    if (block[at + 12] === 0) break;
    addPart(parts, {
      start: readNumber(block, { start: at, length: 12 }),
      length: readNumber(block, { start: at + 12, length: 12 }),
    });
  }
  return block[layout.isExtended] !== 0;
}

/** The map of the pax forms 0.0 (pairs of records) and 0.1 (one record). */
export function readPaxParts(records: readonly PaxRecord[]): SparsePart[] {
  const parts: SparsePart[] = [];
  let start: number | undefined;
  for (const { key, value } of records) {
    if (key === 'GNU.sparse.offset') start = parsePaxNumber(key, value);
    else if (key === 'GNU.sparse.numbytes') {
      if (start === undefined) throw damaged('a sparse map has a length without an offset');
      addPart(parts, { start, length: parsePaxNumber(key, value) });
      start = undefined;
    } else if (key === 'GNU.sparse.map') {
      parts.length = 0;
      const numbers = value.toString('latin1').split(',');
      for (let index = 0; index + 1 < numbers.length; index += 2) {
        addPart(parts, { start: number(numbers[index]), length: number(numbers[index + 1]) });
      }
    }
  }
  return parts;

  function number(text = ''): number {
    return parsePaxNumber('GNU.sparse.map', Buffer.from(text, 'latin1'));
  }
}

/** Reads the map of the pax form 1.0, which stands in blocks before the data: the count, then offsets and lengths, one a line. */
export class SparseMapReader {
  readonly parts: SparsePart[] = [];
  readBytes = 0;
  #count: number | undefined;
  #start: number | undefined;
  #digits = '';

  /** True when the map is complete; the rest of the block is padding. */
  read(block: Buffer): boolean {
    this.readBytes += BLOCK_BYTES;
    const lines = (this.#digits + block.toString('latin1')).split('\n');
    this.#digits = lines.pop() ?? '';
    for (const line of lines) {
      if (this.#addNumber(parsePaxNumber('GNU.sparse.map', Buffer.from(line, 'latin1')))) return true;
    }
    if (this.#digits.length > MAX_DIGITS) throw damaged('a sparse map is not made of numbers');
    return false;
  }

  #addNumber(number: number): boolean {
    if (this.#count === undefined) this.#count = number;
    else if (this.#start === undefined) this.#start = number;
    else {
      addPart(this.parts, { start: this.#start, length: number });
      this.#start = undefined;
    }
    return this.parts.length === this.#count;
  }
}

function addPart(parts: SparsePart[], part: SparsePart): void {
  if (parts.length >= MAX_PARTS) throw damaged('a sparse map has too many parts');
  parts.push(part);
}

/** @throws Iso2RootfsError INTEGRITY when parts overlap, go backwards or beyond the file, or do not add up to what is stored. */
export function checkParts(parts: readonly SparsePart[], realBytes: number, storedBytes: number): void {
  let end = 0;
  let stored = 0;
  for (const { start, length } of parts) {
    if (start < end) throw damaged('the parts of a sparse file overlap');
    end = start + length;
    stored += length;
  }
  if (end > realBytes || stored !== storedBytes) throw damaged('the map of a sparse file contradicts its size');
}
