import { mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Iso2RootfsError, systemErrorCode } from '../errors.js';
import { lockFile, type FileLock } from '../tools/flock.js';
import { FileHashes } from './file-hashes.js';
import { exists, readJson, syncPath, writeFileAtomically } from './files.js';
import { MediaShelf } from './media-shelf.js';
import { STORE_FORMAT, storeLayout, type StoreLayout } from './layout.js';

export type ObjectKind = 'object' | 'disk';

const RECORD_FILE = 'object.json';
const LAST_USED_FILE = 'last-used';

const recordSchema = z.object({
  format: z.literal(STORE_FORMAT),
  kind: z.enum(['object', 'disk']),
  key: z.string(),
  committedAt: z.string(),
  isoSha256: z.string(),
  /** What the key was computed from. */
  keyInputs: z.record(z.string(), z.unknown()),
  /** Facts of the one who stored it (the installation's token...). */
  facts: z.record(z.string(), z.unknown()),
  files: z.array(
    z.object({ path: z.string(), sizeBytes: z.number(), mtimeNs: z.string(), sha256: z.string().optional() }),
  ),
});

export type ObjectRecord = z.infer<typeof recordSchema>;

export interface StoredObject {
  readonly directory: string;
  readonly record: ObjectRecord;
}

export interface CommitOptions {
  readonly kind: ObjectKind;
  readonly key: string;
  readonly keyInputs: Readonly<Record<string, unknown>>;
  readonly isoSha256: string;
  readonly facts?: Readonly<Record<string, unknown>>;
  /** SHA-256 of the files that have been hashed while they were written. */
  readonly hashes?: ReadonlyMap<string, string>;
  /** A directory in the store's staging area; it becomes the object. */
  readonly stagingDirectory: string;
}

/** Content-addressed results. Nothing half-made is ever visible: staged, made durable, renamed, then announced. */
export class Store {
  readonly layout: StoreLayout;
  readonly fileHashes: FileHashes;
  readonly shelf: MediaShelf;

  private constructor(layout: StoreLayout) {
    this.layout = layout;
    this.fileHashes = new FileHashes(layout.fileHashes);
    this.shelf = new MediaShelf(layout.root);
  }

  /**
   * Opens the store of a cache directory, creating what is missing.
   * @throws Iso2RootfsError PERMISSION, NO_SPACE
   */
  static async open(cacheDirectory: string): Promise<Store> {
    const layout = storeLayout(path.resolve(cacheDirectory));
    try {
      // Only passing through is open to others: QEMU's user has to reach the workspaces, nobody has to see the guests' files.
      await mkdir(cacheDirectory, { recursive: true });
      for (const directory of [layout.root, layout.workspaces])
        await mkdir(directory, { recursive: true, mode: 0o711 });
      for (const name of ['objects', 'disks', 'isos', 'fileHashes', 'locks', 'staging', 'logs', 'state'] as const) {
        await mkdir(layout[name], { recursive: true, mode: 0o700 });
      }
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
        throw new Iso2RootfsError('PERMISSION', `the cache directory ${cacheDirectory} cannot be written`, {
          hint: 'Choose another one with ISO2ROOTFS_CACHE_DIR or --cache-dir.',
          cause: error,
        });
      }
      if (code === 'ENOTDIR' || code === 'EEXIST') {
        throw new Iso2RootfsError('CONFIG_INVALID', `the cache directory ${cacheDirectory} is not a directory`, {
          hint: 'Choose another one with ISO2ROOTFS_CACHE_DIR or --cache-dir.',
          cause: error,
        });
      }
      throw error;
    }
    return new Store(layout);
  }

  directoryOf(kind: ObjectKind, key: string): string {
    return path.join(kind === 'object' ? this.layout.objects : this.layout.disks, key);
  }

  /** A complete object whose files are as they were committed (size and mtime; `verify` reads them). */
  async find(kind: ObjectKind, key: string): Promise<StoredObject | undefined> {
    const directory = this.directoryOf(kind, key);
    const record = recordSchema.safeParse(await readJson(path.join(directory, RECORD_FILE)));
    if (!record.success || record.data.key !== key || record.data.kind !== kind) return undefined;
    for (const file of record.data.files) {
      try {
        const status = await stat(path.join(directory, file.path), { bigint: true });
        if (status.size !== BigInt(file.sizeBytes) || String(status.mtimeNs) !== file.mtimeNs) return undefined;
      } catch (error) {
        if (systemErrorCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    }
    return { directory, record: record.data };
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

  /** Makes a staged directory the object of its key, replacing a damaged one. Durable when it returns. */
  async commit(options: CommitOptions): Promise<StoredObject> {
    const { kind, key, stagingDirectory } = options;
    const files: ObjectRecord['files'] = [];
    for (const file of await listFiles(stagingDirectory)) {
      await syncPath(path.join(stagingDirectory, file));
      const status = await stat(path.join(stagingDirectory, file), { bigint: true });
      const sha256 = options.hashes?.get(file);
      files.push({
        path: file,
        sizeBytes: Number(status.size),
        mtimeNs: String(status.mtimeNs),
        ...(sha256 === undefined ? {} : { sha256 }),
      });
    }
    const record: ObjectRecord = {
      format: STORE_FORMAT,
      kind,
      key,
      committedAt: new Date().toISOString(),
      isoSha256: options.isoSha256,
      keyInputs: { ...options.keyInputs },
      facts: { ...options.facts },
      files,
    };
    await writeFile(path.join(stagingDirectory, LAST_USED_FILE), '');
    await writeFileAtomically(path.join(stagingDirectory, RECORD_FILE), `${JSON.stringify(record, undefined, 2)}\n`);
    await syncPath(stagingDirectory);

    const destination = this.directoryOf(kind, key);
    if (await exists(destination)) await this.remove(kind, key);
    await rename(stagingDirectory, destination);
    await syncPath(path.dirname(destination));
    if (kind === 'object') await this.#index(options.isoSha256, key);
    return { directory: destination, record };
  }

  async #index(isoSha256: string, key: string): Promise<void> {
    const directory = path.join(this.layout.isos, isoSha256);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const handle = await open(path.join(directory, key), 'w');
    await handle.close();
  }

  /** Keys of the objects that were made of an ISO. */
  async keysOfIso(isoSha256: string): Promise<string[]> {
    try {
      return (await readdir(path.join(this.layout.isos, isoSha256))).sort();
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  /** Removes an object: out of sight in one step, then deleted. */
  async remove(kind: ObjectKind, key: string): Promise<void> {
    const trash = path.join(this.layout.staging, `removed-${randomUUID()}`);
    try {
      await rename(this.directoryOf(kind, key), trash);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return;
      throw error;
    }
    await rm(trash, { recursive: true, force: true });
  }

  /** Waits for the exclusive right to make an object; `undefined` only with `wait: false`. */
  async lock(
    name: string,
    options: { readonly wait: boolean; readonly signal?: AbortSignal | undefined },
  ): Promise<FileLock | undefined> {
    return lockFile(path.join(this.layout.locks, `${name}.lock`), options);
  }
}

/** Paths of all files below a directory, relative to it, sorted. */
async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
}
