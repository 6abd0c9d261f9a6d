import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, rmdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError, systemErrorCode } from '../errors.js';
import { lockFile, type FileLock, type LockOptions } from '../tools/flock.js';
import { describeFile, type DescribeOptions } from './describe-file.js';
import { FileHashes } from './file-hashes.js';
import { listTree, namesIn, syncPath } from './files.js';
import { STORE_FORMAT, storeLayout, type StoreLayout } from './layout.js';
import { MediaShelf } from './media-shelf.js';
import { openLayout } from './open-layout.js';
import {
  findChanges,
  LAST_USED_FILE,
  readRecord,
  writeRecord,
  type ObjectKind,
  type ObjectRecord,
  type StoredObject,
} from './record.js';

export type { ObjectKind, ObjectRecord, StoredObject } from './record.js';

export interface CommitOptions extends DescribeOptions {
  readonly kind: ObjectKind;
  /** 64 hexadecimal digits. The caller holds its lock. */
  readonly key: string;
  readonly keyInputs: Readonly<Record<string, unknown>>;
  readonly isoSha256: string;
  readonly facts?: Readonly<Record<string, unknown>>;
  /** A directory in the store's staging area; it becomes the object. */
  readonly stagingDirectory: string;
}

/** An object that cannot be removed before it is released. */
export interface HeldObject extends StoredObject {
  release(): Promise<void>;
}

interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: (() => void) | undefined;
}

const SHA256 = /^[0-9a-f]{64}$/;
/** How often a step is tried that another process may have undone. */
const ATTEMPTS = 20;

/** Content-addressed results. Nothing half-made is ever visible: staged, made durable, renamed, then announced. */
export class Store {
  readonly layout: StoreLayout;
  readonly fileHashes: FileHashes;
  readonly shelf: MediaShelf;
  /** True: objects can be found and read, and nothing else. */
  readonly isReadOnly: boolean;

  private constructor(cacheDirectory: string, layout: StoreLayout, isReadOnly: boolean) {
    this.layout = layout;
    this.isReadOnly = isReadOnly;
    this.fileHashes = new FileHashes(layout.fileHashes, storeLayout(cacheDirectory).fileHashes);
    this.shelf = new MediaShelf(layout.root);
  }

  /**
   * Opens the store of a cache directory, creating what is missing. One that may only be read is opened for reading.
   * @throws Iso2RootfsError PERMISSION, CONFIG_INVALID, NO_SPACE
   */
  static async open(cacheDirectory: string): Promise<Store> {
    const { layout, isReadOnly } = await openLayout(cacheDirectory);
    return new Store(path.resolve(cacheDirectory), layout, isReadOnly);
  }

  /** @throws Iso2RootfsError PERMISSION when the store may only be read */
  requireWritable(): void {
    if (!this.isReadOnly) return;
    throw new Iso2RootfsError(
      'PERMISSION',
      `the cache in ${this.layout.root} may only be read: nothing can be added to it or removed from it`,
      {
        hint: 'Choose another one with ISO2ROOTFS_CACHE_DIR or --cache-dir.',
      },
    );
  }

  directoryOf(kind: ObjectKind, key: string): string {
    return path.join(kind === 'object' ? this.layout.objects : this.layout.disks, key);
  }

  /** A complete object whose files are as they were committed (size and mtime; `verify` reads them). */
  async find(kind: ObjectKind, key: string): Promise<StoredObject | undefined> {
    const directory = this.directoryOf(kind, key);
    const record = await readRecord(directory, kind, key);
    if (record === undefined || (await findChanges(directory, record)).length > 0) return undefined;
    return { directory, record };
  }

  /**
   * Finds an object and keeps it from being removed until it is released. Waits for one that is being made.
   * @param onWait called when there is something to wait for
   */
  async hold(kind: ObjectKind, key: string, options: WaitOptions = {}): Promise<HeldObject | undefined> {
    const { signal, onWait } = options;
    let lock = await this.lockToRead(key, { wait: false, signal });
    if (lock === 'busy') {
      onWait?.();
      lock = await this.lockToRead(key, { wait: true, signal });
    }
    if (lock === 'busy') throw new Error('unreachable: a waiting lock is always taken');
    const held = lock;
    let object: StoredObject | undefined;
    try {
      object = await this.find(kind, key);
    } finally {
      if (object === undefined) await held?.release();
    }
    if (object === undefined) return undefined;
    return { ...object, release: async () => held?.release() };
  }

  /**
   * Takes the shared lock of a key; undefined where a store that may only be read has none.
   * @returns `busy` only with `wait: false`, when the object is being made or removed
   */
  async lockToRead(
    key: string,
    options: { readonly wait: boolean; readonly signal?: AbortSignal | undefined },
  ): Promise<FileLock | 'busy' | undefined> {
    try {
      return (await this.lock(key, { ...options, isShared: true })) ?? 'busy';
    } catch (error) {
      // Whoever made the object made its lock file. Where there is none and we may not make it, nobody removes anything either.
      if (this.isReadOnly && systemErrorCode(error) !== undefined) return undefined;
      throw error;
    }
  }

  /** Notes that an object was used now, for least-recently-used pruning. */
  async touch(object: StoredObject): Promise<void> {
    const now = new Date();
    try {
      await utimes(path.join(object.directory, LAST_USED_FILE), now, now);
    } catch {
      // A store that may only be read is still good to read from.
    }
  }

