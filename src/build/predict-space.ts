import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { handsOutDisk, type Output } from '../config/outputs.js';
import { storeLayout } from '../store/layout.js';
import { formatBytes, freeBytes, requireSpace } from '../tools/space.js';
import type { Context } from './context.js';
import type { DoctorPlace } from './doctor.js';
import type { Recipe } from './recipe.js';
import type { Answered } from './stages/answer.js';
import type { Claimed } from './stages/claim.js';

/** What a disk holds after an installation of which nothing is known: a server installation without a desktop. */
const TYPICAL_INSTALLATION_BYTES = 2 * 1024 ** 3;
/** No installation is smaller. */
const LEAST_INSTALLATION_BYTES = 300 * 1024 ** 2;

/** Sizes of what is made of an installed disk, as shares of what is on it. Measured: gzip leaves 0.3 to 0.5 of a system. */
const SHARES: Partial<Record<Output, number>> = { nfsroot: 0, kernel: 0.05, cgz: 0.5 };
const LEAST_SHARES: Partial<Record<Output, number>> = { nfsroot: 0, kernel: 0, cgz: 0.2 };
/** Of an output that the tables do not name: as large as the system, and for the least as what compresses best. */
const [OTHER_SHARE, OTHER_LEAST_SHARE] = [1, 0.2];

interface Need {
  /** In the store: the disk, the archive, everything made of it. */
  readonly storeBytes: number;
  /** Where the output is: nfsroot, and copies of the files where they cannot be linked. */
  readonly outputBytes: number;
}

export interface SpaceQuestion {
  readonly installedBytes: number;
  /** True: the installed disk is in the store and takes no more space. */
  readonly isInstalled: boolean;
  readonly outputs: readonly Output[];
  /** True: the output is on the store's file system, and its files are links. */
  readonly isLinked: boolean;
}

/** The disk space that a conversion takes at its peak. */
export function predictSpace(question: SpaceQuestion, shares = SHARES, otherShare = OTHER_SHARE): Need {
  const { installedBytes, isInstalled, outputs, isLinked } = question;
  const share = outputs
    .filter((output) => output !== 'tar')
    .reduce((sum, output) => sum + (shares[output] ?? otherShare), 0);
  // rootfs.tar is always made: the other outputs are made of it later.
  const filesBytes = installedBytes * (1 + share);
  // The installed one, and the one that is prepared to be handed out.
  const disks = (isInstalled ? 0 : 1) + (handsOutDisk(outputs) ? 1 : 0);
  return {
    storeBytes: Math.ceil(installedBytes * disks + filesBytes),
    outputBytes: Math.ceil((outputs.includes('nfsroot') ? installedBytes : 0) + (isLinked ? 0 : filesBytes)),
  };
}

/**
 * Refuses a conversion that cannot fit, before it begins, and warns of one that may not.
 * @throws Iso2RootfsError NO_SPACE
 */
export async function requireRoomToConvert(build: Recipe & Answered & Claimed, context: Context): Promise<void> {
  const { store, emit } = context;
  const known = build.cache === 'renew' ? undefined : await store.find('disk', build.keys.disk.key);
  const knownBytes = known === undefined ? undefined : await allocatedBytes(path.join(known.directory, 'disk.raw'));
  const [root, staging] = [store.layout.root, build.output.staging];
  const isLinked = (await stat(root)).dev === (await stat(staging)).dev;
  const question = { isInstalled: knownBytes !== undefined, outputs: build.outputs, isLinked };
  const least = predictSpace(
    { ...question, installedBytes: knownBytes ?? LEAST_INSTALLATION_BYTES },
    LEAST_SHARES,
    OTHER_LEAST_SHARE,
  );
  // The archive may be smaller than the disk's blocks, which file systems take for themselves, too.
  const places = (need: Need): (readonly [string, number])[] =>
    isLinked
      ? [[root, need.storeBytes + need.outputBytes]]
      : [
          [root, need.storeBytes],
          [staging, need.outputBytes],
        ];
  for (const [place, bytes] of places(least)) await requireSpace(place, Math.floor(bytes * 0.8), 'the conversion');
  const likely = predictSpace({ ...question, installedBytes: knownBytes ?? (await largestDiskBytes(root)) });
  for (const [place, bytes] of places(likely)) {
    const availableBytes = await freeBytes(place);
    if (availableBytes >= bytes) continue;
    emit({
      type: 'warning',
      message: `The conversion may take ${formatBytes(bytes)} at ${place}, where ${formatBytes(availableBytes)} are free.`,
    });
  }
}

/** What `doctor` says of disk space: what a conversion of the largest system that was installed so far takes, else of a typical one. */
export async function predictPlaces(options: {
  readonly cacheDirectory: string;
  readonly outputDirectory: string;
  readonly outputs: readonly Output[];
}): Promise<DoctorPlace[]> {
  const { cacheDirectory, outputDirectory, outputs } = options;
  const installedBytes = await largestDiskBytes(storeLayout(cacheDirectory).root);
  const isLinked = (await deviceOf(cacheDirectory)) === (await deviceOf(outputDirectory));
  const question = { isInstalled: false, outputs, isLinked };
  const need = predictSpace({ ...question, installedBytes });
  const least = predictSpace(
    { ...question, installedBytes: LEAST_INSTALLATION_BYTES },
    LEAST_SHARES,
    OTHER_LEAST_SHARE,
  );
  const size = formatBytes(installedBytes);
  const inStore = `hold an installed disk of ${size} and what is made of it`;
  const total = ({ storeBytes, outputBytes }: Need): number => storeBytes + outputBytes;
  return isLinked
    ? [
        {
          path: cacheDirectory,
          neededBytes: total(need),
          leastBytes: total(least),
          neededFor: `${inStore}, with the output`,
        },
      ]
    : [
        { path: cacheDirectory, neededBytes: need.storeBytes, leastBytes: least.storeBytes, neededFor: inStore },
        {
          path: outputDirectory,
          neededBytes: need.outputBytes,
          leastBytes: least.outputBytes,
          neededFor: `hold the output of a system of ${size}`,
        },
      ];
}

async function largestDiskBytes(root: string): Promise<number> {
  const disks = path.join(root, 'disks');
  const names = await readdir(disks).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => allocatedBytes(path.join(disks, name, 'disk.raw')).catch(() => 0)),
  );
  const largest = Math.max(0, ...sizes);
  return largest > 0 ? largest : TYPICAL_INSTALLATION_BYTES;
}

async function allocatedBytes(file: string): Promise<number> {
  return (await stat(file)).blocks * 512;
}

/** Of the nearest directory that is there. */
async function deviceOf(directory: string): Promise<number> {
  for (let place = path.resolve(directory); ; place = path.dirname(place)) {
    const status = await stat(place).catch(() => undefined);
    if (status !== undefined || place === '/') return status?.dev ?? 0;
  }
}
