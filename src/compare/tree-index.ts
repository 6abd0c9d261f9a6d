import type { TreeItem } from '../tree/tree-item.js';
import { compareItems, compareLinks, describeItem, type ItemDifference } from './item-differences.js';
import { PackedItems } from './packed-items.js';

/** Told each thing in which two trees differ. `left` and `right`: the items, where they are. */
export type OnDifference = (
  path: string,
  difference: ItemDifference,
  items: { readonly left?: TreeItem | undefined; readonly right?: TreeItem | undefined },
) => void;

/** One tree in memory, without its content, with which others are compared as they stream by. */
export class TreeIndex {
  readonly #items = new PackedItems();
  readonly #numbers = new Map<string, number>();

  constructor(private readonly onTwice: (path: string) => void = () => undefined) {}

  /** How many paths there are. */
  get size(): number {
    return this.#numbers.size;
  }

  readonly add = (item: TreeItem): void => {
    if (this.#numbers.has(item.path)) this.onTwice(item.path);
    this.#numbers.set(item.path, this.#items.add(item));
  };

  get(path: string): TreeItem | undefined {
    const number = this.#numbers.get(path);
    return number === undefined ? undefined : this.#items.get(number);
  }

  *items(): Generator<TreeItem> {
    for (const number of this.#numbers.values()) yield this.#items.get(number);
  }

  /** Begins a comparison with another tree: the left one is this. */
  compare(onDifference: OnDifference): TreeComparison {
    return new TreeComparison(this.#items, this.#numbers, onDifference);
  }
}

export class TreeComparison {
  /** By number: which items the other tree has as well. */
  readonly #met: Uint8Array;
  /** Items whose other names have to be compared when all of them are known. */
  readonly #linked: { readonly left: TreeItem; readonly right: TreeItem }[] = [];
  /** Items that only the other tree has: they may come again. */
  readonly #extras = new Set<string>();

  constructor(
    private readonly items: PackedItems,
    private readonly numbers: ReadonlyMap<string, number>,
    private readonly onDifference: OnDifference,
  ) {
    this.#met = new Uint8Array(items.size);
  }

  readonly add = (right: TreeItem): void => {
    const number = this.numbers.get(right.path);
    if (number === undefined) {
      if (this.#extras.has(right.path)) {
        this.#noteTwice(right);
        return;
      }
      this.#extras.add(right.path);
      this.onDifference(right.path, { aspect: 'extra', left: 'nothing', right: describeItem(right) }, { right });
      return;
    }
    if (this.#met[number] === 1) {
      this.#noteTwice(right);
      return;
    }
    this.#met[number] = 1;
    const left = this.items.get(number);
    for (const difference of compareItems(left, right)) this.onDifference(right.path, difference, { left, right });
    if (left.links !== undefined || right.links !== undefined) this.#linked.push({ left, right });
  };

  finish(): void {
    for (const { left, right } of this.#linked) {
      const difference = compareLinks(left.links, right.links);
      if (difference !== undefined) this.onDifference(left.path, difference, { left, right });
    }
    for (const number of this.numbers.values()) {
      if (this.#met[number] === 1) continue;
      const left = this.items.get(number);
      this.onDifference(left.path, { aspect: 'missing', left: describeItem(left), right: 'nothing' }, { left });
    }
  }

  /** In a second archive a directory is named again, for what it has below it. */
  #noteTwice(right: TreeItem): void {
    if (right.type === 'directory') return;
    this.onDifference(right.path, { aspect: 'twice', left: 'once', right: 'more than once' }, { right });
  }
}
