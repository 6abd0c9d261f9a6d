/**
 * Makes few large chunks of many small pieces: headers, padding and small files are copied together, large pieces are handed on as
 * they are.
 */

const CAPACITY_BYTES = 64 * 1024;
/** From here on a chunk of its own costs less than a copy. */
const LARGE_BYTES = 16 * 1024;
const ZEROS = Buffer.alloc(CAPACITY_BYTES);

export class ChunkGatherer {
  #buffer = Buffer.allocUnsafeSlow(CAPACITY_BYTES);
  #start = 0;
  #end = 0;
  /** Everything written so far, whether handed on or not. */
  totalBytes = 0;

  /** The chunks must not be changed by who receives them; they stay valid. */
  constructor(private readonly emit: (chunk: Buffer) => void) {}

  /** Room for `sizeBytes` (at most 64 KiB) that the caller fills at once; it holds zeros. */
  reserve(sizeBytes: number): Buffer {
    if (this.#end + sizeBytes > CAPACITY_BYTES) this.#renew();
    const room = this.#buffer.subarray(this.#end, this.#end + sizeBytes).fill(0);
    this.#end += sizeBytes;
    this.totalBytes += sizeBytes;
    return room;
  }

  write(piece: Buffer): void {
    this.totalBytes += piece.length;
    if (piece.length >= LARGE_BYTES) {
      this.flush();
      this.emit(piece);
      return;
    }
    if (this.#end + piece.length > CAPACITY_BYTES) this.#renew();
    piece.copy(this.#buffer, this.#end);
    this.#end += piece.length;
  }

  writeZeros(sizeBytes: number): void {
    for (let left = sizeBytes; left > 0; left -= CAPACITY_BYTES) {
      this.write(left < CAPACITY_BYTES ? ZEROS.subarray(0, left) : ZEROS);
    }
  }

  /** Hands on what is gathered. */
  flush(): void {
    if (this.#end === this.#start) return;
    this.emit(this.#buffer.subarray(this.#start, this.#end));
    // What was handed on is not ours any more: go on behind it.
    this.#start = this.#end;
  }

  #renew(): void {
    this.flush();
    this.#buffer = Buffer.allocUnsafeSlow(CAPACITY_BYTES);
    this.#start = this.#end = 0;
  }
}
