import { createHash, hash, type Hash } from 'node:crypto';

const NO_BYTES = Buffer.alloc(0);

/**
 * SHA-256 of one content after the other. Most files come as one chunk: hashed at once, they leave nothing behind; an object for each of
 * hundreds of thousands is memory that the garbage collector does not know of.
 */
export class ContentHash {
  #first: Buffer | undefined;
  #hash: Hash | undefined;

  /** @param chunk not to be changed until the next call has been made */
  update(chunk: Buffer): void {
    if (this.#hash !== undefined) this.#hash.update(chunk);
    else if (this.#first === undefined) this.#first = chunk;
    else {
      this.#hash = createHash('sha256').update(this.#first).update(chunk);
      this.#first = undefined;
    }
  }

  /** In hexadecimal digits; what comes next is another content. */
  digest(): string {
    const digest = this.#hash?.digest('hex') ?? hash('sha256', this.#first ?? NO_BYTES, 'hex');
    this.#hash = this.#first = undefined;
    return digest;
  }
}
