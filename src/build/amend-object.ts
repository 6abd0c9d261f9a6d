import { link, mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError } from '../errors.js';
import { listTree, readJson } from '../store/files.js';
import { hashFile } from '../store/hash-file.js';
import { placeFile } from '../store/link.js';
import { LAST_USED_FILE, RECORD_FILE } from '../store/record.js';
import type { StoredObject } from '../store/store.js';
import type { FileLock } from '../tools/flock.js';
import type { Context } from './context.js';
import { formatManifest, manifestSchema, type Manifest } from './manifest.js';

export const MANIFEST_FILE = 'manifest.json';

export interface AddedFile {
  /** Where it lies now, on the store's file system; it is moved away from there. */
  readonly path: string;
  /** Default: hashed now. */
  readonly sha256?: string | undefined;
}

export interface Amendment {
  /** By their names in the object; one that is there already is replaced. */
  readonly addFiles?: ReadonlyMap<string, AddedFile>;
  /** The new manifest from the one that the object has when nobody else can change it any more. */
  readonly manifest: (current: Manifest) => Manifest;
}

export interface AmendedObject {
  readonly object: StoredObject;
  readonly manifest: Manifest;
}

type AmendContext = Pick<Context, 'store' | 'workspace' | 'signal'>;

/**
 * Adds files to a stored object, or something to its manifest. Its files are linked, not copied; who reads the old one goes on reading
 * it, and is waited for.
 * @param key of the object. The caller must not hold its shared lock
 * @param lock the exclusive lock of the key, where the caller has it; else it is taken here
 * @throws Iso2RootfsError NOT_CACHED when there is no such object any more, PERMISSION when the store may only be read
 */
export async function amendObject(
  context: AmendContext,
  key: string,
  change: Amendment,
  lock?: FileLock,
): Promise<AmendedObject> {
  const { store, signal } = context;
  store.requireWritable();
  if (lock !== undefined) return amendLocked(context, key, change);
  const own = await store.lockToMake(key, { signal });
  try {
    return await amendLocked(context, key, change);
  } finally {
    await own.release();
  }
}

async function amendLocked(
  { store, workspace, signal }: AmendContext,
  key: string,
  { addFiles = new Map(), manifest: changeManifest }: Amendment,
): Promise<AmendedObject> {
  const object = await store.find('object', key);
  const stored = object === undefined ? undefined : await readJson(path.join(object.directory, MANIFEST_FILE));
  if (object === undefined || stored === undefined) {
    throw new Iso2RootfsError('NOT_CACHED', `the cache has no object ${key.slice(0, 12)} any more`, {
      hint: 'Somebody removed it: build it again.',
    });
  }
  // What a newer version of the program has written there stays.
  const manifest = { ...(stored as object), ...changeManifest(manifestSchema.parse(stored)) };
  const stagingDirectory = await store.createStagingDirectory(workspace.id);
  const replaced = new Set([RECORD_FILE, LAST_USED_FILE, MANIFEST_FILE, ...addFiles.keys()]);
  await linkTree(object.directory, stagingDirectory, replaced, signal);
  const hashes = new Map(
    object.record.files.flatMap(({ path: name, sha256 }) =>
      sha256 === undefined || replaced.has(name) ? [] : [[name, sha256] as const],
    ),
  );
  for (const [name, file] of addFiles) {
    await mkdir(path.dirname(path.join(stagingDirectory, name)), { recursive: true, mode: 0o700 });
    await rename(file.path, path.join(stagingDirectory, name));
    hashes.set(name, file.sha256 ?? (await hashFile(path.join(stagingDirectory, name), { signal })));
  }
  await writeFile(path.join(stagingDirectory, MANIFEST_FILE), formatManifest(manifest), { mode: 0o444 });
  hashes.set(MANIFEST_FILE, await hashFile(path.join(stagingDirectory, MANIFEST_FILE)));
  signal.throwIfAborted();
  const { keyInputs, isoSha256, facts } = object.record;
  const amended = await store.commit({
    kind: 'object',
    key,
    keyInputs,
    isoSha256,
    facts,
    hashes,
    stagingDirectory,
    signal,
  });
  return { object: amended, manifest };
}

/** The same files under other names. */
async function linkTree(
  source: string,
  destination: string,
  without: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  const { files, directories } = await listTree(source);
  for (const directory of directories) await mkdir(path.join(destination, directory), { recursive: true, mode: 0o700 });
  for (const name of files) {
    if (without.has(name)) continue;
    const [from, to] = [path.join(source, name), path.join(destination, name)];
    // A file system without hard links, or a file that has as many as it can have.
    await link(from, to).catch(async () => placeFile(from, to, { signal }));
  }
}
