/** Finds out how much of a file is aligned blocks of zeros: holes in it, once, and again wherever somebody makes them. */

const BLOCK_BYTES = 64 * 1024;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

export class ZeroBlockCounter {
  /** Bytes in whole 64 KiB blocks, aligned to the start of the file, that hold only zeros. */
  zeroBytes = 0;
  #inBlock = 0;
  #isZero = true;

  add(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const taken = Math.min(BLOCK_BYTES - this.#inBlock, chunk.length - at);
      if (this.#isZero) this.#isZero = ZEROS.compare(chunk, at, at + taken, 0, taken) === 0;
      at += taken;
      this.#inBlock += taken;
      if (this.#inBlock < BLOCK_BYTES) return;
      if (this.#isZero) this.zeroBytes += BLOCK_BYTES;
      this.#inBlock = 0;
      this.#isZero = true;
    }
  }

  reset(): void {
    this.zeroBytes = this.#inBlock = 0;
    this.#isZero = true;
  }
}
