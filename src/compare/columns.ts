/**
 * Lists of numbers, bytes and paths of any length in pieces of a fixed size, outside of the heap: as objects and strings, those of a system
 * with hundreds of thousands of files take hundreds of megabytes, and a list that is copied in order to grow leaves the old one behind.
 */
import { randomInt } from 'node:crypto';

const PIECE_BITS = 14;
const PIECE_LENGTH = 2 ** PIECE_BITS;
const PIECE_MASK = PIECE_LENGTH - 1;

/** Numbers by their place; what was not set is 0. */
export class Column {
  readonly #pieces: (Uint32Array | Float64Array)[] = [];

  constructor(private readonly createPiece: (length: number) => Uint32Array | Float64Array) {}

  static ofUnsigned(): Column {
    return new Column((length) => new Uint32Array(length));
  }

  static ofNumbers(): Column {
    return new Column((length) => new Float64Array(length));
  }

  get(place: number): number {
    return this.#pieces[place >>> PIECE_BITS]?.[place & PIECE_MASK] ?? 0;
  }

  set(place: number, value: number): void {
    const piece = (this.#pieces[place >>> PIECE_BITS] ??= this.createPiece(PIECE_LENGTH));
    piece[place & PIECE_MASK] = value;
  }
}

const STORE_BYTES = 1024 * 1024;

/** Strings whose characters are bytes. */
export class ByteStore {
  readonly #pieces: Buffer[] = [];
  #free = STORE_BYTES;

  /** @returns where it is */
  add(latin1: string): number {
    if (this.#free + latin1.length > STORE_BYTES) {
      this.#pieces.push(Buffer.allocUnsafeSlow(Math.max(STORE_BYTES, latin1.length)));
      this.#free = 0;
    }
    const last = this.#pieces.length - 1;
    const position = last * STORE_BYTES + this.#free;
    this.#pieces[last]?.write(latin1, this.#free, 'latin1');
    this.#free += latin1.length;
    return position;
  }

  get(position: number, length: number): string {
    const start = position % STORE_BYTES;
    return this.#pieceAt(position).toString('latin1', start, start + length);
  }

  has(position: number, latin1: string): boolean {
    const [piece, start] = [this.#pieceAt(position), position % STORE_BYTES];
    for (let at = 0; at < latin1.length; at++) if (piece[start + at] !== latin1.charCodeAt(at)) return false;
    return true;
  }

  #pieceAt(position: number): Buffer {
    return this.#pieces[Math.floor(position / STORE_BYTES)] ?? NO_BYTES;
  }
}

const NO_BYTES = Buffer.alloc(0);
const FIRST_SLOTS = 4096;
/** Nobody can choose paths that meet in one slot. */
const SEED = randomInt(2 ** 32);

/** Different paths, numbered as they come. */
export class PackedPaths {
  readonly #bytes = new ByteStore();
  readonly #positions = Column.ofNumbers();
  readonly #lengths = Column.ofUnsigned();
  readonly #hashes = Column.ofUnsigned();
  /** Where a path's hash leads: its number and 1; 0: nothing. */
  #slots = new Uint32Array(FIRST_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number of a path, which gets one if it has none. */
  add(path: string): number {
    const hash = hashOf(path);
    const known = this.#find(path, hash);
    if (known !== undefined) return known;
    if (2 * this.#size >= this.#slots.length) this.#enlarge();
    const number = this.#size++;
    this.#positions.set(number, this.#bytes.add(path));
    this.#lengths.set(number, path.length);
    this.#hashes.set(number, hash);
    this.#enter(number, hash);
    return number;
  }

  find(path: string): number | undefined {
    return this.#find(path, hashOf(path));
  }

  get(number: number): string {
    return this.#bytes.get(this.#positions.get(number), this.#lengths.get(number));
  }

  #find(path: string, hash: number): number | undefined {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] ?? 0) - 1;
      if (number < 0) return undefined;
      if (this.#hashes.get(number) !== hash || this.#lengths.get(number) !== path.length) continue;
      if (this.#bytes.has(this.#positions.get(number), path)) return number;
    }
  }

  #enlarge(): void {
    this.#slots = new Uint32Array(2 * this.#slots.length);
    for (let number = 0; number < this.#size; number++) this.#enter(number, this.#hashes.get(number));
  }

  #enter(number: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = number + 1;
  }
}

/** FNV-1a from a start that nobody knows. */
function hashOf(path: string): number {
  let hash = SEED;
  for (let at = 0; at < path.length; at++) hash = Math.imul(hash ^ path.charCodeAt(at), 0x01000193);
  // The low bits, which choose the slot, depend on all others.
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Few different objects, numbered as they come. */
export class Numbering<Value extends object> {
  readonly #values: Value[] = [];
  readonly #numbers = new Map<Value, number>();

  numberOf(value: Value): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    const number = this.#values.push(value) - 1;
    this.#numbers.set(value, number);
    return number;
  }

  get(number: number): Value | undefined {
    return this.#values[number];
  }
}
