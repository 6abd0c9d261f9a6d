import type { InstalledPackage, PackageList } from '../packages/types.js';
import { comparePackageVersions } from '../packages/compare-versions.js';
import { printablePath } from '../tree/tree-path.js';
import type { ItemDifference } from './item-differences.js';
import { SystemSurvey } from './system-survey.js';
import { TreeIndex } from './tree-index.js';
import { readTree, type ReadOptions, type TreeSource } from './tree-sources.js';
import { isVolatile } from './volatile.js';

export interface DiffSide {
  /** As the user called it. */
  readonly name: string;
  readonly tree: TreeSource;
  readonly packages: { readonly list?: PackageList | undefined; readonly problem?: string | undefined };
  /** What is booted; undefined: what kernels there are is read from the tree. */
  readonly kernel?: string | undefined;
}

export interface FileChange {
  /** As printablePath writes it; `.` is the root. */
  readonly path: string;
  readonly what: 'added' | 'removed' | 'changed';
  /** Of what is changed; the time of modification is none of them. */
  readonly differences: readonly ItemDifference[];
  /** It is different on every machine, or each time that a system is made: logs, caches, what is generated from the rest. */
  readonly isVolatile: boolean;
}

export interface PackageChange {
  readonly name: string;
  readonly arch: string;
  readonly from: string;
  readonly to: string;
  readonly direction: 'upgraded' | 'downgraded';
}

export interface NamedChange {
  readonly name: string;
  readonly left?: string;
  readonly right?: string;
}

export interface DiffReport {
  readonly left: { readonly name: string; readonly tree: string; readonly entries: number };
  readonly right: { readonly name: string; readonly tree: string; readonly entries: number };
  /** Something but what is volatile is different. */
  readonly isDifferent: boolean;
  readonly packages:
    | { readonly problem: string }
    | {
        readonly added: readonly InstalledPackage[];
        readonly removed: readonly InstalledPackage[];
        readonly changed: readonly PackageChange[];
      };
  readonly kernel: { readonly left: readonly string[]; readonly right: readonly string[] };
  readonly services: {
    readonly enabled: readonly string[];
    readonly disabled: readonly string[];
    readonly masked: readonly string[];
    readonly unmasked: readonly string[];
  };
  readonly setuid: readonly NamedChange[];
  readonly capabilities: readonly NamedChange[];
  /** The largest changes first; the root is `.`. */
  readonly sizes: readonly { readonly directory: string; readonly leftBytes: number; readonly rightBytes: number }[];
  readonly files: {
    readonly added: number;
    readonly removed: number;
    readonly changed: number;
    readonly volatile: number;
    /** By path; at most {@link MAX_CHANGES}, what is volatile last. */
    readonly list: readonly FileChange[];
    readonly isTruncated: boolean;
  };
}

export const MAX_CHANGES = 20_000;
const MAX_SIZES = 20;

/** What became of a system: from the left one to the right one. Content is hashed, never held. */
export async function diffSystems(left: DiffSide, right: DiffSide, options: ReadOptions): Promise<DiffReport> {
  const [ofLeft, ofRight] = [new SystemSurvey(), new SystemSurvey()];
  const index = new TreeIndex();
  await readTree(left.tree, index.add, options);
  for (const item of index.items()) ofLeft.observe(item);
  const changes = new ChangeCollector();
  const comparison = index.compare((path, difference) => changes.add(path, difference));
  await readTree(
    right.tree,
    (item) => {
      ofRight.observe(item);
      comparison.add(item);
    },
    options,
  );
  comparison.finish();
  const files = changes.result();
  const packages = diffPackages(left, right);
  const report = {
    left: { name: left.name, tree: left.tree.name, entries: ofLeft.entries },
    right: { name: right.name, tree: right.tree.name, entries: ofRight.entries },
    packages,
    kernel: { left: kernelsOf(left, ofLeft), right: kernelsOf(right, ofRight) },
    services: {
      enabled: without(ofRight.enabled, ofLeft.enabled),
      disabled: without(ofLeft.enabled, ofRight.enabled),
      masked: without(ofRight.masked, ofLeft.masked),
      unmasked: without(ofLeft.masked, ofRight.masked),
    },
    setuid: diffNamed(ofLeft.setuid, ofRight.setuid),
    capabilities: diffNamed(ofLeft.capabilities, ofRight.capabilities),
    sizes: diffSizes(ofLeft.bytesByDirectory, ofRight.bytesByDirectory),
    files,
  };
  const hasPackages = !('problem' in packages) && Object.values(packages).some((list) => list.length > 0);
  return { ...report, isDifferent: hasPackages || files.added + files.removed + files.changed > 0 };
}

