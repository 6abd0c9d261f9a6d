import { explainChange } from '../distro/netboot/explain-change.js';
import type { TreeEntry, TreeFile } from '../tree/entry.js';
import type { Rewritten } from '../tree/transform.js';
import { parentKey, pathKey, printablePath } from '../tree/tree-path.js';
import type { Manifest } from './manifest.js';

type Change = NonNullable<Manifest['changes']>[number];
type What = Change['what'];

/** What rewrites a tree, as far as it is watched. */
export interface Rewriter {
  readonly rewrite: (entry: TreeEntry) => Rewritten;
  readonly append: () => readonly TreeFile[];
  readonly appendToInitramfs: () => readonly TreeFile[];
}

/** Notes by name all that a rewriter changes in a tree, so that whoever compares the tree with its origin knows what is meant. */
export class ChangeRecorder implements Rewriter {
  readonly #changes = new Map<string, What>();
  /** Removed as far as was seen, with what it was: it may come later. */
  readonly #held = new Map<string, TreeFile>();
  readonly #initramfs = new Set<string>();

  constructor(private readonly rewriter: Rewriter) {}

  readonly rewrite = (entry: TreeEntry): Rewritten => {
    const rewritten = this.rewriter.rewrite(entry);
    if (rewritten === undefined) this.#note(entry.path, 'removed');
    else if ('path' in rewritten) {
      if (rewritten !== entry) this.#compare({ entry, content: NO_BYTES }, [{ entry: rewritten, content: NO_BYTES }]);
    } else if ('withContent' in rewritten) {
      return {
        withContent: (content) => {
          const files = rewritten.withContent(content);
          this.#compare({ entry, content }, files);
          return files;
        },
      };
    } else this.#compare({ entry, content: undefined }, rewritten);
    return rewritten;
  };

  readonly append = (): readonly TreeFile[] => {
    const files = this.rewriter.append();
    for (const file of files) {
      const original = this.#held.get(pathKey(file.entry.path));
      if (original === undefined) this.#note(file.entry.path, 'added');
      else this.#compare(original, [file]);
    }
    return files;
  };

  readonly appendToInitramfs = (): readonly TreeFile[] => {
    const files = this.rewriter.appendToInitramfs();
    for (const { entry } of files) this.#initramfs.add(pathKey(entry.path));
    return files;
  };

  /** In the order in which they were seen. A removed directory stands for all that was below. */
  get changes(): Change[] {
    const changes: Change[] = [];
    for (const [path, what] of this.#changes) {
      const isBelowRemoved = what === 'removed' && this.#changes.get(parentKey(path)) === 'removed';
      if (!isBelowRemoved) changes.push(describe(path, what));
    }
    for (const path of this.#initramfs) {
      if (!this.#changes.has(path)) changes.push({ ...describe(path, 'added'), only: 'initramfs' });
    }
    return changes;
  }

  #compare(original: { entry: TreeEntry; content: Buffer | undefined }, files: readonly TreeFile[]): void {
    const { entry, content } = original;
    let isThere = false;
    for (const file of files) {
      if (!file.entry.path.equals(entry.path)) {
        this.#note(file.entry.path, 'added');
        continue;
      }
      isThere = true;
      const isSame = file.entry === entry && content !== undefined && content.equals(file.content);
      if (isSame) this.#changes.delete(pathKey(entry.path));
      else this.#note(entry.path, 'changed');
    }
    if (isThere) return;
    this.#note(entry.path, 'removed');
    if (content !== undefined) this.#held.set(pathKey(entry.path), { entry, content });
  }

  #note(path: Buffer, what: What): void {
    this.#changes.set(pathKey(path), what);
  }
}

const NO_BYTES = Buffer.alloc(0);

function describe(path: string, what: What): Change {
  return { path: printablePath(Buffer.from(path, 'latin1')), what, why: explainChange(path, what) };
}
