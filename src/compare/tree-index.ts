import type { TreeItem } from '../tree/tree-item.js';
import { PackedPaths } from './columns.js';
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
  /** Numbered as they came. */
  readonly paths = new PackedPaths();
  readonly #items = new PackedItems();

  constructor(private readonly onTwice: (path: string) => void = () => undefined) {}

  /** How many paths there are. */
  get size(): number {
    return this.paths.size;
  }

  readonly add = (item: TreeItem): void => {
    const { size } = this.paths;
    const number = this.paths.add(item.path);
    if (number < size) this.onTwice(item.path);
    this.#items.set(number, item);
  };

  get(path: string): TreeItem | undefined {
    const number = this.paths.find(path);
    return number === undefined ? undefined : this.#items.get(number, path);
  }

  *items(): Generator<TreeItem> {
    for (let number = 0; number < this.paths.size; number++) yield this.#items.get(number, this.paths.get(number));
  }

  /** Begins a comparison with another tree: the left one is this. */
  compare(onDifference: OnDifference): TreeComparison {
    return new TreeComparison(this.#items, this.paths, onDifference);
  }
}

export class TreeComparison {
  /** By number: which items the other tree has as well. */
  readonly #met: Uint8Array;
  /** Items whose other names have to be compared when all of them are known. */
  readonly #linked: { readonly number: number; readonly right: TreeItem }[] = [];
  /** Paths that only the other tree has: they may come again. */
  readonly #extras = new PackedPaths();

  constructor(
    private readonly items: PackedItems,
    private readonly paths: PackedPaths,
    private readonly onDifference: OnDifference,
  ) {
    this.#met = new Uint8Array(paths.size);
  }

  readonly add = (right: TreeItem): void => {
    const number = this.paths.find(right.path);
    if (number === undefined) {
      const { size } = this.#extras;
      if (this.#extras.add(right.path) < size) {
        this.#noteTwice(right);
        return;
      }
      this.onDifference(right.path, { aspect: 'extra', left: 'nothing', right: describeItem(right) }, { right });
      return;
    }
    if (this.#met[number] === 1) {
      this.#noteTwice(right);
      return;
    }
    this.#met[number] = 1;
    const left = this.items.get(number, right.path);
    for (const difference of compareItems(left, right)) this.onDifference(right.path, difference, { left, right });
    if (left.links !== undefined || right.links !== undefined) this.#linked.push({ number, right });
  };

  finish(): void {
    for (const { number, right } of this.#linked) {
      const left = this.items.get(number, right.path);
      const difference = compareLinks(left.links, right.links);
      if (difference !== undefined) this.onDifference(left.path, difference, { left, right });
    }
    for (let number = 0; number < this.paths.size; number++) {
      if (this.#met[number] === 1) continue;
      const left = this.items.get(number, this.paths.get(number));
      this.onDifference(left.path, { aspect: 'missing', left: describeItem(left), right: 'nothing' }, { left });
    }
  }

  /** In a second archive a directory is named again, for what it has below it. */
  #noteTwice(right: TreeItem): void {
    if (right.type === 'directory') return;
    this.onDifference(right.path, { aspect: 'twice', left: 'once', right: 'more than once' }, { right });
  }
}
