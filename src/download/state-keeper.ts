import type { Entity } from './entity.js';
import type { HashedFile } from './hashed-file.js';
import { savePartialState } from './partial-state.js';

const SYNC_INTERVAL_MS = 10_000;

/** Keeps the state beside a partial file true while the file grows. */
export class StateKeeper {
  #entity: Entity | undefined;
  #durableBytes = 0;
  #lastSyncAt = performance.now();
  #syncing: Promise<void> | undefined;
  /** One at a time: they all write the same file. */
  #saving: Promise<void> = Promise.resolve();

  constructor(
    private readonly partial: string,
    private readonly file: HashedFile,
    private readonly bootId: string,
    private readonly expectedSha256: string | undefined,
  ) {}

  /** The bytes in the file are those of this entity; the first so many are on the medium. */
  async begin(entity: Entity, durableBytes = this.#durableBytes): Promise<void> {
    this.#entity = entity;
    this.#durableBytes = durableBytes;
    await this.#save();
  }

  /** Makes what was written so far survive a crash of the machine, every now and then, beside the transfer. */
  touch(): void {
    const now = performance.now();
    if (this.#syncing !== undefined || now - this.#lastSyncAt < SYNC_INTERVAL_MS) return;
    this.#lastSyncAt = now;
    this.#syncing = this.#sync(this.#entity)
      // The transfer itself will meet what is wrong with the disk.
      .catch(() => undefined)
      .finally(() => (this.#syncing = undefined));
  }

  /** Everything appended is on the medium when this returns. */
  async finish(entity: Entity): Promise<void> {
    await this.#syncing;
    await this.file.flush();
    await this.begin(entity, await this.file.sync());
  }

  /** Waits for what runs beside the transfer. */
  async close(): Promise<void> {
    await this.#syncing;
    await this.#saving.catch(() => undefined);
  }

  async #sync(entity: Entity | undefined): Promise<void> {
    const bytes = await this.file.sync();
    // Meanwhile the file may have been started over.
    if (entity !== this.#entity || bytes > this.file.writtenBytes) return;
    this.#durableBytes = bytes;
    await this.#save();
  }

  #save(): Promise<void> {
    const entity = this.#entity;
    if (entity === undefined) return Promise.resolve();
    const state = {
      ...entity,
      format: 1 as const,
      expectedSha256: this.expectedSha256,
      durableBytes: this.#durableBytes,
      bootId: this.bootId,
    };
    this.#saving = this.#saving.catch(() => undefined).then(() => savePartialState(this.partial, state));
    return this.#saving;
  }
}
