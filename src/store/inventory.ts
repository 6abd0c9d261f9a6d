import { stat } from 'node:fs/promises';
import path from 'node:path';
import { systemErrorCode } from '../errors.js';
import { listTree, namesIn } from './files.js';
import { findChanges, LAST_USED_FILE, readDamage, readRecord, type FileChange, type ObjectKind } from './record.js';
import type { Store } from './store.js';

/** Something that the store keeps: a conversion, an installed disk, a downloaded ISO. */
export interface StoreEntry {
  readonly kind: ObjectKind | 'iso';
  /** Of an ISO its SHA-256. */
  readonly key: string;
  /** `changed`: a file is not as it was committed. `damaged`: `verify` or a look at the record found it so. Only `complete` is used. */
  readonly state: 'complete' | 'changed' | 'damaged';
  /** What is wrong, for people. */
  readonly problems: readonly string[];
  readonly distro: string | undefined;
  readonly release: string | undefined;
  readonly arch: string | undefined;
  readonly isoSha256: string | undefined;
  /** ISO 8601. */
  readonly committedAt: string;
  readonly lastUsedAt: string;
  /** Blocks that its files take, whoever else has a name for them. */
  readonly allocatedBytes: number;
  /** What its removal gives back: files that an output directory shares by a hard link stay. */
  readonly freeableBytes: number;
  readonly directory: string;
}

const KINDS = ['object', 'disk'] as const;
const SHA256 = /^[0-9a-f]{64}$/;
const BLOCK_BYTES = 512;

/** Everything in the store, the last used first. */
export async function listEntries(store: Store): Promise<StoreEntry[]> {
  const entries: StoreEntry[] = [];
  for (const kind of KINDS) {
    for (const key of await namesIn(path.dirname(store.directoryOf(kind, 'x')))) {
      const entry = SHA256.test(key) ? await describeObject(store, kind, key) : undefined;
      if (entry !== undefined) entries.push(entry);
    }
  }
  for (const sha256 of await store.shelf.listIsos()) {
    const entry = await describeIso(store, sha256);
    if (entry !== undefined) entries.push(entry);
  }
  return entries.sort((a, b) => b.lastUsedAt.localeCompare(a.lastUsedAt) || a.key.localeCompare(b.key));
}

async function describeObject(store: Store, kind: ObjectKind, key: string): Promise<StoreEntry | undefined> {
  const directory = store.directoryOf(kind, key);
  try {
    const usage = await measure(directory);
    const record = await readRecord(directory, kind, key);
    const made = (await stat(directory)).mtime.toISOString();
    const lastUsed = await stat(path.join(directory, LAST_USED_FILE)).catch(() => undefined);
    const changes = record === undefined ? [] : await findChanges(directory, record);
    const damage = record === undefined ? ((await readDamage(directory)) ?? ['its record is missing or damaged']) : [];
    const fact = (name: string): string | undefined => {
      const value = record?.facts[name];
      return typeof value === 'string' ? value : undefined;
    };
    return {
      kind,
      key,
      state: record === undefined ? 'damaged' : changes.length > 0 ? 'changed' : 'complete',
      problems: [...damage, ...changes.map(describeChange)],
      distro: fact('distro'),
      release: fact('release'),
      arch: fact('arch'),
      isoSha256: record?.isoSha256,
      committedAt: record?.committedAt ?? made,
      lastUsedAt: lastUsed?.mtime.toISOString() ?? record?.committedAt ?? made,
      ...usage,
      directory,
    };
  } catch (error) {
    // Removed while we looked.
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function describeChange({ path: name, how }: FileChange): string {
  switch (how) {
    case 'missing':
      return `${name} is missing`;
    case 'size':
      return `${name} has another size than when it was stored`;
    case 'time':
      return `${name} has been written to since it was stored`;
    case 'content':
      return `${name} has another content than when it was stored`;
  }
}

async function describeIso(store: Store, sha256: string): Promise<StoreEntry | undefined> {
  const iso = await store.shelf.findIso(sha256);
  if (iso === undefined) return undefined;
  const status = await stat(iso.path);
  const allocatedBytes = status.blocks * BLOCK_BYTES;
  const medium = await store.shelf.describeIso(sha256);
  return {
    kind: 'iso',
    key: sha256,
    state: 'complete',
    problems: [],
    distro: medium?.distro,
    release: medium?.release,
    arch: medium?.arch,
    isoSha256: sha256,
    committedAt: status.mtime.toISOString(),
    lastUsedAt: (status.atimeMs > status.mtimeMs ? status.atime : status.mtime).toISOString(),
    allocatedBytes,
    freeableBytes: status.nlink > 1 ? 0 : allocatedBytes,
    directory: path.dirname(iso.path),
  };
}

async function measure(directory: string): Promise<Pick<StoreEntry, 'allocatedBytes' | 'freeableBytes'>> {
  // A file with several names in the object is one.
  const inodes = new Map<string, { bytes: number; names: number; links: number }>();
  for (const name of (await listTree(directory)).files) {
    const status = await stat(path.join(directory, name));
    const id = `${status.dev}:${status.ino}`;
    const seen = inodes.get(id);
    if (seen === undefined) inodes.set(id, { bytes: status.blocks * BLOCK_BYTES, names: 1, links: status.nlink });
    else seen.names += 1;
  }
  let allocatedBytes = 0;
  let freeableBytes = 0;
  for (const { bytes, names, links } of inodes.values()) {
    allocatedBytes += bytes;
    if (links <= names) freeableBytes += bytes;
  }
  return { allocatedBytes, freeableBytes };
}
