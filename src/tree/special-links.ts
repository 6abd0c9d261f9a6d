/**
 * GNU tar knows hard links of files only: several names of a fifo or a device node stand in its archives as so many fifos and nodes.
 * Which of them are one is asked of the file system, and told to the archives that we write.
 */
import { Iso2RootfsError } from '../errors.js';
import type { TreeEntry } from './entry.js';
import { normaliseTreePath, pathKey } from './tree-path.js';

/** By the key of each name's path ({@link pathKey}): the inode that it is a name of. */
export type SpecialInodes = ReadonlyMap<string, string>;

/**
 * Reads what `find DIR \( -type p -o -type b -o -type c \) -links +1 -printf '%D:%i %P\0'` prints.
 * @throws Iso2RootfsError INTERNAL when it is something else.
 */
export function parseSpecialInodes(output: Buffer): SpecialInodes {
  const inodes = new Map<string, string>();
  for (let start = 0; start < output.length;) {
    const end = output.indexOf(0, start);
    const space = output.indexOf(0x20, start);
    const inode = output.toString('latin1', start, space);
    if (end < 0 || space < 0 || space > end || !/^\d+:\d+$/.test(inode)) {
      throw new Iso2RootfsError('INTERNAL', 'the list of hard-linked fifos and devices cannot be read');
    }
    inodes.set(pathKey(normaliseTreePath(output.subarray(space + 1, end))), inode);
    start = end + 1;
  }
  return inodes;
}

/** Makes hard links of the second and further names of a fifo or device node. */
export class SpecialLinks {
  readonly #inodes: SpecialInodes;
  readonly #firstNames = new Map<string, Buffer>();

  constructor(inodes: SpecialInodes) {
    this.#inodes = inodes;
  }

  relink(entry: TreeEntry): TreeEntry {
    if (entry.type !== 'fifo' && entry.type !== 'block-device' && entry.type !== 'character-device') return entry;
    const inode = this.#inodes.get(pathKey(entry.path));
    if (inode === undefined) return entry;
    const first = this.#firstNames.get(inode);
    if (first !== undefined) return { ...entry, type: 'hardlink', linkTarget: first, deviceMajor: 0, deviceMinor: 0 };
    this.#firstNames.set(inode, entry.path);
    return entry;
  }
}
