import { toIso2RootfsError } from '../errors.js';
import type { Emit } from '../events.js';
import { listEntries, type StoreEntry } from '../store/inventory.js';
import { findLeftovers, findOldDownloads, removeLeftover } from '../store/leftovers.js';
import { planPrune, type PlannedRemoval, type PrunePolicy } from '../store/prune-plan.js';
import type { Store } from '../store/store.js';
import { Toolbox } from '../tools/toolbox.js';
import { Virsh } from '../tools/virsh.js';
import { findBuilds, findLostGuests, removeAbandonedWorkspaces, removeLostGuests } from './abandoned-workspaces.js';

export interface PruneOptions {
  readonly policy: PrunePolicy;
  /** True: nothing is removed, and the report says what would be. */
  readonly isDryRun: boolean;
  readonly libvirtUri: string;
  readonly toolsPath?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly emit?: Emit | undefined;
}

export interface PruneReport {
  readonly isDryRun: boolean;
  readonly removed: readonly { kind: StoreEntry['kind']; key: string; reason: string; freedBytes: number }[];
  /** What should go and is being made or read. */
  readonly inUse: readonly { kind: StoreEntry['kind']; key: string }[];
  /** Builds that had died. */
  readonly deadBuilds: readonly string[];
  /** Domains, storage pools and directories of builds whose workspace had gone. */
  readonly lostGuests: readonly string[];
  /** Files and directories that nobody would have asked for again. */
  readonly leftovers: readonly string[];
  /** Of {@link removed}; leftovers are not counted. */
  readonly freedBytes: number;
  /** What removing everything that is left would give back. */
  readonly leftBytes: number;
}

/** Brings the cache within its bounds and removes what dead builds have left. Nothing that is being made or read is touched. */
export async function pruneCache(store: Store, options: PruneOptions): Promise<PruneReport> {
  const { isDryRun, signal } = options;
  if (!isDryRun) store.requireWritable();
  const emit = options.emit ?? (() => undefined);
  const tools = new Toolbox({
    logDirectory: store.layout.logs,
    toolsPath: options.toolsPath,
    ...(signal === undefined ? {} : { signal }),
  });
  const deadBuilds = isDryRun
    ? (await findBuilds(store)).dead
    : await removeAbandonedWorkspaces(store, tools, ({ message }) =>
        emit({ type: 'warning', message: `Could not clean up after a dead build: ${message}` }),
      );
  const lostGuests = await pruneLostGuests(store, tools, options, emit);
  const leftovers = await pruneLeftovers(store, isDryRun);

  const entries = await listEntries(store);
  const { removed, inUse } = await pruneEntries(store, planPrune(entries, options.policy, Date.now()), options);
  const gone = new Set(removed.map(({ entry }) => entry));
  const sum = (some: readonly StoreEntry[]): number =>
    some.reduce((bytes, { freeableBytes }) => bytes + freeableBytes, 0);
  return {
    isDryRun,
    removed: removed.map(({ entry: { kind, key, freeableBytes: freedBytes }, reason }) => ({
      kind,
      key,
      reason,
      freedBytes,
    })),
    inUse: inUse.map(({ entry: { kind, key } }) => ({ kind, key })),
    deadBuilds,
    lostGuests,
    leftovers,
    freedBytes: sum([...gone]),
    leftBytes: sum(entries.filter((entry) => !gone.has(entry))),
  };
}

async function pruneLostGuests(
  store: Store,
  tools: Toolbox,
  { isDryRun, libvirtUri }: PruneOptions,
  emit: Emit,
): Promise<string[]> {
  const virsh = new Virsh(tools, libvirtUri);
  try {
    const lost = await findLostGuests(store, virsh);
    if (!isDryRun) await removeLostGuests(lost, virsh, tools);
    return [
      ...lost.domains.map((name) => `domain ${name}`),
      ...lost.pools.map((name) => `storage pool ${name}`),
      ...lost.directories,
    ];
  } catch (error) {
    // Where there is no libvirt, it has nothing of ours either.
    if (tools.signal?.aborted === true) throw error;
    emit({ type: 'warning', message: `Lost guests were not looked for: ${toIso2RootfsError(error).message}` });
    return [];
  }
}

async function pruneLeftovers(store: Store, isDryRun: boolean): Promise<string[]> {
  const nowMs = Date.now();
  const leftovers = await findLeftovers(store, nowMs);
  if (!isDryRun) for (const file of leftovers) await removeLeftover(file);
  for (const { lock: name, files } of await findOldDownloads(store, nowMs)) {
    const lock = isDryRun ? undefined : await store.lock(name, { wait: false });
    // Somebody goes on with it after all.
    if (!isDryRun && lock === undefined) continue;
    for (const file of files) if (!isDryRun) await removeLeftover(file);
    await lock?.release();
    leftovers.push(...files);
  }
  return leftovers;
}

async function pruneEntries(
  store: Store,
  plan: readonly PlannedRemoval[],
  { isDryRun, signal }: PruneOptions,
): Promise<{ removed: PlannedRemoval[]; inUse: PlannedRemoval[] }> {
  const removed: PlannedRemoval[] = [];
  const inUse: PlannedRemoval[] = [];
  for (const removal of plan) {
    signal?.throwIfAborted();
    const isRemoved = await removeEntry(store, removal.entry, isDryRun);
    (isRemoved ? removed : inUse).push(removal);
  }
  return { removed, inUse };
}

/**
 * Removes an entry of the store.
 * @returns false when it is being made or read
 */
export async function removeEntry(store: Store, { kind, key }: StoreEntry, isDryRun = false): Promise<boolean> {
  if (!isDryRun) store.requireWritable();
  // A build holds no lock on the ISO it installs from.
  if (kind === 'iso' && (await findBuilds(store)).live.length > 0) return false;
  const lock = await store.lock(kind === 'iso' ? `download-${key}` : key, { wait: false });
  if (lock === undefined) return false;
  try {
    if (isDryRun) return true;
    if (kind === 'iso') await store.shelf.removeIso(key);
    else await store.removeLocked(kind, key);
    return true;
  } finally {
    await lock.release();
  }
}
