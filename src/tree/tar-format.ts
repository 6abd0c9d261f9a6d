/** The 512-byte blocks of a tar archive: where the fields are, and the numbers and the checksum in them (POSIX.1-2001 pax, GNU). */
import { Iso2RootfsError } from '../errors.js';

export const BLOCK_BYTES = 512;
/** GNU tar's record: an archive's length is a multiple of it. */
export const RECORD_BYTES = 20 * BLOCK_BYTES;

interface Field {
  readonly start: number;
  readonly length: number;
}

export const NAME: Field = { start: 0, length: 100 };
export const MODE: Field = { start: 100, length: 8 };
export const UID: Field = { start: 108, length: 8 };
export const GID: Field = { start: 116, length: 8 };
export const SIZE: Field = { start: 124, length: 12 };
export const MTIME: Field = { start: 136, length: 12 };
export const CHECKSUM: Field = { start: 148, length: 8 };
export const TYPE_FLAG = 156;
export const LINK_NAME: Field = { start: 157, length: 100 };
export const MAGIC: Field = { start: 257, length: 8 };
export const DEVICE_MAJOR: Field = { start: 329, length: 8 };
export const DEVICE_MINOR: Field = { start: 337, length: 8 };
export const PREFIX: Field = { start: 345, length: 155 };

export const POSIX_MAGIC = 'ustar\u000000';

const SPACE = 0x20;
const ZERO_DIGIT = 0x30;
const SEVEN_DIGIT = 0x37;

/** The bytes of a text field up to its first NUL, copied. */
export function readText(block: Buffer, field: Field): Buffer {
  const bytes = block.subarray(field.start, field.start + field.length);
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end));
}

/**
 * A number field: octal text, or big-endian two's complement where the first byte has its high bit set (GNU "base-256").
 * @throws Iso2RootfsError INTEGRITY when it is neither, or beyond what a number holds exactly.
 */
export function readNumber(block: Buffer, field: Field): number {
  const first = block[field.start] ?? 0;
  return (first & 0x80) !== 0 ? readBase256(block, field, first) : readOctal(block, field);
}

function readOctal(block: Buffer, { start, length }: Field): number {
  const end = start + length;
  let at = start;
  while (at < end && block[at] === SPACE) at++;
  let value = 0;
  for (; at < end; at++) {
    const byte = block[at] ?? 0;
    if (byte === 0 || byte === SPACE) break;
    if (byte < ZERO_DIGIT || byte > SEVEN_DIGIT) throw damaged('a number in a header is not octal');
    value = value * 8 + (byte - ZERO_DIGIT);
  }
  return value;
}

function readBase256(block: Buffer, { start, length }: Field, first: number): number {
  const isNegative = (first & 0x40) !== 0;
  // The first byte's high bit marks the form; the sign is the bit below it.
  let value = isNegative ? (first | 0x80) - 0x100 : first & 0x7f;
  for (let at = start + 1; at < start + length; at++) value = value * 256 + (block[at] ?? 0);
  if (!Number.isSafeInteger(value)) throw damaged('a number in a header is beyond reason');
  return value;
}

/** Writes octal digits and a NUL. The caller knows that the value fits. */
export function writeOctal(block: Buffer, { start, length }: Field, value: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), start, 'latin1');
}

/** The largest value that {@link writeOctal} can hold in a field. */
export function largestOctal({ length }: Field): number {
  return 8 ** (length - 1) - 1;
}

/** The sum over a header with its checksum field taken as spaces. */
export function headerChecksum(block: Buffer): number {
  let sum = CHECKSUM.length * SPACE;
  for (let at = 0; at < CHECKSUM.start; at++) sum += block[at] ?? 0;
  for (let at = CHECKSUM.start + CHECKSUM.length; at < BLOCK_BYTES; at++) sum += block[at] ?? 0;
  return sum;
}

/** Some old programs summed signed characters. */
export function signedHeaderChecksum(block: Buffer): number {
  let sum = headerChecksum(block);
  for (let at = 0; at < BLOCK_BYTES; at++) {
    const isChecksum = at >= CHECKSUM.start && at < CHECKSUM.start + CHECKSUM.length;
    if (!isChecksum && (block[at] ?? 0) >= 0x80) sum -= 0x100;
  }
  return sum;
}

/** How many bytes fill up the last block of a content. */
export function blockPadding(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** The error of every archive that is not what it should be. */
export function damaged(what: string, data?: Readonly<Record<string, unknown>>): Iso2RootfsError {
  return new Iso2RootfsError('INTEGRITY', `damaged tar archive: ${what}`, {
    hint: 'Run the command again; if that does not help, the disk image that it is read from is damaged.',
    ...(data === undefined ? {} : { data }),
  });
}
