import { open } from 'node:fs/promises';
import { z } from 'zod';
import type { Toolbox } from '../toolbox.js';
import { parseLvmMetadata, readLvmMetadata } from './lvm-metadata.js';

/** A part of a disk that may hold a file system. */
export interface Volume {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** As blkid(8) calls it; undefined where it knows nothing. */
  readonly type: string | undefined;
  /** What an fstab may call it: `UUID=`, `LABEL=`, `PARTUUID=`, `/dev/mapper/`... */
  readonly names: readonly string[];
  /** Why it cannot be mounted by its place alone. */
  readonly obstacle?: string;
}

const tableSchema = z.object({
  partitiontable: z.object({
    label: z.string(),
    id: z.string().optional(),
    sectorsize: z.number().optional(),
    partitions: z
      .array(
        z.object({
          node: z.string(),
          start: z.number(),
          size: z.number(),
          uuid: z.string().optional(),
          name: z.string().optional(),
        }),
      )
      .default([]),
  }),
});

export interface Partition {
  readonly number: number;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly names: readonly string[];
}

/** Reads what `sfdisk --json` says of a GPT or an MBR. */
export function parsePartitionTable(json: string, diskPath: string): Partition[] {
  const { partitiontable: table } = tableSchema.parse(JSON.parse(json));
  const sectorBytes = table.sectorsize ?? 512;
  return table.partitions.map(({ node, start, size, uuid, name }) => {
    const number = Number(/p?(\d+)$/.exec(node.slice(diskPath.length))?.[1] ?? 0);
    // An MBR has no identities of its own: the kernel makes them of the disk's.
    const id =
      uuid ??
      (table.id === undefined ? undefined : `${table.id.replace(/^0x/, '')}-${number.toString(16).padStart(2, '0')}`);
    const names = [
      ...(id === undefined ? [] : [`PARTUUID=${id.toLowerCase()}`]),
      ...(name === undefined ? [] : [`PARTLABEL=${name}`]),
      ...['sda', 'vda', 'xvda', 'hda'].map((disk) => `/dev/${disk}${number}`),
      `/dev/nvme0n1p${number}`,
    ];
    return { number, offsetBytes: start * sectorBytes, sizeBytes: size * sectorBytes, names };
  });
}

/** All volumes of a raw disk image: its partitions, and the logical volumes in them. */
export async function listVolumes(tools: Toolbox, diskPath: string): Promise<Volume[]> {
  const options = { reason: 'find the file systems of the installed disk' };
  const { stdout } = await tools.query('sfdisk', ['--json', diskPath], options);
  const disk = await open(diskPath, 'r');
  try {
    const volumes: Volume[] = [];
    for (const partition of parsePartitionTable(stdout, diskPath)) {
      const volume = await identify(tools, diskPath, partition);
      if (volume.type !== 'LVM2_member') {
        volumes.push(volume);
        continue;
      }
      const text = await readLvmMetadata(disk, partition.offsetBytes);
      for (const { name, group, place } of text === undefined ? [] : parseLvmMetadata(text)) {
        const [g, n] = [group, name].map((part) => part.replaceAll('-', '--'));
        const names = [`/dev/mapper/${g ?? ''}-${n ?? ''}`, `/dev/${group}/${name}`];
        if (place === undefined) {
          const obstacle = `the logical volume ${group}/${name} is not in one piece`;
          volumes.push({ offsetBytes: 0, sizeBytes: 0, type: undefined, names, obstacle });
        } else {
          const { offsetBytes, sizeBytes } = place;
          volumes.push(
            await identify(tools, diskPath, { offsetBytes: partition.offsetBytes + offsetBytes, sizeBytes, names }),
          );
        }
      }
    }
    return volumes;
  } finally {
    await disk.close();
  }
}

async function identify(
  tools: Toolbox,
  diskPath: string,
  place: { readonly offsetBytes: number; readonly sizeBytes: number; readonly names: readonly string[] },
): Promise<Volume> {
  const { offsetBytes, sizeBytes, names } = place;
  const { stdout } = await tools.query(
    'blkid',
    ['--probe', `--offset=${offsetBytes}`, `--size=${sizeBytes}`, '--output=export', diskPath],
    // 2: nothing is known; 8: several things are.
    { allowedStatuses: [0, 2, 8], reason: 'find the file systems of the installed disk' },
  );
  const tag = (name: string): string | undefined =>
    new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1]?.replace(/\\(.)/g, '$1');
  const type = tag('TYPE');
  const [uuid, label] = [tag('UUID'), tag('LABEL')];
  return {
    offsetBytes,
    sizeBytes,
    type,
    names: [
      ...names,
      ...(uuid === undefined ? [] : [`UUID=${uuid}`]),
      ...(label === undefined ? [] : [`LABEL=${label}`]),
    ],
    ...(type === 'crypto_LUKS' ? { obstacle: 'it is encrypted' } : {}),
    ...(type === 'linux_raid_member' ? { obstacle: 'it is part of a RAID' } : {}),
  };
}
