/**
 * No file of an installed system is younger than the end of its installation, but what preparing it has touched; that is different each
 * time. So times are clamped to that end, and what preparing touches has that time whether it was prepared on the disk or is only
 * changed on the way out: then both give the same.
 */
import { findPerMachine } from '../distro/netboot/per-machine.js';
import { Iso2RootfsError } from '../errors.js';
import type { EntryType, TreeEntry } from '../tree/entry.js';
import type { PaxTime } from '../tree/pax-records.js';
import { parentKey, pathKey } from '../tree/tree-path.js';

/** What find(1) calls them. */
const TYPES: Readonly<Record<string, EntryType>> = {
  d: 'directory',
  f: 'file',
  l: 'symlink',
  p: 'fifo',
  b: 'block-device',
  c: 'character-device',
};
/** Written anew whatever they say (net-hostname, net-hwaddr). */
const WRITTEN_ANEW = /^etc\/sysconfig\/network-scripts\/ifcfg-[^/]*$/;

export interface NamedEntry {
  /** Bytes as latin1. */
  readonly path: string;
  readonly type: EntryType;
}

/**
 * Reads what `find -printf '%y %P\0'` prints; sockets, which no archive holds, count as files.
 * @throws Iso2RootfsError INTERNAL when it is something else
 */
export function* parseNames(output: Buffer): Generator<NamedEntry, void, undefined> {
  for (let start = 0; start < output.length;) {
    const end = output.indexOf(0, start);
    const letter = String.fromCharCode(output[start] ?? 0);
    if (end < 0 || output[start + 1] !== 0x20) {
      throw new Iso2RootfsError('INTERNAL', 'the list of names cannot be read');
    }
    yield { path: output.toString('latin1', start + 2, end), type: TYPES[letter] ?? 'file' };
    start = end + 1;
  }
}

/** @returns what gives an entry its time; undefined `endedAt`: as it is */
export function latestTimes(
  endedAt: PaxTime | undefined,
  names: Iterable<NamedEntry>,
): (entry: TreeEntry) => TreeEntry {
  if (endedAt === undefined) return (entry) => entry;
  const touched = new Set<string>();
  for (const { path, type } of names) {
    const change = findPerMachine(path, type);
    if (change === 'remove') touched.add(parentKey(path));
    else if (change === 'empty' || WRITTEN_ANEW.test(path)) touched.add(path);
  }
  // The success token is taken out as well.
  touched.add('var/lib');
  const { seconds: mtimeSeconds, nanoseconds: mtimeNanoseconds } = endedAt;
  const isLater = (entry: TreeEntry): boolean =>
    entry.mtimeSeconds > mtimeSeconds ||
    (entry.mtimeSeconds === mtimeSeconds && entry.mtimeNanoseconds > mtimeNanoseconds);
  return (entry) =>
    isLater(entry) || touched.has(pathKey(entry.path)) ? { ...entry, mtimeSeconds, mtimeNanoseconds } : entry;
}
