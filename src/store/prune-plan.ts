import type { StoreEntry } from './inventory.js';

/** Bounds of the cache. An entry goes as soon as one of them says so; no bound is Infinity. */
export interface PrunePolicy {
  /** What the cache may take, in bytes. What would not be given back (hard links from outputs) does not count. */
  readonly maxSizeBytes: number;
  /** Since the last use, in milliseconds. */
  readonly maxAgeMs: number;
  /** Conversions, and likewise disks, that are left of each release and architecture: the last made. */
  readonly keepLast: number;
}

export interface PlannedRemoval {
  readonly entry: StoreEntry;
  /** For people. */
  readonly reason: string;
}

/** What has to go for a cache to keep within its bounds. Damaged entries always go: nothing uses them. */
export function planPrune(entries: readonly StoreEntry[], policy: PrunePolicy, nowMs: number): PlannedRemoval[] {
  const plan: PlannedRemoval[] = [];
  const planned = new Set<StoreEntry>();
  const remove = (entry: StoreEntry, reason: string): void => {
    if (planned.has(entry)) return;
    planned.add(entry);
    plan.push({ entry, reason });
  };
  for (const entry of entries) {
    if (entry.state !== 'complete') remove(entry, entry.state);
    else if (nowMs - Date.parse(entry.lastUsedAt) > policy.maxAgeMs) remove(entry, 'not used for too long');
  }
  for (const siblings of groupByRelease(entries).values()) {
    const left = siblings.filter((entry) => !planned.has(entry));
    for (const entry of left.slice(Math.min(policy.keepLast, left.length))) remove(entry, 'there are newer ones');
  }
  const leastRecentlyUsed = entries.filter((entry) => !planned.has(entry)).sort(compareUse);
  let takenBytes = leastRecentlyUsed.reduce((sum, { freeableBytes }) => sum + freeableBytes, 0);
  for (const entry of leastRecentlyUsed) {
    if (takenBytes <= policy.maxSizeBytes) break;
    // Its removal would cost a conversion and give nothing back.
    if (entry.freeableBytes === 0) continue;
    takenBytes -= entry.freeableBytes;
    remove(entry, 'the cache is too large');
  }
  return plan;
}

/** The last made first. */
function groupByRelease(entries: readonly StoreEntry[]): Map<string, StoreEntry[]> {
  const groups = new Map<string, StoreEntry[]>();
  for (const entry of [...entries].sort((a, b) => b.committedAt.localeCompare(a.committedAt))) {
    if (entry.state !== 'complete' || entry.release === undefined) continue;
    const group = [entry.kind, entry.distro, entry.release, entry.arch].join('\0');
    groups.set(group, [...(groups.get(group) ?? []), entry]);
  }
  return groups;
}

/** What goes first: what was used longest ago; of things used at the same time, what is made again most cheaply. */
function compareUse(one: StoreEntry, other: StoreEntry): number {
  const cost = { iso: 0, disk: 1, object: 2 } as const;
  return one.lastUsedAt.localeCompare(other.lastUsedAt) || cost[one.kind] - cost[other.kind];
}