const WHAT: Readonly<Record<string, 'added' | 'removed' | undefined>> = { extra: 'added', missing: 'removed' };

class ChangeCollector {
  readonly #changes = new Map<
    string,
    { what: FileChange['what']; differences: ItemDifference[]; isVolatile: boolean }
  >();
  readonly #counts = { added: 0, removed: 0, changed: 0, volatile: 0 };
  #isTruncated = false;

  add(path: string, difference: ItemDifference): void {
    if (difference.aspect === 'mtime') return;
    const known = this.#changes.get(path);
    if (known !== undefined) {
      known.differences.push(difference);
      return;
    }
    const what: FileChange['what'] = WHAT[difference.aspect] ?? 'changed';
    const change = { what, differences: what === 'changed' ? [difference] : [], isVolatile: isVolatile(path) };
    this.#counts[change.isVolatile ? 'volatile' : what] += 1;
    if (this.#changes.size < MAX_CHANGES) this.#changes.set(path, change);
    else this.#isTruncated = true;
  }

  result(): DiffReport['files'] {
    const list = [...this.#changes]
      .map(([path, change]) => ({ path: path === '' ? '.' : printablePath(Buffer.from(path, 'latin1')), ...change }))
      .sort((one, other) => Number(one.isVolatile) - Number(other.isVolatile) || (one.path < other.path ? -1 : 1));
    return { ...this.#counts, list, isTruncated: this.#isTruncated };
  }
}

function diffPackages(left: DiffSide, right: DiffSide): DiffReport['packages'] {
  const [one, other] = [left.packages.list, right.packages.list];
  if (one === undefined || other === undefined) {
    const side = one === undefined ? left : right;
    return { problem: `the packages of ${side.name} are not known: ${side.packages.problem ?? 'no list'}` };
  }
  const keyOf = ({ name, arch }: InstalledPackage): string => `${name}\0${arch}`;
  const [lefts, rights] = [group(one.packages, keyOf), group(other.packages, keyOf)];
  const added: InstalledPackage[] = [];
  const removed: InstalledPackage[] = [];
  const changed: PackageChange[] = [];
  for (const key of [...new Set([...lefts.keys(), ...rights.keys()])].sort()) {
    const gone = (lefts.get(key) ?? []).filter((each) => !hasVersion(rights.get(key), each));
    const came = (rights.get(key) ?? []).filter((each) => !hasVersion(lefts.get(key), each));
    const [from, to] = [gone[0], came[0]];
    // Of several versions side by side (kernels), each comes or goes by itself.
    if (from !== undefined && to !== undefined && gone.length === 1 && came.length === 1) {
      const direction = comparePackageVersions(from.version, to.version) <= 0 ? 'upgraded' : 'downgraded';
      changed.push({ name: to.name, arch: to.arch, from: from.version, to: to.version, direction });
    } else {
      added.push(...came);
      removed.push(...gone);
    }
  }
  return { added, removed, changed };
}

function group(
  packages: readonly InstalledPackage[],
  keyOf: (one: InstalledPackage) => string,
): Map<string, InstalledPackage[]> {
  const groups = new Map<string, InstalledPackage[]>();
  for (const one of packages) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

function hasVersion(packages: readonly InstalledPackage[] | undefined, { version }: InstalledPackage): boolean {
  return packages?.some((each) => each.version === version) === true;
}

function kernelsOf({ kernel }: DiffSide, survey: SystemSurvey): string[] {
  return kernel === undefined ? [...survey.kernels].sort() : [kernel];
}

function without(names: ReadonlySet<string>, others: ReadonlySet<string>): string[] {
  return [...names].filter((name) => !others.has(name)).sort();
}

function diffNamed(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): NamedChange[] {
  return [...new Set([...left.keys(), ...right.keys()])]
    .sort()
    .filter((name) => left.get(name) !== right.get(name))
    .map((name) => {
      const [one, other] = [left.get(name), right.get(name)];
      return { name, ...(one === undefined ? {} : { left: one }), ...(other === undefined ? {} : { right: other }) };
    });
}

function diffSizes(left: ReadonlyMap<string, number>, right: ReadonlyMap<string, number>): DiffReport['sizes'] {
  return [...new Set([...left.keys(), ...right.keys()])]
    .map((directory) => ({
      directory: directory === '' ? '.' : directory,
      leftBytes: left.get(directory) ?? 0,
      rightBytes: right.get(directory) ?? 0,
    }))
    .filter(({ leftBytes, rightBytes }) => leftBytes !== rightBytes)
    .sort((one, other) => Math.abs(other.rightBytes - other.leftBytes) - Math.abs(one.rightBytes - one.leftBytes))
    .slice(0, MAX_SIZES);
}
