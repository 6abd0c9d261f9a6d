import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { exists, namesIn } from './files.js';
import type { Store } from './store.js';

const DAY_MS = 24 * 3600_000;
/** Logs of failed builds are kept for so long, and downloads that nobody continued. */
export const KEEP_LEFTOVERS_MS = 30 * DAY_MS;
/** Hashes of files that may not be there any more. */
const KEEP_FILE_HASHES_MS = 180 * DAY_MS;
/** A file that is about to be renamed into its place lives for a moment. */
const KEEP_TEMPORARY_MS = 3600_000;
const BUILD_ID = /^[0-9a-f]{12}$/;

/**
 * Files that nobody will ask for again: of builds that died and of removals that were interrupted, old logs, partial downloads and
 * hashes. Nothing of a live build, which has a workspace.
 */
export async function findLeftovers(store: Store, nowMs: number): Promise<string[]> {
  const { staging, workspaces, logs, fileHashes, isos, root } = store.layout;
  const isOlder = async (file: string, ageMs: number): Promise<boolean> =>
    nowMs - ((await stat(file).catch(() => undefined))?.mtimeMs ?? nowMs) > ageMs;
  const select = async (
    directory: string,
    choose: (name: string, file: string) => Promise<boolean>,
  ): Promise<string[]> => {
    const chosen: string[] = [];
    for (const name of await namesIn(directory)) {
      const file = path.join(directory, name);
      if (await choose(name, file)) chosen.push(file);
    }
    return chosen;
  };
  const isOrphan = async (id: string): Promise<boolean> =>
    BUILD_ID.test(id) && !(await exists(path.join(workspaces, id)));
  const isUnusedHash = (name: string, file: string): Promise<boolean> =>
    isOlder(file, name.endsWith('.tmp') ? KEEP_TEMPORARY_MS : KEEP_FILE_HASHES_MS);
  const leftovers = [
    // A build's staging is made after its workspace and removed before it.
    ...(await select(staging, async (name) => name.startsWith('removed-') || (await isOrphan(name)))),
    ...(await select(logs, async (id, file) => (await isOrphan(id)) && (await isOlder(file, KEEP_LEFTOVERS_MS)))),
    ...(await select(fileHashes, isUnusedHash)),
  ];
  for (const name of ['media', 'checksums']) {
    leftovers.push(
      ...(await select(
        path.join(root, 'state', name),
        async (file, at) => file.endsWith('.tmp') && isUnusedHash(file, at),
      )),
    );
  }
  for (const iso of await namesIn(isos)) {
    leftovers.push(
      ...(await select(
        path.join(isos, iso),
        async (key, file) =>
          // An entry is written just before its object.
          !(await exists(store.directoryOf('object', key))) && isOlder(file, DAY_MS),
      )),
    );
  }
  return leftovers;
}

/** Partial downloads that nobody has continued for long, by the name of their lock. */
export async function findOldDownloads(store: Store, nowMs: number): Promise<{ lock: string; files: string[] }[]> {
  const directory = path.join(store.layout.root, 'downloads');
  const groups = new Map<string, { files: string[]; newestMs: number }>();
  for (const name of await namesIn(directory)) {
    const id = name.split('.')[0] ?? name;
    const { mtimeMs } = (await stat(path.join(directory, name)).catch(() => undefined)) ?? { mtimeMs: nowMs };
    const group = groups.get(id) ?? { files: [], newestMs: 0 };
    group.files.push(path.join(directory, name));
    groups.set(id, { files: group.files, newestMs: Math.max(group.newestMs, mtimeMs) });
  }
  return [...groups]
    .filter(([, { newestMs }]) => nowMs - newestMs > KEEP_LEFTOVERS_MS)
    .map(([id, { files }]) => ({ lock: `download-${id}`, files }));
}

export async function removeLeftover(file: string): Promise<void> {
  await rm(file, { recursive: true, force: true });
}
