import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rename, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { toIso2RootfsError } from '../errors.js';
import type { Store } from '../store/store.js';
import { lockFile, type FileLock } from '../tools/flock.js';
import type { Toolbox } from '../tools/toolbox.js';
import { NAME_PREFIX } from '../tools/virsh.js';
import {
  commonMediaDirectory,
  LOCK_FILE,
  NEW_PREFIX,
  newOwner,
  removeRemains,
  WORKSPACE_FILE,
  writeOwner,
  type Owner,
} from './owner.js';

export { removeAbandonedWorkspaces } from './abandoned-workspaces.js';

/** The path of a UNIX socket has at most 107 bytes (unix(7)); the sockets' own names need some of them. */
const LONGEST_SOCKET_DIRECTORY = 65;
/** What virt-install escapes twice on its way into the domain's XML, so that a path with it is another one there. */
const MISREAD_BY_VIRT_INSTALL = /[&<>"']/;

/** Environment variable that every program of a build carries, by which its orphans are found. */
export { BUILD_VARIABLE } from './abandoned-workspaces.js';

/**
 * The places of one build:
 *
 * ```
 * <store>/workspaces/<id>/
 *   owner.json            who builds here, and what to remove should it die
 *   owner.lock            held for as long as the owner lives
 *   media/                what QEMU opens: disk.raw, the ISO, sockets; or /var/tmp/iso2rootfs-<id>/
 * <store>/staging/<id>/   results in the making, on the store's file system
 * <store>/logs/<id>/      kept after a failure
 * ```
 */
export class Workspace {
  readonly domain: string;
  readonly pool: string;
  readonly #held: FileLock[] = [];
  #owner: Owner;

  private constructor(
    readonly directory: string,
    readonly logDirectory: string,
    readonly stagingDirectory: string,
    owner: Owner,
    private readonly lock: FileLock,
  ) {
    this.#owner = owner;
    this.domain = `${NAME_PREFIX}${owner.id}`;
    this.pool = `${NAME_PREFIX}${owner.id}`;
  }

  get id(): string {
    return this.#owner.id;
  }

  static async create(store: Store, libvirtUri: string): Promise<Workspace> {
    const id = randomBytes(6).toString('hex');
    const directory = path.join(store.layout.workspaces, id);
    const unlocked = path.join(store.layout.workspaces, `${NEW_PREFIX}${id}`);
    const logDirectory = path.join(store.layout.logs, id);
    const owner = newOwner(id, libvirtUri);
    await mkdir(unlocked, { recursive: true, mode: 0o711 });
    await chmod(unlocked, 0o711);
    await writeOwner(unlocked, owner);
    // Renamed only with the lock held: whoever looks for abandoned workspaces never sees this one without it.
    const lock = await lockFile(path.join(unlocked, LOCK_FILE), { wait: true });
    if (lock === undefined) throw new Error('unreachable: a waiting lock is always taken');
    try {
      await rename(unlocked, directory);
      await mkdir(logDirectory, { recursive: true, mode: 0o700 });
    } catch (error) {
      await lock.release();
      throw error;
    }
    return new Workspace(directory, logDirectory, path.join(store.layout.staging, id), owner, lock);
  }

  /** Notes a directory outside of the store that has to be removed should this process die. */
  async recordOutputStaging(directory: string): Promise<void> {
    await this.#record({ outputStaging: directory });
  }

  /**
   * Makes the directory of what QEMU opens: in the workspace, or below /var/tmp when QEMU's user cannot pass through to there.
   * @param isReachable whether QEMU's user can pass through to a directory
   */
  async createMediaDirectory(isReachable: (directory: string) => Promise<boolean>): Promise<string> {
    const isTooLong = Buffer.byteLength(this.directory) > LONGEST_SOCKET_DIRECTORY;
    const isOutside = isTooLong || MISREAD_BY_VIRT_INSTALL.test(this.directory) || !(await isReachable(this.directory));
    const mediaDirectory = isOutside ? commonMediaDirectory(this.id) : path.join(this.directory, 'media');
    await this.#record({ mediaDirectory });
    await mkdir(mediaDirectory, { mode: 0o711 });
    await chmod(mediaDirectory, 0o711);
    // By this it can be told from those of other caches, should the workspace be gone.
    if (isOutside) await writeFile(path.join(mediaDirectory, WORKSPACE_FILE), this.directory, { mode: 0o600 });
    return mediaDirectory;
  }

  /** Hands a lock over: it is released when the build has ended, after everything else. */
  keepLock(lock: FileLock): void {
    this.#held.push(lock);
  }

  async #record(change: Partial<Owner>): Promise<void> {
    this.#owner = { ...this.#owner, ...change };
    await writeOwner(this.directory, this.#owner);
  }

  /**
   * Removes everything of this build but its logs. Does not fail: what cannot be removed now is tried again by the next build.
   * @param onProblem told what could not be removed, and why
   */
  async dispose(tools: Toolbox, onProblem?: (message: string) => void): Promise<void> {
    try {
      await removeRemains(tools, this.directory, this.stagingDirectory, this.#owner);
    } catch (error) {
      onProblem?.(toIso2RootfsError(error).message);
    }
    // Only an empty one can be removed this way.
    await rmdir(this.logDirectory).catch(() => undefined);
    for (const lock of this.#held) await lock.release();
    await this.lock.release();
  }
}
