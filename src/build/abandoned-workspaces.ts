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
 * @returns the ids of the builds that were cleaned up.
 */
export async function removeAbandonedWorkspaces(
  store: Store,
  tools: Toolbox,
  onProblem?: (problem: Iso2RootfsError) => void,
): Promise<string[]> {
  const removed: string[] = [];
  const problems: Iso2RootfsError[] = [];
  for (const name of await namesIn(store.layout.workspaces)) {
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

/** Builds whose process is alive. */
export async function findLiveBuilds(store: Store): Promise<string[]> {
  const live: string[] = [];
  for (const id of await namesIn(store.layout.workspaces)) {
    if (!BUILD_ID.test(id) || !(await exists(path.join(store.layout.workspaces, id)))) continue;
    const lock = await tryLock(path.join(store.layout.workspaces, id));
    if (lock === undefined) live.push(id);
    else await lock.release();
  }
  return live;
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

/**
 * Removes domains, pools and media directories of builds whose workspace is not there any more, e.g. because somebody has emptied the
 * cache directory by hand. Only what says that its workspace was in this cache is touched: others of our name belong to other caches, of
 * which nothing can be known, not even whether they are in our view of the file system.
 * @returns names of what was removed
 */
export async function removeLostGuests(store: Store, tools: Toolbox, libvirtUri: string): Promise<string[]> {
  const virsh = new Virsh(tools, libvirtUri);
  const removed: string[] = [];
  const { workspaces } = store.layout;
  const domains = await virsh.listDomains();
  const pools = await virsh.listPools();
  // Looked at after the lists were made: a build removes its domain and pool before its workspace.
  const isLost = async (name: string, describe: (name: string) => Promise<string | undefined>): Promise<boolean> => {
    const id = name.slice(NAME_PREFIX.length);
    if (!name.startsWith(NAME_PREFIX) || !BUILD_ID.test(id) || (await exists(path.join(workspaces, id)))) return false;
    const xml = await describe(name);
    if (xml === undefined) return false;
    const isInside = xml.includes(escapeXml(path.join(workspaces, id)));
    return (
      isInside || (xml.includes(commonMediaDirectory(id)) && (await ownWorkspaceOf(id)) === path.join(workspaces, id))
    );
  };
  for (const domain of domains) {
    if (!(await isLost(domain, (name) => virsh.dumpXml(name)))) continue;
    await endProcessesOf(BUILD_VARIABLE, domain.slice(NAME_PREFIX.length));
    await virsh.removeDomain(domain);
    removed.push(`domain ${domain}`);
  }
  for (const pool of pools) {
    if (!(await isLost(pool, (name) => virsh.dumpPoolXml(name)))) continue;
    await virsh.removePool(pool);
    removed.push(`pool ${pool}`);
  }
  for (const name of await readdir(path.dirname(commonMediaDirectory('')))) {
    const id = name.slice(NAME_PREFIX.length);
    if (!name.startsWith(NAME_PREFIX) || !BUILD_ID.test(id)) continue;
    const workspace = path.join(workspaces, id);
    if ((await ownWorkspaceOf(id)) !== workspace || (await exists(workspace))) continue;
    await removeTree(tools, commonMediaDirectory(id));
    removed.push(commonMediaDirectory(id));
  }
  return removed;
}

/** The workspace that a media directory in a place common to all users says it belongs to; only one of our own is believed. */
async function ownWorkspaceOf(id: string): Promise<string | undefined> {
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
