/**
 * The names in newc archives, as the kernel reads them out of an initramfs (init/initramfs.c): several archives may follow each other,
 * with zero bytes between them. What is not wanted is skipped without being held.
 */
import { Iso2RootfsError } from '../errors.js';

const HEADER_BYTES = 110;
const MAGIC = /^07070[12]$/;
const TRAILER = 'TRAILER!!!';
/** The kernel's limit (PATH_MAX, with the terminating NUL). */
const MAX_NAME_BYTES = 4096;

export interface NewcMember {
  /** As it stands in the archive, bytes as latin1. */
  readonly name: string;
  /** With the bits of the file's type. */
  readonly mode: number;
  readonly sizeBytes: number;
  /** Names of one inode have the same number and device, within one archive. */
  readonly inode: string;
  readonly linkCount: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

export interface NewcScannerOptions {
  /** Whether the content is to be given to {@link onMember}. Only for what is small. */
  readonly wants: (member: NewcMember) => boolean;
  readonly onMember: (member: NewcMember, content: Buffer | undefined) => void;
  /** The content of what is not wanted whole, as it passes, after its {@link onMember}. */
  readonly onContent?: (chunk: Buffer) => void;
  /** An archive has ended: inode numbers mean something else in the next one. */
  readonly onArchiveEnd?: () => void;
}

/** Reads archives from chunks of any size, until something else comes. */
export class NewcScanner {
  #rest: Buffer = Buffer.alloc(0);
  #skipBytes = 0;
  /** How many of the bytes to be skipped are content, which comes before its padding. */
  #passingBytes = 0;
  #wanted: NewcMember | undefined;
  #isInArchive = false;
  #offsetBytes = 0;
  #foreign: Buffer | undefined;

  constructor(private readonly options: NewcScannerOptions) {}

  /** Where the first byte is that is neither an archive nor padding; undefined as long as there is none. */
  get foreignOffsetBytes(): number | undefined {
    return this.#foreign === undefined ? undefined : this.#offsetBytes;
  }

  /** The first bytes of it. */
  get foreignMagic(): Buffer {
    return this.#foreign?.subarray(0, 6) ?? Buffer.alloc(0);
  }

  /** Whether the input ended, if this was its end, between two archives. */
  get isBetweenArchives(): boolean {
    return !this.#isInArchive && this.#skipBytes === 0 && this.#rest.every((byte) => byte === 0);
  }

  /** @throws Iso2RootfsError INTEGRITY for a header that cannot be one. */
  push(chunk: Buffer): void {
    if (this.#foreign !== undefined) return;
    const skipped = Math.min(this.#skipBytes, chunk.length);
    this.#skipBytes -= skipped;
    this.#offsetBytes += skipped;
    this.#pass(chunk, skipped);
    if (skipped === chunk.length) return;
    const fresh = chunk.subarray(skipped);
    this.#rest = this.#rest.length === 0 ? fresh : Buffer.concat([this.#rest, fresh]);
    while (this.#step());
    // A slice would keep the whole chunk alive.
    if (this.#rest.length > 0) this.#rest = Buffer.from(this.#rest);
  }

  #step(): boolean {
    if (!this.#isInArchive) this.#consume(paddingOf(this.#rest));
    if (this.#wanted !== undefined) return this.#takeContent(this.#wanted);
    if (this.#rest.length < HEADER_BYTES) {
      const isForeign = !this.#isInArchive && this.#rest.length >= 6 && !isHeader(this.#rest);
      if (isForeign) this.#foreign = this.#rest;
      return false;
    }
    if (!isHeader(this.#rest)) {
      if (this.#isInArchive) throw damaged('an entry does not begin with a header');
      this.#foreign = this.#rest;
      return false;
    }
    const field = (index: number): number => {
      const text = this.#rest.toString('latin1', 6 + index * 8, 14 + index * 8);
      if (!/^[0-9a-fA-F]{8}$/.test(text)) throw damaged('a header has a number that is none');
      return Number.parseInt(text, 16);
    };
    const [sizeBytes, nameBytes] = [field(6), field(11)];
    if (nameBytes < 1 || nameBytes > MAX_NAME_BYTES) throw damaged(`a name has ${nameBytes} bytes`);
    const [inode, mode, uid, gid, linkCount, mtimeSeconds] = [
      field(0),
      field(1),
      field(2),
      field(3),
      field(4),
      field(5),
    ];
    const [deviceOf, deviceMajor, deviceMinor] = [`${field(7)}:${field(8)}`, field(9), field(10)];
    const headBytes = aligned(HEADER_BYTES + nameBytes);
    if (this.#rest.length < headBytes) return false;
    const name = this.#rest.toString('latin1', HEADER_BYTES, HEADER_BYTES + nameBytes - 1);
    this.#consume(headBytes);
    this.#isInArchive = name !== TRAILER;
    if (!this.#isInArchive) {
      this.#skip(aligned(sizeBytes));
      this.options.onArchiveEnd?.();
      return true;
    }
    const member: NewcMember = {
      name,
      mode,
      sizeBytes,
      inode: `${deviceOf}:${inode}`,
      linkCount,
      uid,
      gid,
      mtimeSeconds,
      deviceMajor,
      deviceMinor,
    };
    if (this.options.wants(member)) {
      this.#wanted = member;
    } else {
      this.options.onMember(member, undefined);
      this.#passingBytes = sizeBytes;
      this.#skip(aligned(sizeBytes));
    }
    return true;
  }

  #takeContent(member: NewcMember): boolean {
    if (this.#rest.length < member.sizeBytes) return false;
    this.options.onMember(member, Buffer.from(this.#rest.subarray(0, member.sizeBytes)));
    this.#wanted = undefined;
    this.#skip(aligned(member.sizeBytes));
    return true;
  }

  #skip(bytes: number): void {
    const now = Math.min(bytes, this.#rest.length);
    this.#pass(this.#rest, now);
    this.#consume(now);
    this.#skipBytes = bytes - now;
  }

  /** Of the skipped bytes at the beginning of a chunk, hands on those that are content. */
  #pass(chunk: Buffer, skippedBytes: number): void {
    const passed = Math.min(this.#passingBytes, skippedBytes);
    if (passed === 0) return;
    this.#passingBytes -= passed;
    this.options.onContent?.(chunk.subarray(0, passed));
  }

  #consume(bytes: number): void {
    this.#rest = this.#rest.subarray(bytes);
    this.#offsetBytes += bytes;
  }
}

function isHeader(bytes: Buffer): boolean {
  return MAGIC.test(bytes.toString('latin1', 0, 6));
}

function paddingOf(bytes: Buffer): number {
  const end = bytes.findIndex((byte) => byte !== 0);
  return end < 0 ? bytes.length : end;
}

/** Headers and contents begin at multiples of four; every archive begins at one itself. */
function aligned(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

function damaged(what: string): Iso2RootfsError {
  return new Iso2RootfsError('INTEGRITY', `the cpio archive is damaged: ${what}`);
}
