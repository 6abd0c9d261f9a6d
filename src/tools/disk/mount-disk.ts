/** What is done with an installed disk without an appliance, by the host's own kernel: see disk-mounter.ts. */
import { mkdir, mkdtemp, open, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError } from '../../errors.js';
import { ARCHIVE_TREE_SCRIPT } from '../archive-tree.js';
import { PrivateNamespace } from '../private-namespace.js';
import type { RunningProgram } from '../run.js';
import type { Toolbox } from '../toolbox.js';
import type { TreeShell } from '../tree-shell.js';
import { DiskMounter, isMountable, type Access } from './disk-mounter.js';
import { emptySwap } from './swap.js';
import { listVolumes, type Volume } from './volumes.js';

/** @throws Iso2RootfsError PERMISSION, TOOL_MISSING: what this host lacks to mount disks itself */
export async function requireMountEngine(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Iso2RootfsError('PERMISSION', '--engine mount mounts file systems: only root can do that', {
      hint: 'Run as root, or use --engine guestfs.',
    });
  }
  try {
    await (await open('/dev/loop-control', 'r')).close();
  } catch (error) {
    throw new Iso2RootfsError('TOOL_MISSING', '--engine mount needs loop devices, which this host has not', {
      hint: "'modprobe loop' on the host may help (in a container: give it /dev/loop-control); else use --engine guestfs.",
      cause: error,
    });
  }
}

export async function canMountDisks(): Promise<boolean> {
  return requireMountEngine().then(
    () => true,
    () => false,
  );
}

export interface MountedArchive {
  readonly stream: AsyncIterable<Buffer>;
  readonly program: RunningProgram;
  readonly close: () => Promise<void>;
}

/**
 * Starts reading the root file system of a raw disk image; it may be read by several at once.
 * @param directory an empty one, which the tree is mounted in where only we see it
 */
export async function archiveMountedDisk(tools: Toolbox, diskPath: string, directory: string): Promise<MountedArchive> {
  const { namespace, mounter, root } = await mounterFor(tools, diskPath, directory, 'read');
  try {
    await mounter.mountAll();
    const program = await namespace.start('sh', ['-c', ARCHIVE_TREE_SCRIPT, 'sh', root], {
      stdout: 'stream',
      // Not in /tmp, where nobody would remove it after a `kill -9`.
      env: { TMPDIR: directory },
      reason: 'read the files of the installed disk',
    });
    return { stream: program.stdout as AsyncIterable<Buffer>, program, close: () => namespace.dispose() };
  } catch (error) {
    await namespace.dispose();
    throw error;
  }
}

/**
 * The text of one small file on a raw disk image; undefined when there is no such file, or nothing that can be mounted.
 * @param directory for a mount point, which is removed again
 */
export async function readFileFromMountedDisk(
  tools: Toolbox,
  diskPath: string,
  directory: string,
  file: string,
): Promise<string | undefined> {
  try {
    return await withMounter(tools, diskPath, directory, 'read', async ({ namespace, mounter, root }) => {
      await mounter.mountAll();
      const script = 'cd "$1" && [ "$(realpath -- "./$2")" = "$PWD/$2" ] && cat -- "./$2"';
      const options = { allowedStatuses: [0, 1], reason: 'read a file of the installed disk' };
      const { exitStatus, stdout } = await namespace.run(
        'sh',
        ['-c', script, 'sh', root, path.relative('/', file)],
        options,
      );
      return exitStatus === 0 ? stdout : undefined;
    });
  } catch (error) {
    if (tools.signal?.aborted === true) throw error;
    if (error instanceof Iso2RootfsError && ['BUILD_FAILED', 'TOOL_FAILED'].includes(error.code)) return undefined;
    throw error;
  }
}

/**
 * Changes the root file system of a raw disk image that is nobody else's.
 * @param directory for a mount point, which is removed again
 */
export async function changeMountedDisk(
  tools: Toolbox,
  diskPath: string,
  directory: string,
  change: (tree: TreeShell) => Promise<void>,
): Promise<void> {
  await withMounter(tools, diskPath, directory, 'write', async ({ namespace, mounter, root }) => {
    await mounter.mountAll();
    await change({
      run: async (script, input) => {
        const program = await namespace.start('sh', ['-c', script, 'sh', root], {
          stdin: 'pipe',
          stdout: 'stream',
          reason: 'prepare a copy of the installed disk',
        });
        program.stdin?.end(input ?? '');
        const pieces: Buffer[] = [];
        for await (const piece of program.stdout as AsyncIterable<Buffer>) pieces.push(piece);
        await program.done;
        return Buffer.concat(pieces);
      },
    });
    await mounter.unmountAll();
  });
}

/** Gives unused blocks of a raw disk image that is nobody else's back to the host, and what is in its swap areas. */
export async function giveFreeBlocksBack(tools: Toolbox, diskPath: string, directory: string): Promise<void> {
  await withMounter(tools, diskPath, directory, 'write', async ({ namespace, mounter, root, volumes }) => {
    for (const volume of volumes) {
      if (volume.type === 'swap') await emptySwap(tools, diskPath, volume);
      if (!isMountable(volume)) continue;
      await mounter.mount(volume, root);
      await trim(namespace, root);
      await mounter.unmountAll();
    }
  });
}

/** The loop device makes holes of what is discarded. A file system that cannot say what is unused is left as it is. */
async function trim(namespace: PrivateNamespace, mountPoint: string): Promise<void> {
  const options = { allowedStatuses: [0, 1], reason: 'give unused blocks back' };
  const { exitStatus, tail } = await namespace.run('fstrim', ['--', mountPoint], options);
  if (exitStatus === 0 || tail.some((line) => /not supported/.test(line))) return;
  throw new Iso2RootfsError('TOOL_FAILED', `unused blocks cannot be given back: ${tail.at(-1) ?? ''}`);
}

interface MountedDisk {
  readonly namespace: PrivateNamespace;
  readonly mounter: DiskMounter;
  readonly root: string;
  readonly volumes: readonly Volume[];
}

async function withMounter<Result>(
  tools: Toolbox,
  diskPath: string,
  directory: string,
  access: Access,
  work: (disk: MountedDisk) => Promise<Result>,
): Promise<Result> {
  const place = await mkdtemp(path.join(directory, 'mount-'));
  try {
    const disk = await mounterFor(tools, diskPath, place, access);
    try {
      return await work(disk);
    } finally {
      await disk.namespace.dispose();
    }
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function mounterFor(tools: Toolbox, diskPath: string, directory: string, access: Access): Promise<MountedDisk> {
  await requireMountEngine();
  const volumes = await listVolumes(tools, diskPath);
  // Links in the guest's tree are told by what realpath(1) makes of a path: there must be none above it.
  const root = path.join(await realpath(directory), 'tree');
  await mkdir(root);
  const namespace = await PrivateNamespace.create(tools);
  return { namespace, mounter: new DiskMounter(namespace, diskPath, volumes, root, access), root, volumes };
}
