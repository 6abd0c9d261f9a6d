/**
 * How many names each hard-linked file has. newc says it in front of the first name, when a stream does not know it yet, so it is
 * counted before.
 */
import { Iso2RootfsError } from '../errors.js';
import { normaliseTreePath, pathKey } from './tree-path.js';
import type { TreeEntry } from './entry.js';
import { readTar } from './tar-reader.js';

/** Number of names by the key of each name's path ({@link pathKey}); at least all with two names or more. */
export type HardLinkCensus = ReadonlyMap<string, number>;

/**
 * Reads what `find DIR -links +1 ! -type d -printf '%n %P\0'` prints.
 * @throws Iso2RootfsError INTERNAL when it is something else.
 */
export function parseHardLinkCensus(output: Buffer): HardLinkCensus {
  const census = new Map<string, number>();
  for (let start = 0; start < output.length;) {
    const end = output.indexOf(0, start);
    const space = output.indexOf(0x20, start);
    const count = output.toString('latin1', start, space);
    if (end < 0 || space < 0 || space > end || !/^\d{1,10}$/.test(count)) {
      throw new Iso2RootfsError('INTERNAL', 'the list of hard links cannot be read');
    }
    census.set(pathKey(normaliseTreePath(output.subarray(space + 1, end))), Number(count));
    start = end + 1;
  }
  return census;
}

/** Counts the names in a tar archive: for where an archive is at hand, but not the file system that it was made of. */
export async function countHardLinks(archive: AsyncIterable<Buffer>): Promise<HardLinkCensus> {
  const links = new LinkCounter();
  for await (const event of readTar(archive)) if (event.kind === 'entry') links.add(event.entry);
  return links.census();
}

/** Counts the names of hard-linked files. */
export class LinkCounter {
  readonly #namesByTarget = new Map<string, string[]>();
  readonly #firstNames = new Map<string, string>();

  add(entry: TreeEntry): void {
    if (entry.type !== 'hardlink') return;
    const target = pathKey(entry.linkTarget);
    const firstName = this.#firstNames.get(target) ?? target;
    const name = pathKey(entry.path);
    this.#firstNames.set(name, firstName);
    const names = this.#namesByTarget.get(firstName);
    if (names === undefined) this.#namesByTarget.set(firstName, [firstName, name]);
    else names.push(name);
  }

  census(): HardLinkCensus {
    return new Map(
      [...this.#namesByTarget.values()].flatMap((names) => names.map((name) => [name, names.length] as const)),
    );
  }
}
