/**
 * Reads a tar archive (ustar, pax, GNU, v7) as it arrives: memory does not grow with the files in it, and content is handed on as
 * slices of what was pushed. The caller pulls, so a sparse file of any size makes no queue:
 *
 *     for await (const chunk of source) {
 *       reader.push(chunk);
 *       for (let event = reader.next(); event; event = reader.next()) ...
 *     }
 *     reader.finish();
 */
import { SparseMapReader, checkParts, readOldGnuParts, type SparsePart } from './sparse-map.js';
import {
  BLOCK_BYTES,
  CHECKSUM,
  SIZE,
  TYPE_FLAG,
  blockPadding,
  damaged,
  headerChecksum,
  readNumber,
  signedHeaderChecksum,
} from './tar-format.js';
import { Extensions, type ParsedHeader } from './tar-header.js';
import type { TreeEntry } from './entry.js';

/** `entry`; for a file then its content as `data`, in order, as many as there are, and `end`. */
export type TarEvent =
  | { readonly kind: 'entry'; readonly entry: TreeEntry }
  | { readonly kind: 'data'; readonly chunk: Buffer }
  | { readonly kind: 'end' };

const END: TarEvent = { kind: 'end' };
const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);
const HOLE = Buffer.alloc(64 * 1024);
/** The most that the extended headers of one entry, or the global ones, may hold: Linux limits a value to 64 KiB. */
const MAX_EXTENSION_BYTES = 16 * 1024 * 1024;
const EXTENSION_TYPES = new Set(['x', 'X', 'g', 'L', 'K']);
const VOLUME_LABEL = 'V';

type State = 'header' | 'extension' | 'sparse-blocks' | 'sparse-map' | 'content' | 'padding' | 'ended';

export class TarReader {
  #state: State = 'header';
  #chunk: Buffer = ZERO_BLOCK;
  #at = BLOCK_BYTES;
  readonly #split = Buffer.alloc(BLOCK_BYTES);
  #splitBytes = 0;
  #zeroBlocks = 0;
  #paddingBytes = 0;

  #pushedBytes = 0;

  readonly #extensions = new Extensions();
  #extensionType = '';
  #extension = ZERO_BLOCK;
  #extensionFilled = 0;
  #localBytes = 0;
  #globalBytes = 0;

  #header: ParsedHeader | undefined;
  #parts: readonly SparsePart[] = [];
  #oldParts: SparsePart[] = [];
  #map = new SparseMapReader();
  #part = 0;
  #position = 0;

