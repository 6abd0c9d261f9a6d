/**
 * Reads an installed disk without an appliance: the host's kernel mounts its file systems, read-only, without replaying a journal, where
 * nobody else sees them: in a mount namespace that ends with us, and with it the mounts and the loop devices.
 */
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError } from '../../errors.js';
import { ARCHIVE_TREE_SCRIPT } from '../archive-tree.js';
import { PrivateNamespace } from '../private-namespace.js';
import type { RunningProgram } from '../run.js';
import type { Toolbox } from '../toolbox.js';
import { parseFstab, type FstabLine } from './fstab-lines.js';
import { needsReplay } from './journal.js';
import { listVolumes, type Volume } from './volumes.js';

const OTHER_ENGINE = 'Use --engine guestfs, which mounts it in an appliance.';
const ALWAYS = ['ro', 'nosuid', 'nodev', 'noexec'];
/** What may be mounted, and how a journal is left alone. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  ext2: [],
  ext3: ['noload'],
  ext4: ['noload'],
  xfs: ['norecovery', 'nouuid'],
  btrfs: ['rescue=nologreplay'],
  vfat: [],
};
/** Where distributions put the root on btrfs, besides the default subvolume. */
const ROOT_SUBVOLUMES = [undefined, 'root', '@', '@rootfs'];

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
  await requireMountEngine();
  const volumes = await listVolumes(tools, diskPath);
  const namespace = await PrivateNamespace.create(tools);
  try {
    const root = path.join(directory, 'tree');
    await mkdir(root);
    await new DiskMounter(namespace, diskPath, volumes, root).mountAll();
    const program = await namespace.start('sh', ['-c', ARCHIVE_TREE_SCRIPT, 'sh', root], {
      stdout: 'stream',
      reason: 'read the files of the installed disk',
    });
    return { stream: program.stdout as AsyncIterable<Buffer>, program, close: () => namespace.dispose() };
  } catch (error) {
    await namespace.dispose();
    throw error;
  }
}

class DiskMounter {
  constructor(
    private readonly namespace: PrivateNamespace,
    private readonly diskPath: string,
    private readonly volumes: readonly Volume[],
    private readonly root: string,
  ) {}

  async mountAll(): Promise<void> {
    const lines = await this.#mountRoot();
    for (const line of lines) {
      if (line.mountPoint === '/') continue;
      const volume = this.#find(line);
      if (volume === undefined) continue;
      const place = path.join(this.root, line.mountPoint);
      // A link in the guest's tree must not lead out of it.
      const [real] = await this.#realPath(place);
      if (real !== place) {
        throw unreadable(`${line.mountPoint} in its fstab is no directory of its own`);
      }
      await this.#mount(volume, place, line.subvolume);
    }
  }

  /** Mounts the file system that has an fstab; gives that. */
  async #mountRoot(): Promise<FstabLine[]> {
    for (const volume of this.volumes) {
      if (volume.type === undefined || !(volume.type in KINDS) || volume.type === 'vfat') continue;
      for (const subvolume of volume.type === 'btrfs' ? ROOT_SUBVOLUMES : [undefined]) {
        if (
          !(await this.#mount(volume, this.root, subvolume).then(
            () => true,
            (error: unknown) => {
              if (subvolume === undefined) throw error;
              return false;
            },
          ))
        )
          continue;
        const fstab = path.join(this.root, 'etc/fstab');
        const [real] = await this.#realPath(fstab);
        if (real === fstab) {
          const { stdout } = await this.namespace.query('cat', ['--', fstab]);
          return parseFstab(stdout);
        }
        await this.namespace.run('umount', ['--', this.root]);
      }
    }
    const [obstacle] = this.volumes.flatMap((volume) => volume.obstacle ?? []);
    throw unreadable(obstacle ?? 'no file system on it has an /etc/fstab');
  }

  #find(line: FstabLine): Volume | undefined {
    const wanted = line.device.toLowerCase();
    const volume = this.volumes.find(({ names }) => names.some((name) => name.toLowerCase() === wanted));
    if (volume?.type === 'swap' || line.type === 'swap') return undefined;
    if (volume === undefined) {
      if (!/^(?:UUID|LABEL|PARTUUID|PARTLABEL)=/i.test(line.device) || line.isOptional) return undefined;
      throw unreadable(`its fstab mounts ${line.device} on ${line.mountPoint}, which is not on it`);
    }
    if (volume.obstacle !== undefined) throw unreadable(`${line.mountPoint} is on it, but ${volume.obstacle}`);
    return volume;
  }

  async #mount(volume: Volume, place: string, subvolume?: string): Promise<void> {
    const { type = 'nothing known', offsetBytes, sizeBytes } = volume;
    const special = KINDS[type];
    if (special === undefined) throw unreadable(`there is ${type} on it, which --engine mount does not read`);
    const disk = await open(this.diskPath, 'r');
    try {
      if (await needsReplay(disk, type, offsetBytes)) {
        throw unreadable(`its ${type} was not unmounted: the journal has changes that are not in the files`);
      }
    } finally {
      await disk.close();
    }
    const options = [
      ...ALWAYS,
      ...special,
      'loop',
      `offset=${offsetBytes}`,
      `sizelimit=${sizeBytes}`,
      ...(subvolume === undefined ? [] : [`subvol=${subvolume}`]),
    ];
    await this.namespace.run('mount', ['-t', type, '-o', options.join(','), '--', this.diskPath, place], {
      reason: 'read the installed disk',
      hint: `The host's kernel may not know this file system, or not all of its features. ${OTHER_ENGINE}`,
    });
  }

  async #realPath(file: string): Promise<string[]> {
    const { stdout } = await this.namespace.query('realpath', ['--', file], { allowedStatuses: [0, 1] });
    return stdout.split('\n');
  }
}

function unreadable(why: string): Iso2RootfsError {
  return new Iso2RootfsError('BUILD_FAILED', `the installed disk cannot be read by mounting it: ${why}`, {
    hint: OTHER_ENGINE,
  });
}
