/** What the changes have to know of a tree, gathered while its entries pass. */
import { createEntry, type TreeEntry, type TreeFile } from '../../tree/entry.js';
import { parentKey, pathKey } from '../../tree/tree-path.js';

/** A file that we add. */
export interface Addition {
  /** Bytes as latin1. */
  readonly path: string;
  /** The text of a file, or where a symbolic link points to. */
  readonly text?: string;
  readonly linkTarget?: string;
  /** Default: 0644 for a file. */
  readonly mode?: number;
}

const LABEL = 'security.selinux';
const UNIT = /^(?:(?:usr\/)?lib|etc)\/systemd\/system\/[^/]+(?:\/[^/]+)?$/;
const NETWORK_CARD_MODULE = /^(?:usr\/)?lib\/modules\/([^/]+)\/(kernel\/drivers\/net\/.+\.ko(?:\.(?:gz|xz|zst))?)$/;

export class TreeSurvey {
  readonly #directories = new Map<string, TreeEntry>([['', createEntry({ path: Buffer.alloc(0), type: 'directory' })]]);
  readonly #programs = new Set<string>();
  readonly #units = new Set<string>();
  readonly #modules = new Map<string, string[]>();
  readonly #builtin = new Map<string, string>();

  observe(entry: TreeEntry): void {
    const path = pathKey(entry.path);
    if (entry.type === 'directory') this.#directories.set(path, entry);
    else if (/^(?:usr\/)?s?bin\//.test(path)) this.#programs.add(path.slice(path.lastIndexOf('/') + 1));
    if (UNIT.test(path)) this.#units.add(path);
    const [, version = '', module] = NETWORK_CARD_MODULE.exec(path) ?? [];
    if (module !== undefined) this.#modules.set(version, [...(this.#modules.get(version) ?? []), module]);
  }

  observeBuiltin(version: string, text: string): void {
    this.#builtin.set(version, text);
  }

  hasDirectory(path: string): boolean {
    return this.#directories.has(path);
  }

  /** Whether a program is in one of the usual directories. */
  hasProgram(name: string): boolean {
    return this.#programs.has(name);
  }

  /** Paths of unit files, drop-ins and the links that enable units. */
  get units(): ReadonlySet<string> {
    return this.#units;
  }

  hasUnit(name: string): boolean {
    return ['usr/lib', 'lib', 'etc'].some((directory) => this.#units.has(`${directory}/systemd/system/${name}`));
  }

  /** Whether something starts the unit, or it is the one behind a D-Bus name. */
  isEnabled(name: string): boolean {
    return [...this.#units].some((path) => /\.(?:wants|requires)\//.test(path) && path.endsWith(`/${name}`));
  }

  /** Where packages put what is systemd's: `usr/lib/systemd`, or `lib/systemd` where they are apart; undefined without systemd. */
  get systemdDirectory(): string | undefined {
    return ['usr/lib/systemd', 'lib/systemd'].find((directory) => this.hasDirectory(`${directory}/system`));
  }

  /** Of the kernel's modules, those that drive network cards. */
  networkModules(version: string): readonly string[] {
    return this.#modules.get(version) ?? [];
  }

  /** The kernel's `modules.builtin`. */
  builtin(version: string): string | undefined {
    return this.#builtin.get(version);
  }

  /** Entries for what is added, each after the directories that it needs; with label and time of the directory that they stand in. */
  materialise(additions: readonly Addition[]): TreeFile[] {
    const made = new Set<string>();
    return additions.flatMap((addition) => [
      ...this.#missingParents(addition.path, made),
      this.#file(addition, parentKey(addition.path)),
    ]);
  }

  #missingParents(path: string, made: Set<string>): TreeFile[] {
    const parent = parentKey(path);
    if (this.#directories.has(parent) || made.has(parent)) return [];
    made.add(parent);
    const above = this.#missingParents(parent, made);
    const entry = this.#entry(parent, parentKey(parent), { type: 'directory' });
    return [...above, { entry, content: Buffer.alloc(0) }];
  }

  #file({ path, text = '', linkTarget, mode }: Addition, parent: string): TreeFile {
    if (linkTarget !== undefined) {
      const target = Buffer.from(linkTarget, 'latin1');
      const entry = this.#entry(path, parent, { type: 'symlink', linkTarget: target });
      return { entry, content: Buffer.alloc(0) };
    }
    const content = Buffer.from(text, 'utf8');
    const entry = this.#entry(path, parent, { type: 'file', mode: mode ?? 0o644, sizeBytes: content.length });
    return { entry, content };
  }

  #entry(path: string, parent: string, fields: Pick<TreeEntry, 'type'> & Partial<TreeEntry>): TreeEntry {
    const { selinuxLabel, xattrs, mtimeSeconds } = this.#nearest(parent);
    const label = xattrs.get(LABEL);
    return createEntry({
      ...fields,
      path: Buffer.from(path, 'latin1'),
      mtimeSeconds,
      selinuxLabel,
      ...(label === undefined ? {} : { xattrs: new Map([[LABEL, label]]) }),
    });
  }

  /** The directory itself, or the nearest one above it that the tree has. */
  #nearest(path: string): TreeEntry {
    return this.#directories.get(path) ?? this.#nearest(parentKey(path));
  }
}
