import type { IsoNode } from './iso9660/node.js';
import { type IsoVolume, MAX_ENTRIES } from './iso9660/volume.js';
import { damagedImage, quoteUntrusted } from './not-install-media.js';

/** What identifies a medium lies at most this deep: `boot/x86_64/loader/linux` has four names. */
const MAX_DEPTH = 5;

/** Where media keep tens of thousands of packages: that there is one is all that recognition asks. */
const PACKAGE_POOL = /^(.*\/)?(pool|packages)$|^(noarch|nosrc|x86_64|aarch64|i[3-6]86)$/i;
const PACKAGE_FILE = /\.(rpm|deb)$/i;
/** Directories read in search of the first package of a pool. */
const MAX_POOL_DIRECTORIES = 64;

/**
 * The tree as deep as recognition needs it, directories first seen first. Of a package pool only the first package
 * and the directories on the way to it are returned.
 * @throws Iso2RootfsError NOT_INSTALL_MEDIA for directory loops, too many entries, and files outside of the image.
 */
export async function walkMedium(volume: IsoVolume, isoPath: string): Promise<Map<string, IsoNode>> {
  const nodes = new Map<string, IsoNode>();
  const add = (node: IsoNode): void => {
    volume.requireInside(node);
    nodes.set(node.path, node);
    if (nodes.size > MAX_ENTRIES) throw damagedImage(isoPath, `it has more than ${MAX_ENTRIES} entries`);
  };
  interface Pending {
    readonly directory: IsoNode;
    /** Places of the directories above: meeting one again is a loop. */
    readonly above: ReadonlySet<number>;
    readonly depth: number;
  }
  const queue: Pending[] = [{ directory: volume.root, above: new Set(), depth: 0 }];
  // An array grows while it is iterated over: this ends with the last directory found.
  for (const { directory, above: upper, depth } of queue) {
    const above = new Set([...upper, requireNoLoop(directory, upper, isoPath)]);
    const children = await volume.list(directory);
    for (const child of children) {
      add(child);
      if (child.type !== 'directory') continue;
      if (PACKAGE_POOL.test(child.path)) {
        for (const node of await findFirstPackage(volume, child, above, isoPath)) add(node);
      } else if (depth + 1 < MAX_DEPTH) {
        queue.push({ directory: child, above, depth: depth + 1 });
      }
    }
  }
  return nodes;
}

function requireNoLoop(directory: IsoNode, above: ReadonlySet<number>, isoPath: string): number {
  const place = directory.extents[0]?.offsetBytes ?? 0;
  if (above.has(place)) {
    throw damagedImage(isoPath, `directory ${quoteUntrusted(directory.path)} contains itself`);
  }
  return place;
}

/** Depth first, because pools nest (`pool/main/b/bash/`); returns the way to the package, or nothing. */
async function findFirstPackage(
  volume: IsoVolume,
  pool: IsoNode,
  above: ReadonlySet<number>,
  isoPath: string,
): Promise<IsoNode[]> {
  let budget = MAX_POOL_DIRECTORIES;
  const search = async (directory: IsoNode, seen: ReadonlySet<number>): Promise<IsoNode[] | undefined> => {
    if (budget === 0) return undefined;
    budget -= 1;
    const here = new Set([...seen, requireNoLoop(directory, seen, isoPath)]);
    const children = await volume.list(directory);
    const found = children.find((child) => child.type === 'file' && PACKAGE_FILE.test(child.name));
    if (found !== undefined) return [found];
    for (const child of children) {
      if (child.type !== 'directory') continue;
      const way = await search(child, here);
      if (way !== undefined) return [child, ...way];
    }
    return undefined;
  };
  return (await search(pool, above)) ?? [];
}
