import { Iso2RootfsError } from '../errors.js';
import { ContentHash } from './content-hash.js';
import type { HardLinkCensus } from './hard-link-census.js';
import { TarReader, type TarEvent } from './tar-reader.js';
import { AttributePool, itemOf, joinGroup, type LinkGroup, type OpenItem, type TreeItem } from './tree-item.js';
import { pathKey, printablePath } from './tree-path.js';

export interface TarItemsOptions {
  /** Which names belong together, where the archive itself has every name as a file of its own: by path, what their inode is called. */
  readonly inodes?: ReadonlyMap<string, string>;
  /** Names that other names link to, and those other names; needed where the archive has hard links. */
  readonly census?: HardLinkCensus;
  readonly signal?: AbortSignal | undefined;
  /** Sees the content of the files it is given a receiver for. */
  readonly wantsContent?: (item: Omit<TreeItem, 'sha256'>) => ((content: Buffer) => void) | undefined;
}

const MAX_WANTED_BYTES = 1024 * 1024;

/**
 * Reads the items of a tar archive as it arrives, in its order.
 * @throws Iso2RootfsError INTEGRITY for a damaged archive, or a hard link to what the census does not have
 */
export async function readTarItems(
  archive: AsyncIterable<Buffer>,
  onItem: (item: TreeItem) => void,
  options: TarItemsOptions = {},
): Promise<void> {
  const items = new TarItems(onItem, options);
  const reader = new TarReader();
  for await (const chunk of archive) {
    options.signal?.throwIfAborted();
    reader.push(chunk);
    for (let event = reader.next(); event !== undefined; event = reader.next()) items.take(event);
  }
  reader.finish();
}

class TarItems {
  readonly #pool = new AttributePool();
  readonly #linked = new Map<string, TreeItem>();
  readonly #groups = new Map<string, LinkGroup>();
  #current: OpenItem | undefined;
  readonly #hash = new ContentHash();
  #wanted: { readonly chunks: Buffer[]; readonly receive: (content: Buffer) => void } | undefined;

  constructor(
    private readonly onItem: (item: TreeItem) => void,
    private readonly options: TarItemsOptions,
  ) {}

  take(event: TarEvent): void {
    switch (event.kind) {
      case 'entry':
        this.#takeEntry(event.entry);
        break;
      case 'data':
        this.#hash.update(event.chunk);
        this.#wanted?.chunks.push(Buffer.from(event.chunk));
        break;
      case 'end':
        this.#endContent();
    }
  }

  #takeEntry(entry: Extract<TarEvent, { kind: 'entry' }>['entry']): void {
    const path = pathKey(entry.path);
    if (entry.type === 'hardlink') {
      const target = this.#linked.get(pathKey(entry.linkTarget));
      if (target === undefined) {
        const [name, targetName] = [printablePath(entry.path), printablePath(entry.linkTarget)];
        throw new Iso2RootfsError('INTEGRITY', `${name} is a hard link to ${targetName}, which is not before it`);
      }
      this.#give({ ...target, path, links: joinGroup(target.links, path) });
      return;
    }
    const item = itemOf(entry, path, this.#pool, this.#groupOf(path));
    if (entry.type !== 'file') {
      this.#give(item);
      return;
    }
    this.#current = item;
    const receive = entry.sizeBytes <= MAX_WANTED_BYTES ? this.options.wantsContent?.(item) : undefined;
    this.#wanted = receive === undefined ? undefined : { chunks: [], receive };
  }

  #groupOf(path: string): LinkGroup | undefined {
    if (this.options.census?.has(path) === true) return joinGroup(undefined, path);
    const inode = this.options.inodes?.get(path);
    if (inode === undefined) return undefined;
    const group = joinGroup(this.#groups.get(inode), path);
    this.#groups.set(inode, group);
    return group;
  }

  #endContent(): void {
    const item = this.#current;
    if (item === undefined) return;
    this.#wanted?.receive(Buffer.concat(this.#wanted.chunks));
    this.#wanted = this.#current = undefined;
    item.sha256 = this.#hash.digest();
    this.#give(item);
  }

  #give(item: TreeItem): void {
    if (this.options.census?.has(item.path) === true) this.#linked.set(item.path, item);
    this.onItem(item);
  }
}
