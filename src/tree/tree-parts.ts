/** Parts of a tree that several programs can unpack beside each other: none has a hard link into another. */
import type { TreeEntry } from './entry.js';
import { parentKey, pathKey } from './tree-path.js';

export interface TreePart {
  /** Each with all that is below it. */
  readonly directories: readonly string[];
  /** What it costs to unpack, in bytes; of the whole tree see {@link TreeParts.restWeight}. */
  readonly weight: number;
}

/** What the creation of an entry costs besides its content, in bytes that are written in the same time. */
const ENTRY_WEIGHT = 16 * 1024;
const MOST_DEPTH = 3;
const MOST_PARTS = 24;
/** Names that mean themselves wherever they stand: in arguments, patterns and JSON. */
const PLAIN = /^[\w][\w.+-]*(?:\/[\w][\w.+-]*)*$/;

/** Watches a tree that passes by, directories before what is in them, for the parts that it has. */
export class TreeParts {
  readonly #weights = new Map<string, number>([['', 0]]);
  /** Directories whose parts belong together, because a file has a name in each. */
  readonly #links: [one: string, other: string][] = [];

  observe({ path, type, sizeBytes, linkTarget }: TreeEntry): void {
    const key = pathKey(path);
    if (type === 'directory' && isCandidate(key)) this.#weights.set(key, 0);
    const home = this.#homeOf(key);
    this.#weights.set(home, (this.#weights.get(home) ?? 0) + sizeBytes + ENTRY_WEIGHT);
    if (type !== 'hardlink') return;
    const other = this.#homeOf(pathKey(linkTarget));
    if (home !== other) this.#links.push([home, other]);
  }

  /** The heaviest parts, and what all the rest weighs. */
  summary(): { readonly parts: readonly TreePart[]; readonly restWeight: number } {
    const all = [...this.#weights];
    const total = all.reduce((sum, [, weight]) => sum + weight, 0);
    // What is in a directory that another part is below of goes with the rest, and so does what is linked with that.
    const inner = new Set(all.map(([directory]) => parentKey(directory)));
    const groups = new Map(all.map(([directory]) => [directory, [directory]]));
    for (const [one, other] of this.#links) {
      const [left = [], right = []] = [groups.get(one), groups.get(other)];
      if (left === right) continue;
      left.push(...right);
      for (const directory of right) groups.set(directory, left);
    }
    const parts = [...new Set(groups.values())]
      .filter((directories) => directories.every((directory) => !inner.has(directory)))
      .map((directories) => ({
        directories,
        weight: directories.reduce((sum, directory) => sum + (this.#weights.get(directory) ?? 0), 0),
      }))
      .sort((one, other) => other.weight - one.weight)
      .slice(0, MOST_PARTS);
    return { parts, restWeight: total - parts.reduce((sum, { weight }) => sum + weight, 0) };
  }

  /** The deepest directory above a path, or itself, that may be a part; `''`: none is. */
  #homeOf(key: string): string {
    let home = key.split('/', MOST_DEPTH).join('/');
    while (home !== '' && !this.#weights.has(home)) home = parentKey(home);
    return home;
  }
}

function isCandidate(key: string): boolean {
  return key !== '' && key.split('/').length <= MOST_DEPTH && PLAIN.test(key);
}

/**
 * Shares parts out, so that all take about as long.
 * @returns directories for each but one, who unpacks the rest; none when there is nothing to share
 */
export function shareParts(parts: readonly TreePart[], restWeight: number, workers: number): string[][] {
  const shares = Array.from({ length: workers - 1 }, () => ({ weight: 0, directories: [] as string[] }));
  const rest = { weight: restWeight, directories: [] as string[] };
  for (const { directories, weight } of [...parts].sort((one, other) => other.weight - one.weight)) {
    const lightest = [rest, ...shares].reduce((one, other) => (other.weight < one.weight ? other : one));
    lightest.weight += weight;
    lightest.directories.push(...directories);
  }
  return shares.map(({ directories }) => directories).filter((directories) => directories.length > 0);
}
