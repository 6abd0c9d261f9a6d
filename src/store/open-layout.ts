import { access, constants, lstat, mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Iso2RootfsError, systemErrorCode } from '../errors.js';
import { storeLayout, type StoreLayout } from './layout.js';

export interface OpenedLayout {
  readonly layout: StoreLayout;
  /** True: nothing can be stored; workspaces, logs and what is remembered are in a directory of the user's own. */
  readonly isReadOnly: boolean;
}

const PRIVATE = ['objects', 'disks', 'isos', 'fileHashes', 'locks', 'staging', 'logs', 'state'] as const;
const HINT = 'Choose another one with ISO2ROOTFS_CACHE_DIR or --cache-dir.';

/**
 * Makes the directories of a store. A store that is there and may only be read (a read-only mount, another user's) is good to read from.
 * @throws Iso2RootfsError PERMISSION, CONFIG_INVALID, NO_SPACE
 */
export async function openLayout(cacheDirectory: string): Promise<OpenedLayout> {
  const layout = storeLayout(path.resolve(cacheDirectory));
  try {
    // Only passing through is open to others: QEMU's user has to reach the workspaces, nobody has to see the guests' files.
    await makeDirectory(path.dirname(layout.root), 0o777);
    for (const directory of [layout.root, layout.workspaces]) await makeDirectory(directory, 0o711);
    for (const name of PRIVATE) await makeDirectory(layout[name], 0o700);
    for (const name of [...PRIVATE, 'workspaces'] as const) await access(layout[name], constants.W_OK);
    return { layout, isReadOnly: false };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOTDIR' || code === 'EEXIST' || code === 'ENOENT') {
      throw new Iso2RootfsError('CONFIG_INVALID', `the cache directory ${cacheDirectory} is not a directory`, {
        hint: HINT,
        cause: error,
      });
    }
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw error;
    if (!(await isReadable(layout.objects))) {
      throw new Iso2RootfsError('PERMISSION', `the cache directory ${cacheDirectory} cannot be written`, {
        hint: HINT,
        cause: error,
      });
    }
  }
  return { layout: { ...layout, ...(await ownPlaces()) }, isReadOnly: true };
}

/** As mkdir(2) says it: Node.js' own recursive one says of a read-only file system that the directory does not exist. */
async function makeDirectory(directory: string, mode: number): Promise<void> {
  try {
    await mkdir(directory, { mode });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' && path.dirname(directory) !== directory) {
      await makeDirectory(path.dirname(directory), 0o777);
      await makeDirectory(directory, mode);
    } else if (systemErrorCode(error) !== 'EEXIST' || !(await stat(directory)).isDirectory()) throw error;
  }
}

async function isReadable(directory: string): Promise<boolean> {
  try {
    await access(directory, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where a build writes that may not write to its store. The name is known to all, so whose it is is checked. */
async function ownPlaces(): Promise<Pick<StoreLayout, 'fileHashes' | 'staging' | 'workspaces' | 'logs' | 'state'>> {
  const user = process.getuid?.() ?? 0;
  const directory = path.join(tmpdir(), `iso2rootfs-user-${user}`);
  await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  });
  const status = await lstat(directory);
  if (!status.isDirectory() || status.uid !== user) {
    throw new Iso2RootfsError('PERMISSION', `${directory} belongs to somebody else`, {
      hint: 'Choose another place for temporary files with TMPDIR.',
    });
  }
  const own = storeLayout(directory);
  const places = {
    fileHashes: own.fileHashes,
    staging: own.staging,
    workspaces: own.workspaces,
    logs: own.logs,
    state: own.state,
  };
  for (const place of Object.values(places)) await mkdir(place, { recursive: true, mode: 0o700 });
  return places;
}
