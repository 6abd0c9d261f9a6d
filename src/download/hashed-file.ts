import { createHash, type Hash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Iso2RootfsError, systemErrorCode } from '../errors.js';

const BATCH_BYTES = 1024 * 1024;
/** One is filled while the others wait for the disk: enough to outlast its hiccups, and all the memory there is to it. */
const BATCHES = 16;

interface Batch {
  readonly bytes: Buffer;
  /** Settles when it is written and can be filled again. */
  written: Promise<void>;
}

/**
 * A file that is written from its beginning to its end and hashed on the way. Hashing one batch overlaps with writing
 * the one before it. The file on disk is a prefix of what was appended at any time.
 */
export class HashedFile {
  #hash: Hash = createHash('sha256');
  #bytes = 0;
  #writtenBytes = 0;
  // Chunks are copied together: thousands of small buffers waiting for the disk would keep the garbage collector busy.
  readonly #batches: Batch[] = [];
  #filling = newBatch();
  #filledBytes = 0;
  /** Settles when everything handed over so far is written. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  static async open(path: string): Promise<HashedFile> {
    // The directory may be shared: never write through somebody's symbolic link.
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
    return new HashedFile(path, await open(path, flags, 0o600));
  }

  /** Bytes appended so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes handed to the kernel so far. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  stat(): Promise<Stats> {
    return this.handle.stat();
  }

  /** Cuts the file to its first bytes and goes on from there; they are read back to be hashed. */
  async keep(bytes: number, options: { signal?: AbortSignal | undefined; onBytes?: (done: number) => void } = {}) {
    await this.flush();
    await this.handle.truncate(bytes);
    this.#hash = createHash('sha256');
    this.#bytes = 0;
    const buffer = Buffer.allocUnsafe(BATCH_BYTES);
    while (this.#bytes < bytes) {
      options.signal?.throwIfAborted();
      const length = Math.min(buffer.length, bytes - this.#bytes);
      const { bytesRead } = await this.handle.read(buffer, 0, length, this.#bytes);
      if (bytesRead === 0) throw new Iso2RootfsError('INTEGRITY', `${this.path} became shorter while it was read`);
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#bytes += bytesRead;
      options.onBytes?.(this.#bytes);
    }
    this.#writtenBytes = this.#bytes;
  }

  /** @throws Iso2RootfsError NO_SPACE */
  async append(chunk: Buffer): Promise<void> {
    for (let start = 0; start < chunk.length;) {
      const copied = chunk.copy(this.#filling.bytes, this.#filledBytes, start);
      start += copied;
      this.#bytes += copied;
      this.#filledBytes += copied;
      if (this.#filledBytes === BATCH_BYTES) await this.#handOver();
    }
  }

  /** Waits until everything appended is in the file (not: on the medium). */
  async flush(): Promise<void> {
    await this.#handOver();
    await this.#writing;
  }

  /** Waits until everything written so far is on the medium. */
  async sync(): Promise<number> {
    const bytes = this.#writtenBytes;
    await this.handle.datasync();
    return bytes;
  }

  /** The SHA-256 of everything appended and flushed. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.handle.close();
  }

  /** Hashes what was filled while it and its predecessors are written; waits when too many of them are. */
  async #handOver(): Promise<void> {
    if (this.#filledBytes === 0) return;
    const batch = this.#filling;
    const filled = batch.bytes.subarray(0, this.#filledBytes);
    this.#filledBytes = 0;
    batch.written = this.#writing = this.#writing.then(() => this.#write(filled));
    // Met by whoever waits for it.
    this.#writing.catch(() => undefined);
    this.#batches.push(batch);
    this.#hash.update(filled);
    const oldest = this.#batches.length < BATCHES ? undefined : this.#batches.shift();
    await oldest?.written;
    this.#filling = oldest ?? newBatch();
  }

  async #write(batch: Buffer): Promise<void> {
    try {
      for (let start = 0; start < batch.length;) {
        const { bytesWritten } = await this.handle.write(batch, start, batch.length - start, this.#writtenBytes);
        this.#writtenBytes += bytesWritten;
        start += bytesWritten;
      }
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
      throw new Iso2RootfsError('NO_SPACE', `no space left for ${this.path}`, {
        hint: 'Free some space and run the command again: what was fetched is kept.',
        cause: error,
        data: { path: this.path, writtenBytes: this.#writtenBytes },
      });
    }
  }
}

function newBatch(): Batch {
  // Slow: of its own, not cut from the pool that small buffers share.
  return { bytes: Buffer.allocUnsafeSlow(BATCH_BYTES), written: Promise.resolve() };
}