  /** Gives the next bytes of the archive. They are not copied: leave them alone as long as slices of them are in use. */
  push(chunk: Buffer): void {
    if (this.#at < this.#chunk.length) throw new TypeError('the events of the chunk before have not all been taken');
    this.#chunk = chunk;
    this.#at = 0;
    this.#pushedBytes += chunk.length;
  }

  /** How far the archive has been read; after the entry of a file that is not sparse, where its content begins. */
  get offsetBytes(): number {
    return this.#pushedBytes - (this.#chunk.length - this.#at);
  }

  /** How many of the next bytes are nothing but a file's content: when the chunk is used up, they need not be pushed. */
  get skippableBytes(): number {
    if (this.#state !== 'content' || this.#at < this.#chunk.length) return 0;
    const part = this.#parts[this.#part];
    return part === undefined || this.#position < part.start ? 0 : part.start + part.length - this.#position;
  }

  /** Goes on behind bytes that are not pushed, at most {@link skippableBytes}: for who can seek and wants no content. */
  skip(bytes: number): void {
    if (bytes > this.skippableBytes) throw new TypeError('there is something to be read in what is skipped');
    this.#position += bytes;
    this.#pushedBytes += bytes;
  }

  /**
   * The next event, or undefined when more bytes are needed.
   * @throws Iso2RootfsError INTEGRITY when the archive is damaged or holds a hostile path.
   */
  next(): TarEvent | undefined {
    for (;;) {
      switch (this.#state) {
        case 'content':
          return this.#nextContent();
        case 'padding':
          if (!this.#skipPadding()) return undefined;
          break;
        case 'extension':
          if (!this.#collectExtension()) return undefined;
          break;
        case 'ended':
          this.#at = this.#chunk.length;
          return undefined;
        default: {
          const block = this.#takeBlock();
          if (block === undefined) return undefined;
          const event = this.#readBlock(block);
          if (event !== undefined) return event;
        }
      }
    }
  }

  /** @throws Iso2RootfsError INTEGRITY when the archive ended before its end. */
  finish(): void {
    if (this.#state !== 'ended') throw damaged('it is truncated');
  }

  #takeBlock(): Buffer | undefined {
    const available = this.#chunk.length - this.#at;
    if (this.#splitBytes === 0 && available >= BLOCK_BYTES) {
      this.#at += BLOCK_BYTES;
      return this.#chunk.subarray(this.#at - BLOCK_BYTES, this.#at);
    }
    const taken = Math.min(BLOCK_BYTES - this.#splitBytes, available);
    this.#chunk.copy(this.#split, this.#splitBytes, this.#at, this.#at + taken);
    this.#at += taken;
    this.#splitBytes += taken;
    if (this.#splitBytes < BLOCK_BYTES) return undefined;
    this.#splitBytes = 0;
    return this.#split;
  }

  #readBlock(block: Buffer): TarEvent | undefined {
    switch (this.#state) {
      case 'sparse-blocks':
        return readOldGnuParts(block, false, this.#oldParts) ? undefined : this.#startContent(this.#oldParts);
      case 'sparse-map':
        if (this.#map.readBytes >= (this.#header?.storedBytes ?? 0)) throw damaged('a sparse map has no end');
        return this.#map.read(block) ? this.#startContent(this.#map.parts, this.#map.readBytes) : undefined;
      default:
        return this.#readHeader(block);
    }
  }

  #readHeader(block: Buffer): TarEvent | undefined {
    if (block[0] === 0 && block.equals(ZERO_BLOCK)) {
      this.#zeroBlocks++;
      if (this.#zeroBlocks === 2) {
        if (this.#extensions.isPending) throw damaged('it ends with an extended header');
        this.#state = 'ended';
      }
      return undefined;
    }
    if (this.#zeroBlocks !== 0) throw damaged('there is a lone zero block in it');
    const checksum = readNumber(block, CHECKSUM);
    if (checksum !== headerChecksum(block) && checksum !== signedHeaderChecksum(block)) {
      throw damaged('the checksum of a header is wrong');
    }
    const typeFlag = String.fromCharCode(block[TYPE_FLAG] ?? 0);
    if (EXTENSION_TYPES.has(typeFlag)) this.#startExtension(typeFlag, readNumber(block, SIZE));
    else if (typeFlag === VOLUME_LABEL) this.#skip(blockPadding(readNumber(block, SIZE)) + readNumber(block, SIZE));
    else return this.#startEntry(block, typeFlag);
    return undefined;
  }

  #startExtension(typeFlag: string, sizeBytes: number): void {
    const isGlobal = typeFlag === 'g';
    const totalBytes = sizeBytes + (isGlobal ? this.#globalBytes : this.#localBytes);
    if (sizeBytes < 0 || totalBytes > MAX_EXTENSION_BYTES) throw damaged('an extended header is too large');
    if (isGlobal) this.#globalBytes = totalBytes;
    else this.#localBytes = totalBytes;
    this.#extensionType = typeFlag;
    this.#extension = Buffer.allocUnsafe(sizeBytes);
    this.#extensionFilled = 0;
    this.#state = 'extension';
  }

  #collectExtension(): boolean {
    const wanted = this.#extension.length - this.#extensionFilled;
    const taken = Math.min(wanted, this.#chunk.length - this.#at);
    this.#chunk.copy(this.#extension, this.#extensionFilled, this.#at, this.#at + taken);
    this.#at += taken;
    this.#extensionFilled += taken;
    if (taken < wanted) return false;
    this.#extensions.add(this.#extensionType, this.#extension);
    this.#skip(blockPadding(this.#extension.length));
    return true;
  }

  #startEntry(block: Buffer, typeFlag: string): TarEvent | undefined {
    const header = this.#extensions.apply(block, typeFlag);
    this.#localBytes = 0;
    this.#header = header;
    const { entry, sparse, storedBytes } = header;
    if (entry.type !== 'file') return { kind: 'entry', entry };
    if (sparse === undefined) return this.#startContent([{ start: 0, length: storedBytes }]);
    if (sparse === 'map') {
      this.#map = new SparseMapReader();
      this.#state = 'sparse-map';
      return undefined;
    }
    if (sparse !== 'blocks') return this.#startContent(sparse);
    this.#oldParts = [];
    if (!readOldGnuParts(block, true, this.#oldParts)) return this.#startContent(this.#oldParts);
    this.#state = 'sparse-blocks';
    return undefined;
  }

  #startContent(parts: readonly SparsePart[], mapBytes = 0): TarEvent {
    const { entry, storedBytes } = this.#currentHeader();
    checkParts(parts, entry.sizeBytes, storedBytes - mapBytes);
    this.#parts = parts;
    this.#part = 0;
    this.#position = 0;
    this.#state = 'content';
    return { kind: 'entry', entry };
  }

  #nextContent(): TarEvent | undefined {
    const { entry, storedBytes } = this.#currentHeader();
    let part = this.#parts[this.#part];
    while (part !== undefined && this.#position === part.start + part.length) part = this.#parts[++this.#part];
    if (part !== undefined && this.#position >= part.start) {
      const taken = Math.min(part.start + part.length - this.#position, this.#chunk.length - this.#at);
      if (taken === 0) return undefined;
      this.#at += taken;
      this.#position += taken;
      return { kind: 'data', chunk: this.#chunk.subarray(this.#at - taken, this.#at) };
    }
    const holeBytes = Math.min((part?.start ?? entry.sizeBytes) - this.#position, HOLE.length);
    if (holeBytes > 0) {
      this.#position += holeBytes;
      return { kind: 'data', chunk: holeBytes === HOLE.length ? HOLE : HOLE.subarray(0, holeBytes) };
    }
    // Maps are made of whole blocks, so the padding follows from the size of both together.
    this.#skip(blockPadding(storedBytes));
    return END;
  }

  #skip(bytes: number): void {
    if (bytes < 0) throw damaged('a size is negative');
    this.#paddingBytes = bytes;
    this.#state = bytes === 0 ? 'header' : 'padding';
  }

  #skipPadding(): boolean {
    const taken = Math.min(this.#paddingBytes, this.#chunk.length - this.#at);
    this.#at += taken;
    this.#paddingBytes -= taken;
    if (this.#paddingBytes > 0) return false;
    this.#state = 'header';
    return true;
  }

  #currentHeader(): ParsedHeader {
    if (this.#header === undefined) throw new TypeError('there is no entry yet');
    return this.#header;
  }
}

/** The events of a whole archive. For many small entries {@link TarReader} is faster: this costs a promise per event. */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarEvent, void, undefined> {
  const reader = new TarReader();
  for await (const chunk of source) {
    reader.push(chunk);
    for (let event = reader.next(); event !== undefined; event = reader.next()) yield event;
  }
  reader.finish();
}