  /** A fresh directory on the store's file system. */
  async createStagingDirectory(buildId: string): Promise<string> {
    const directory = path.join(this.layout.staging, buildId, randomUUID());
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return directory;
  }

  /**
   * Makes a staged directory the object of its key, replacing what was there. Durable when it returns; whatever happens before that, what
   * was there stays, or nothing is there, and never a part.
   */
  async commit(options: CommitOptions): Promise<StoredObject> {
    this.requireWritable();
    const { kind, key, stagingDirectory, isoSha256 } = options;
    if (!SHA256.test(key) || !SHA256.test(isoSha256)) throw new TypeError(`no key or no hash: ${key}, ${isoSha256}`);
    const { files, directories } = await listTree(stagingDirectory);
    const record: ObjectRecord = {
      format: STORE_FORMAT,
      kind,
      key,
      committedAt: new Date().toISOString(),
      isoSha256,
      keyInputs: { ...options.keyInputs },
      facts: { ...options.facts },
      files: [],
    };
    for (const file of files) record.files.push(await describeFile(stagingDirectory, file, options));
    await writeFile(path.join(stagingDirectory, LAST_USED_FILE), '');
    await writeRecord(stagingDirectory, record);
    for (const directory of [...directories, '.']) await syncPath(path.join(stagingDirectory, directory));
    // Before the object: an entry without object is harmless, an object that is not found by its ISO is made again.
    if (kind === 'object') await this.#index(isoSha256, key);

    const destination = this.directoryOf(kind, key);
    await this.#replace(destination, stagingDirectory);
    return { directory: destination, record };
  }

  async #replace(destination: string, staged: string): Promise<void> {
    const replaced: string[] = [];
    for (let attempt = 1; ; attempt++) {
      try {
        await rename(staged, destination);
        break;
      } catch (error) {
        const code = systemErrorCode(error);
        if ((code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') || attempt > ATTEMPTS) throw error;
        replaced.push(...(await this.#moveAside(destination)));
      }
    }
    await syncPath(path.dirname(destination));
    for (const old of replaced) await rm(old, { recursive: true, force: true });
  }

  /** Out of sight in one step. Not there is fine. */
  async #moveAside(directory: string): Promise<string[]> {
    const trash = path.join(this.layout.staging, `removed-${randomUUID()}`);
    try {
      await rename(directory, trash);
      return [trash];
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  async #index(isoSha256: string, key: string): Promise<void> {
    const directory = path.join(this.layout.isos, isoSha256);
    for (let attempt = 1; ; attempt++) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      try {
        await writeFile(path.join(directory, key), '', { flag: 'a' });
        break;
      } catch (error) {
        // The directory was empty, and somebody who removed the last object of this ISO took it away.
        if (systemErrorCode(error) !== 'ENOENT' || attempt > ATTEMPTS) throw error;
      }
    }
    await syncPath(directory);
    await syncPath(this.layout.isos);
  }

  /** Keys of the objects that were made of an ISO. There may be more than there are objects: `find` decides. */
  async keysOfIso(isoSha256: string): Promise<string[]> {
    return namesIn(path.join(this.layout.isos, isoSha256));
  }

  /**
   * Removes an object: out of sight in one step, then deleted. Not there is fine.
   * @throws Iso2RootfsError LOCKED when it is being made or read, PERMISSION when the store may only be read
   */
  async remove(kind: ObjectKind, key: string): Promise<void> {
    this.requireWritable();
    const lock = await this.lock(key, { wait: false });
    if (lock === undefined) {
      throw new Iso2RootfsError('LOCKED', `${kind} ${key.slice(0, 12)} is in use`, {
        hint: 'Another iso2rootfs makes it or copies it out: try again when that has ended.',
      });
    }
    try {
      await this.removeLocked(kind, key);
    } finally {
      await lock.release();
    }
  }

  /** The same for who holds the lock. */
  async removeLocked(kind: ObjectKind, key: string): Promise<void> {
    const record = await readRecord(this.directoryOf(kind, key), kind, key);
    const moved = await this.#moveAside(this.directoryOf(kind, key));
    if (kind === 'object' && record !== undefined && SHA256.test(record.isoSha256)) {
      const entries = path.join(this.layout.isos, record.isoSha256);
      await rm(path.join(entries, key), { force: true });
      // Only an empty one can be removed this way.
      await rmdir(entries).catch(() => undefined);
    }
    for (const trash of moved) await rm(trash, { recursive: true, force: true });
  }

  /**
   * Waits for the exclusive right to make the object of a key.
   * @param onWait called when there is something to wait for
   */
  async lockToMake(key: string, { signal, onWait }: WaitOptions = {}): Promise<FileLock> {
    const lock = await this.lock(key, { wait: false, signal });
    if (lock !== undefined) return lock;
    onWait?.();
    const awaited = await this.lock(key, { wait: true, signal });
    if (awaited === undefined) throw new Error('unreachable: a waiting lock is always taken');
    return awaited;
  }

  /**
   * Takes the lock of a name: exclusively to make or remove the object of a key, shared to read it.
   * @returns undefined only with `wait: false`, when it is held by another
   */
  async lock(name: string, options: LockOptions): Promise<FileLock | undefined> {
    return lockFile(path.join(this.layout.locks, `${name}.lock`), options);
  }
}
