import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { toIso2RootfsError, type Iso2RootfsError } from '../errors.js';
import { exists, namesIn } from '../store/files.js';
import type { Store } from '../store/store.js';
import { removeTree } from '../tools/copy.js';
import { lockFile, type FileLock } from '../tools/flock.js';
import { defaultUri } from '../tools/libvirt.js';
import { endProcessesOf } from '../tools/orphans.js';
import type { Toolbox } from '../tools/toolbox.js';
import { NAME_PREFIX, Virsh } from '../tools/virsh.js';
import {
  BUILD_ID,
  commonMediaDirectory,
  LOCK_FILE,
  NEW_PREFIX,
  readOwner,
  removeRemains,
  WORKSPACE_FILE,
} from './owner.js';

const NEW_GRACE_MS = 60_000;

/** Environment variable that every program of a build carries, by which its orphans are found. */
export const BUILD_VARIABLE = 'ISO2ROOTFS_BUILD';

/**
 * Removes what dead builds have left: processes, domains, pools, directories. Live ones are recognised by their lock and not touched.
 * @param onProblem told what could not be removed; without it the first problem is thrown, after all the others have been looked at
 * @param ownId of the build that asks, if it is one: known to be alive
 * @returns the ids of the builds that were cleaned up.
 */
export async function removeAbandonedWorkspaces(
  store: Store,
  tools: Toolbox,
  onProblem?: (problem: Iso2RootfsError) => void,
  ownId?: string,
): Promise<string[]> {
  const removed: string[] = [];
  const problems: Iso2RootfsError[] = [];
  for (const name of await namesIn(store.layout.workspaces)) {
    if (name === ownId) continue;
    try {
      const isRemoved = name.startsWith(NEW_PREFIX)
        ? await removeIfUnborn(tools, path.join(store.layout.workspaces, name))
        : BUILD_ID.test(name) && (await removeIfAbandoned(store, tools, name));
      if (isRemoved) removed.push(name.replace(NEW_PREFIX, ''));
    } catch (error) {
      problems.push(toIso2RootfsError(error));
    }
  }
  const [first] = problems;
  if (onProblem === undefined && first !== undefined) throw first;
  for (const problem of problems) onProblem?.(problem);
  return removed;
}

/** The builds that have a workspace, by whether their process is alive. */
export async function findBuilds(store: Store): Promise<{ readonly live: string[]; readonly dead: string[] }> {
  const builds = { live: [] as string[], dead: [] as string[] };
  for (const id of await namesIn(store.layout.workspaces)) {
    const directory = path.join(store.layout.workspaces, id);
    if (!BUILD_ID.test(id)) continue;
    const lock = await tryLock(directory);
    await lock?.release();
    if (lock !== undefined) builds.dead.push(id);
    else if (await exists(directory)) builds.live.push(id);
  }
  return builds;
}

/** Its owner died before it had the lock. One that has it now renames the directory at once. */
async function removeIfUnborn(tools: Toolbox, directory: string): Promise<boolean> {
  const status = await stat(directory).catch(() => undefined);
  if (status === undefined || Date.now() - status.mtimeMs < NEW_GRACE_MS) return false;
  const lock = await tryLock(directory);
  if (lock === undefined) return false;
  await removeTree(tools, directory);
  await lock.release();
  return true;
}

/** Undefined: it is alive, or gone. */
async function tryLock(directory: string): Promise<FileLock | undefined> {
  return lockFile(path.join(directory, LOCK_FILE), { wait: false }).catch(() => undefined);
}

async function removeIfAbandoned(store: Store, tools: Toolbox, id: string): Promise<boolean> {
  const directory = path.join(store.layout.workspaces, id);
  const lock = await tryLock(directory);
  if (lock === undefined) return false;
  try {
    const owner = await readOwner(directory);
    await endProcessesOf(BUILD_VARIABLE, id);
    await removeGuest(new Virsh(tools, owner?.libvirtUri ?? defaultUri()), id);
    if (owner?.id === id) await removeRemains(tools, directory, path.join(store.layout.staging, id), owner);
    else await removeTree(tools, directory);
    return true;
  } finally {
    await lock.release();
  }
}

async function removeGuest(virsh: Virsh, id: string): Promise<void> {
  await virsh.removeDomain(`${NAME_PREFIX}${id}`);
  await virsh.removePool(`${NAME_PREFIX}${id}`);
}

/** What libvirt and /var/tmp have of builds whose workspace is not there any more. */
export interface LostGuests {
  readonly domains: readonly string[];
  readonly pools: readonly string[];
  readonly directories: readonly string[];
}

/**
 * Finds domains, pools and media directories of builds whose workspace is gone, e.g. because somebody has emptied the cache directory by
 * hand. Only what says that its workspace was in this cache counts: others of our name belong to other caches, of which nothing can be
 * known, not even whether they are in our view of the file system.
 */
export async function findLostGuests(store: Store, virsh: Virsh): Promise<LostGuests> {
  const domains = await virsh.listDomains();
  const pools = await virsh.listPools();
  const directories = await readdir(path.dirname(commonMediaDirectory('')));
  // Looked at after the lists were made: a build removes its domain, its pool and its media before its workspace.
  const lostId = async (name: string): Promise<string | undefined> => {
    const id = name.slice(NAME_PREFIX.length);
    if (!name.startsWith(NAME_PREFIX) || !BUILD_ID.test(id)) return undefined;
    return (await exists(path.join(store.layout.workspaces, id))) ? undefined : id;
  };
  const isOurs = async (id: string, xml: string | undefined): Promise<boolean> => {
    const workspace = path.join(store.layout.workspaces, id);
    if (xml?.includes(escapeXml(workspace)) === true) return true;
    return xml?.includes(commonMediaDirectory(id)) !== false && (await workspaceOfCommonMedia(id)) === workspace;
  };
  const select = async (names: readonly string[], describe: (name: string) => Promise<string | undefined>) => {
    const selected: string[] = [];
    for (const name of names) {
      const id = await lostId(name);
      if (id !== undefined && (await isOurs(id, await describe(name)))) selected.push(name);
    }
    return selected;
  };
  return {
    domains: await select(domains, (name) => virsh.dumpXml(name)),
    pools: await select(pools, (name) => virsh.dumpPoolXml(name)),
    directories: (await select(directories, () => Promise.resolve(undefined))).map((name) =>
      commonMediaDirectory(name.slice(NAME_PREFIX.length)),
    ),
  };
}

export async function removeLostGuests(lost: LostGuests, virsh: Virsh, tools: Toolbox): Promise<void> {
  for (const domain of lost.domains) {
    await endProcessesOf(BUILD_VARIABLE, domain.slice(NAME_PREFIX.length));
    await virsh.removeDomain(domain);
  }
  for (const pool of lost.pools) await virsh.removePool(pool);
  for (const directory of lost.directories) await removeTree(tools, directory);
}

/** The workspace that a media directory in a place common to all users says it belongs to; only one of our own is believed. */
async function workspaceOfCommonMedia(id: string): Promise<string | undefined> {
  const directory = commonMediaDirectory(id);
  try {
    const status = await lstat(directory);
    if (!status.isDirectory() || status.uid !== process.getuid?.()) return undefined;
    return await readFile(path.join(directory, WORKSPACE_FILE), 'utf8');
  } catch {
    return undefined;
  }
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;')
    .replaceAll('"', '&quot;');
}
