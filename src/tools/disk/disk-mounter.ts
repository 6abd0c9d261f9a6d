/**
 * Mounts the file systems of an installed disk by the host's kernel, where nobody else sees them: in a mount namespace that ends with us,
 * and with it the mounts and the loop devices. Nothing that a journal still holds is replayed, on a copy neither: the disk is refused.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError } from '../../errors.js';
import type { PrivateNamespace } from '../private-namespace.js';
import { parseFstab, type FstabLine } from './fstab-lines.js';
import { needsReplay } from './journal.js';
import type { Volume } from './volumes.js';

/** `write` is for a copy of the disk only. */
export type Access = 'read' | 'write';

const OTHER_ENGINE = 'Use --engine guestfs, which mounts it in an appliance.';
const ALWAYS = ['nosuid', 'nodev', 'noexec'];
const BY_ACCESS: Readonly<Record<Access, readonly string[]>> = { read: ['ro'], write: ['noatime'] };

type Kind = Readonly<Partial<Record<Access | 'both', readonly string[]>>>;

/** What may be mounted, how a journal is left alone, and what would depend on the host. */
const KINDS: Readonly<Record<string, Kind>> = {
  ext2: {},
  ext3: { read: ['noload'] },
  // What mkfs has left to the first mount would be written out in the background.
  ext4: { read: ['noload'], write: ['noinit_itable'] },
  xfs: { both: ['nouuid'], read: ['norecovery'] },
  btrfs: { read: ['rescue=nologreplay'] },
  // It has neither modes nor time zones: those of an appliance, not of whoever started us.
  vfat: { both: ['umask=0022', 'tz=UTC'] },
};
/** Where distributions put the root on btrfs, besides the default subvolume. */
const ROOT_SUBVOLUMES = [undefined, 'root', '@', '@rootfs'];

export function isMountable({ type }: Volume): boolean {
  return type !== undefined && Object.hasOwn(KINDS, type);
}

export class DiskMounter {
  constructor(
    private readonly namespace: PrivateNamespace,
    private readonly diskPath: string,
    private readonly volumes: readonly Volume[],
    private readonly root: string,
    private readonly access: Access,
  ) {}

  /** Mounts the file system that has an fstab, and all that this mounts. */
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
        throw unmountable(`${line.mountPoint} in its fstab is no directory of its own`);
      }
      await this.mount(volume, place, { subvolume: line.subvolume });
    }
  }

  async unmountAll(): Promise<void> {
    await this.namespace.run('umount', ['--recursive', '--', this.root], { reason: 'let go of the disk' });
  }

  /** Mounts the file system that has an fstab; gives that. It is looked for without writing to the others. */
  async #mountRoot(): Promise<FstabLine[]> {
    for (const volume of this.volumes) {
      if (!isMountable(volume) || volume.type === 'vfat') continue;
      for (const subvolume of volume.type === 'btrfs' ? ROOT_SUBVOLUMES : [undefined]) {
        if (
          !(await this.mount(volume, this.root, { subvolume, access: 'read' }).then(
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
        const isRoot = real === fstab;
        const text = isRoot ? (await this.namespace.query('cat', ['--', fstab])).stdout : '';
        if (!isRoot || this.access === 'write') await this.unmountAll();
        if (!isRoot) continue;
        if (this.access === 'write') await this.mount(volume, this.root, { subvolume });
        return parseFstab(text);
      }
    }
    const [obstacle] = this.volumes.flatMap((volume) => volume.obstacle ?? []);
    throw unmountable(obstacle ?? 'no file system on it has an /etc/fstab');
  }

  #find(line: FstabLine): Volume | undefined {
    const wanted = line.device.toLowerCase();
    const volume = this.volumes.find(({ names }) => names.some((name) => name.toLowerCase() === wanted));
    if (volume?.type === 'swap' || line.type === 'swap') return undefined;
    if (volume === undefined) {
      if (!/^(?:UUID|LABEL|PARTUUID|PARTLABEL)=/i.test(line.device) || line.isOptional) return undefined;
      throw unmountable(`its fstab mounts ${line.device} on ${line.mountPoint}, which is not on it`);
    }
    if (volume.obstacle !== undefined) throw unmountable(`${line.mountPoint} is on it, but ${volume.obstacle}`);
    return volume;
  }

  async mount(
    volume: Volume,
    place: string,
    { subvolume, access = this.access }: { readonly subvolume?: string | undefined; readonly access?: Access } = {},
  ): Promise<void> {
    const { type = 'nothing known', offsetBytes, sizeBytes } = volume;
    if (!isMountable(volume)) throw unmountable(`there is ${type} on it, which --engine mount does not read`);
    const disk = await open(this.diskPath, 'r');
    try {
      if (await needsReplay(disk, type, offsetBytes)) {
        throw unmountable(`its ${type} was not unmounted: the journal has changes that are not in the files`);
      }
    } finally {
      await disk.close();
    }
    const kind = KINDS[type] ?? {};
    const options = [
      ...BY_ACCESS[access],
      ...ALWAYS,
      ...(kind.both ?? []),
      ...(kind[access] ?? []),
      'loop',
      `offset=${offsetBytes}`,
      `sizelimit=${sizeBytes}`,
      ...(subvolume === undefined ? [] : [`subvol=${subvolume}`]),
    ];
    // --rw: fails instead of falling back to a read-only mount (mount(8)).
    const how = ['-t', type, ...(access === 'write' ? ['--rw'] : []), '-o', options.join(',')];
    await this.namespace.run('mount', [...how, '--', this.diskPath, place], {
      reason: access === 'read' ? 'read the installed disk' : 'prepare a copy of the installed disk',
      hint: `The host's kernel may not know this file system, or not all of its features. ${OTHER_ENGINE}`,
    });
    if (access === 'read') return;
    // A file system can ask to be left alone, which mount(2) does not tell.
    const { exitStatus } = await this.namespace.query('test', ['-w', place], { allowedStatuses: [0, 1] });
    if (exitStatus !== 0) throw unmountable(`its ${type} can only be read`);
  }

  async #realPath(file: string): Promise<string[]> {
    const { stdout } = await this.namespace.query('realpath', ['--', file], { allowedStatuses: [0, 1] });
    return stdout.split('\n');
  }
}

function unmountable(why: string): Iso2RootfsError {
  return new Iso2RootfsError('BUILD_FAILED', `the installed disk cannot be mounted here: ${why}`, {
    hint: OTHER_ENGINE,
  });
}
