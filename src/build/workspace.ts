import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Store } from '../store/store.js';
import { readJson, writeFileAtomically } from '../store/files.js';
import { removeTree } from '../tools/copy.js';
import { lockFile, type FileLock } from '../tools/flock.js';
import { endProcessesOf } from '../tools/orphans.js';
import type { Toolbox } from '../tools/toolbox.js';
import { NAME_PREFIX, Virsh } from '../tools/virsh.js';

const FORMAT = 1;
const OWNER_FILE = 'owner.json';
const LOCK_FILE = 'owner.lock';
/** A workspace whose owner has not yet taken its lock has this prefix. */
const NEW_PREFIX = '.new-';
const NEW_GRACE_MS = 60_000;

/** Environment variable that every program of a build carries, by which its orphans are found. */
export const BUILD_VARIABLE = 'ISO2ROOTFS_BUILD';

const ownerSchema = z.object({
  format: z.literal(FORMAT),
  id: z.string().regex(/^[0-9a-f]+$/),
  pid: z.number(),
  libvirtUri: z.string(),
  mediaDirectory: z.string().optional(),
  outputStaging: z.string().optional(),
  startedAt: z.string(),
});
type Owner = z.infer<typeof ownerSchema>;

/**
 * The places of one build:
 *
 * ```
 * <store>/workspaces/<id>/
 *   owner.json            who builds here, and what to remove should it die
 *   owner.lock            held for as long as the owner lives
 *   media/                what QEMU opens: disk.raw, the ISO, sockets
 * <store>/staging/<id>/   results in the making, on the store's file system
 * <store>/logs/<id>/      kept after a failure
 * ```
 */
export class Workspace {
  readonly domain: string;
  readonly pool: string;
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
    const owner: Owner = { format: FORMAT, id, pid: process.pid, libvirtUri, startedAt: new Date().toISOString() };
    await mkdir(unlocked, { recursive: true, mode: 0o711 });
    await chmod(unlocked, 0o711);
    await mkdir(logDirectory, { recursive: true, mode: 0o700 });
    await writeFileAtomically(path.join(unlocked, OWNER_FILE), JSON.stringify(owner));
    // Renamed only with the lock held: whoever looks for abandoned workspaces never sees this one without it.
    const lock = await lockFile(path.join(unlocked, LOCK_FILE), { wait: true });
    if (lock === undefined) throw new Error('unreachable: a waiting lock is always taken');
    try {
      await rename(unlocked, directory);
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
    const mediaDirectory = (await isReachable(this.directory))
      ? path.join(this.directory, 'media')
      : path.join('/var/tmp', `${NAME_PREFIX}${this.id}`);
    await this.#record({ mediaDirectory });
    await mkdir(mediaDirectory, { mode: 0o711 });
    await chmod(mediaDirectory, 0o711);
    return mediaDirectory;
  }

  async #record(change: Partial<Owner>): Promise<void> {
    this.#owner = { ...this.#owner, ...change };
    await writeFileAtomically(path.join(this.directory, OWNER_FILE), JSON.stringify(this.#owner));
  }

  /** Removes everything of this build but its logs. */
  async dispose(tools: Toolbox): Promise<void> {
    await removeRemains(tools, this.directory, this.stagingDirectory, this.#owner);
    // Only an empty one can be removed this way.
    await rmdir(this.logDirectory).catch(() => undefined);
    await this.lock.release();
  }
}

async function removeRemains(tools: Toolbox, directory: string, staging: string, owner: Owner): Promise<void> {
  if (owner.mediaDirectory !== undefined) await removeTree(tools, owner.mediaDirectory);
  await removeTree(tools, staging);
  if (owner.outputStaging !== undefined) await removeTree(tools, owner.outputStaging);
  // Last, because it says what else there is to remove.
  await removeTree(tools, directory);
}

/**
 * Removes what dead builds have left: processes, domains, pools, directories. Live ones are recognised by their lock and not touched.
 * @returns the ids of the builds that were cleaned up.
 */
export async function removeAbandonedWorkspaces(store: Store, tools: Toolbox): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(store.layout.workspaces)) {
    const directory = path.join(store.layout.workspaces, name);
    if (name.startsWith(NEW_PREFIX)) {
      const age = Date.now() - (await stat(directory).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
      if (age > NEW_GRACE_MS) await rm(directory, { recursive: true, force: true });
      continue;
    }
    if (await removeIfAbandoned(store, tools, name, directory)) removed.push(name);
  }
  return removed;
}

async function removeIfAbandoned(store: Store, tools: Toolbox, id: string, directory: string): Promise<boolean> {
  let lock: FileLock | undefined;
  try {
    lock = await lockFile(path.join(directory, LOCK_FILE), { wait: false });
  } catch {
    return false; // gone meanwhile
  }
  if (lock === undefined) return false;
  try {
    const owner = ownerSchema.safeParse(await readJson(path.join(directory, OWNER_FILE)));
    await endProcessesOf(BUILD_VARIABLE, id);
    if (owner.success) {
      const virsh = new Virsh(tools, owner.data.libvirtUri);
      await virsh.removeDomain(`${NAME_PREFIX}${id}`);
      await virsh.removePool(`${NAME_PREFIX}${id}`);
      await removeRemains(tools, directory, path.join(store.layout.staging, id), owner.data);
    } else {
      await removeTree(tools, directory);
    }
    return true;
  } finally {
    await lock.release();
  }
}
