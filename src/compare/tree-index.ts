import type { TreeItem } from '../tree/tree-item.js';
import { compareItems, compareLinks, describeItem, type ItemDifference } from './item-differences.js';

interface Slot {
  readonly item: TreeItem;
  /** The comparison that has met it last. */
  comparison: number;
}

/** Told each thing in which two trees differ. `left` and `right`: the items, where they are. */
export type OnDifference = (
  path: string,
  difference: ItemDifference,
  items: { readonly left?: TreeItem | undefined; readonly right?: TreeItem | undefined },
) => void;

/** One tree in memory, without its content, with which others are compared as they stream by. */
export class TreeIndex {
  readonly #slots = new Map<string, Slot>();
  #comparisons = 0;

  constructor(private readonly onTwice: (path: string) => void = () => undefined) {}

  get size(): number {
    return this.#slots.size;
  }

  readonly add = (item: TreeItem): void => {
    if (this.#slots.has(item.path)) this.onTwice(item.path);
    this.#slots.set(item.path, { item, comparison: 0 });
  };

  get(path: string): TreeItem | undefined {
    return this.#slots.get(path)?.item;
  }

  *items(): Generator<TreeItem> {
    for (const { item } of this.#slots.values()) yield item;
  }

  /** Begins a comparison with another tree: the left one is this. */
  compare(onDifference: OnDifference): TreeComparison {
    return new TreeComparison(this.#slots, ++this.#comparisons, onDifference);
  }
}

export class TreeComparison {
  /** Items whose other names have to be compared when all of them are known. */
  readonly #linked: { readonly left: TreeItem; readonly right: TreeItem }[] = [];
  /** Items that only the other tree has: they may come again. */
  readonly #extras = new Set<string>();

  constructor(
    private readonly slots: ReadonlyMap<string, Slot>,
    private readonly number: number,
    private readonly onDifference: OnDifference,
  ) {}

  readonly add = (right: TreeItem): void => {
    const slot = this.slots.get(right.path);
    if (slot === undefined) {
      if (this.#extras.has(right.path)) {
        this.#noteTwice(right);
        return;
      }
      this.#extras.add(right.path);
      this.onDifference(right.path, { aspect: 'extra', left: 'nothing', right: describeItem(right) }, { right });
      return;
    }
    const { item: left } = slot;
    if (slot.comparison === this.number) {
      this.#noteTwice(right);
      return;
    }
    slot.comparison = this.number;
    for (const difference of compareItems(left, right)) this.onDifference(right.path, difference, { left, right });
    if (left.links !== undefined || right.links !== undefined) this.#linked.push({ left, right });
  };

  finish(): void {
    for (const { left, right } of this.#linked) {
      const difference = compareLinks(left.links, right.links);
      if (difference !== undefined) this.onDifference(left.path, difference, { left, right });
    }
    for (const { item: left, comparison } of this.slots.values()) {
      if (comparison === this.number) continue;
      this.onDifference(left.path, { aspect: 'missing', left: describeItem(left), right: 'nothing' }, { left });
    }
  }

  /** In a second archive a directory is named again, for what it has below it. */
  #noteTwice(right: TreeItem): void {
    if (right.type === 'directory') return;
    this.onDifference(right.path, { aspect: 'twice', left: 'once', right: 'more than once' }, { right });
  }
}
