/** Writes to a stream without a promise per chunk: the caller waits only when the stream has enough. */
import type { Writable } from 'node:stream';

/** More than a stream's own mark: it keeps a slow stream busy while the next chunk is read. */
const QUEUE_BYTES = 1024 * 1024;

export class SinkFeed {
  #failure: Error | undefined;
  #hasFinished = false;
  #wake: (() => void) | undefined;
  #isFull = false;

  constructor(
    private readonly sink: Writable,
    onFailure: (error: Error) => void,
  ) {
    const fail = (error: Error): void => {
      if (this.#failure !== undefined || this.#hasFinished) return;
      this.#failure = error;
      this.#wake?.();
      onFailure(error);
    };
    sink.on('error', fail);
    sink.on('close', () => fail(new Error('the output was closed before its end')));
    sink.on('drain', () => {
      this.#isFull = false;
      this.#wake?.();
    });
    sink.on('finish', () => {
      this.#hasFinished = true;
      this.#wake?.();
    });
  }

  /** True when {@link ready} should be awaited before more is written. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** @throws the error of the stream when it has failed. */
  write(chunk: Buffer): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.sink.write(chunk) && this.sink.writableLength >= QUEUE_BYTES) this.#isFull = true;
  }

  async ready(): Promise<void> {
    await this.#until(() => !this.#isFull);
  }

  /** Ends the stream and waits until it has taken everything. */
  async end(): Promise<void> {
    this.sink.end();
    await this.#until(() => this.#hasFinished);
  }

  abort(error: Error): void {
    this.sink.destroy(error);
  }

  async #until(isReached: () => boolean): Promise<void> {
    while (!isReached()) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }
}
