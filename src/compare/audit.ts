import { printablePath } from '../tree/tree-path.js';
import {
  excuseCgz,
  excuseRecord,
  excuseSquashfs,
  type CgzFacts,
  type Excuse,
  type Moment,
  type TreeChange,
} from './excuses.js';
import { GUEST_RECORD_FILE, readGuestRecord } from './guest-record.js';
import type { Aspect, ItemDifference } from './item-differences.js';
import { TreeIndex, type OnDifference } from './tree-index.js';
import { readTree, type ReadOptions, type TreeSource } from './tree-sources.js';

/** One thing in which two forms of the same system differ. */
export interface Finding {
  /** As printablePath writes it; `.` is the root. */
  readonly path: string;
  readonly aspect: Aspect;
  readonly leftName: string;
  readonly left: string;
  readonly rightName: string;
  readonly right: string;
}

/** Differences that have to be, of one kind. */
export interface ExcusedGroup {
  readonly leftName: string;
  readonly rightName: string;
  readonly aspect: Aspect;
  readonly excuse: string;
  readonly count: number;
  /** The first of them. */
  readonly paths: readonly string[];
}

export interface AuditReport {
  /** What was read, and how many names it has. */
  readonly trees: readonly { readonly name: string; readonly kind: string; readonly entries: number }[];
  /** What is not there, and was not looked at. */
  readonly absent: readonly string[];
  /** Without excuse; at most {@link MAX_FINDINGS}. */
  readonly findings: readonly Finding[];
  readonly findingCount: number;
  readonly excused: readonly ExcusedGroup[];
}

export interface AuditSources {
  /** The first is what the others are compared with; the fuller a format, the earlier. */
  readonly trees: readonly TreeSource[];
  /** The record of the guest, if there is one. */
  readonly recordPath?: string | undefined;
  readonly absent: readonly string[];
  readonly changes: readonly TreeChange[];
  readonly cgz: CgzFacts;
  readonly latestTime?: Moment | undefined;
}

/** What is listed: a broken tree could fill the memory otherwise. */
export const MAX_FINDINGS = 10_000;
const MAX_EXCUSED_PATHS = 1000;

/** Compares forms of one system with the first of them, entry by entry. Content is hashed, never held. */
export async function auditTrees(
  sources: AuditSources,
  options: ReadOptions,
  onStart: (name: string) => void = () => undefined,
): Promise<AuditReport> {
  const { trees, recordPath, absent, changes, cgz } = sources;
  const [reference, ...others] = trees;
  if (reference === undefined) throw new TypeError('there is nothing to compare with');
  const collector = new FindingCollector();
  const seen: { name: string; kind: string; entries: number }[] = [];
  const index = new TreeIndex((path) => collector.noteTwice(path, reference.name));
  onStart(reference.name);
  await readTree(reference, index.add, options);
  seen.push({ name: reference.name, kind: reference.kind, entries: index.size });
  for (const other of others) {
    onStart(other.name);
    const excuse = excuseOf(other, cgz, changes);
    const comparison = index.compare(collector.collect(reference.name, other.name, excuse));
    let entries = 0;
    await readTree(
      other,
      (item) => {
        entries += 1;
        comparison.add(item);
      },
      options,
    );
    comparison.finish();
    seen.push({ name: other.name, kind: other.kind, entries });
  }
  if (recordPath !== undefined) {
    onStart(GUEST_RECORD_FILE);
    seen.push(await compareRecord(recordPath, index, reference, sources, collector, options));
  }
  return { trees: seen, absent, ...collector.result() };
}

/** The record is the left one: what it has and the outputs have not is missing. */
async function compareRecord(
  file: string,
  index: TreeIndex,
  reference: TreeSource,
  { changes, cgz, latestTime }: AuditSources,
  collector: FindingCollector,
  { signal }: ReadOptions,
): Promise<AuditReport['trees'][number]> {
  let entries = 0;
  let hasAttributes = false;
  const ofFormat = excuseOf(reference, cgz, changes);
  const ofRecord = excuseRecord({ changes, latestTime, hasAttributes: () => hasAttributes });
  const note = collector.collect(GUEST_RECORD_FILE, reference.name, (...difference) => {
    return ofRecord(...difference) ?? ofFormat(...difference);
  });
  const comparison = index.compare((path, { aspect, left, right }, items) => {
    const mirrored: ItemDifference = { aspect: MIRRORED[aspect] ?? aspect, left: right, right: left };
    note(path, mirrored, { left: items.right, right: items.left });
  });
  await readGuestRecord(
    file,
    (item, facts) => {
      entries += 1;
      hasAttributes = facts.hasAttributes;
      comparison.add(item);
    },
    { signal, known: index.paths },
  );
  comparison.finish();
  return { name: GUEST_RECORD_FILE, kind: 'record', entries };
}

const MIRRORED: Partial<Record<Aspect, Aspect>> = { missing: 'extra', extra: 'missing' };

function excuseOf({ kind }: TreeSource, cgz: CgzFacts, changes: readonly TreeChange[]): Excuse {
  if (kind === 'cgz') return excuseCgz(cgz, changes);
  return kind === 'squashfs' || kind === 'cgz-squashfs' ? excuseSquashfs : () => undefined;
}

interface Excused {
  readonly group: Omit<ExcusedGroup, 'count' | 'paths'>;
  count: number;
  readonly paths: string[];
}

class FindingCollector {
  readonly #findings: Finding[] = [];
  #findingCount = 0;
  readonly #excused: Excused[] = [];

  noteTwice(path: string, name: string): void {
    this.#add({
      path: readable(path),
      aspect: 'twice',
      leftName: name,
      left: 'more than once',
      rightName: name,
      right: 'once',
    });
  }

  collect(leftName: string, rightName: string, excuseFor: Excuse): OnDifference {
    const excused = new Map<string, Excused>();
    return (path, difference, items) => {
      const { aspect, left, right } = difference;
      const excuse = excuseFor(path, difference, items);
      if (excuse === undefined) {
        this.#add({ path: readable(path), aspect, leftName, left, rightName, right });
        return;
      }
      // Every entry of a system may be excused.
      const key = `${aspect}\0${excuse}`;
      let known = excused.get(key);
      if (known === undefined) {
        known = { group: { leftName, rightName, aspect, excuse }, count: 0, paths: [] };
        excused.set(key, known);
        this.#excused.push(known);
      }
      known.count += 1;
      if (known.paths.length < MAX_EXCUSED_PATHS) known.paths.push(readable(path));
    };
  }

  #add(finding: Finding): void {
    this.#findingCount += 1;
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding);
  }

  result(): Pick<AuditReport, 'findings' | 'findingCount' | 'excused'> {
    return {
      findings: this.#findings,
      findingCount: this.#findingCount,
      excused: this.#excused.map(({ group, count, paths }) => ({ ...group, count, paths })),
    };
  }
}

function readable(path: string): string {
  return path === '' ? '.' : printablePath(Buffer.from(path, 'latin1'));
}
