import type { MediumEntry, MediumFacts } from '../media/types.js';

const MAX_SYMLINKS = 8;

/** The medium's tree, asked by path. Letter case is forgiven: plain ISO 9660 has none. */
export class MediumTree {
  readonly #entries: ReadonlyMap<string, MediumEntry>;
  readonly #byLowerCase = new Map<string, MediumEntry>();

  constructor(facts: MediumFacts) {
    this.#entries = facts.entries;
    for (const entry of facts.entries.values()) this.#byLowerCase.set(entry.path.toLowerCase(), entry);
  }

  /** The path of the file that `path` means, symlinks followed; undefined when there is none on the medium. */
  findFile(path: string): string | undefined {
    let names: string[] | undefined = path.split('/');
    for (let symlinks = 0; names !== undefined && symlinks <= MAX_SYMLINKS; symlinks += 1) {
      const resolved: string = resolveDots(names);
      const entry = this.#entries.get(resolved) ?? this.#byLowerCase.get(resolved.toLowerCase());
      if (entry?.type === 'file') return entry.path;
      names = entry?.type === 'symlink' ? linkedNames(entry) : undefined;
    }
    return undefined;
  }

  /** True when a path of any entry matches. */
  has(pattern: RegExp): boolean {
    return this.paths(pattern).length > 0;
  }

  paths(pattern: RegExp): string[] {
    return [...this.#entries.keys()].filter((path) => pattern.test(path));
  }

  /** Files that a pattern with one `*` finds, with what the `*` stands for. */
  glob(pattern: string): { path: string; star: string }[] {
    const [head = '', tail = ''] = pattern.split('*').map((part) => part.toLowerCase());
    return [...this.#entries.values()].flatMap(({ path, type }) => {
      const lower = path.toLowerCase();
      if (type === 'directory' || lower.length < head.length + tail.length) return [];
      if (!lower.startsWith(head) || !lower.endsWith(tail)) return [];
      const star = path.slice(head.length, path.length - tail.length);
      return star === '' || star.includes('/') ? [] : [{ path, star }];
    });
  }
}

function linkedNames(entry: MediumEntry): string[] {
  const target = entry.linkTarget ?? '';
  return [...(target.startsWith('/') ? [] : entry.path.split('/').slice(0, -1)), ...target.split('/')];
}

/** A leading slash means the medium's root, and `..` does not leave it. */
function resolveDots(names: readonly string[]): string {
  const resolved: string[] = [];
  for (const name of names) {
    if (name === '..') resolved.pop();
    else if (name !== '' && name !== '.') resolved.push(name);
  }
  return resolved.join('/');
}
