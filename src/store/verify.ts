import { stat } from 'node:fs/promises';
import path from 'node:path';
import { systemErrorCode } from '../errors.js';
import { hashData, hashFile, type HashOptions } from './hash-file.js';
import { describeChange, type StoreEntry } from './inventory.js';
import {
  findChanges,
  markDamaged,
  readDamage,
  readRecord,
  writeRecord,
  type FileRecord,
  type ObjectKind,
  type ObjectRecord,
} from './record.js';
import type { Store } from './store.js';

export interface Verification {
  readonly kind: StoreEntry['kind'];
  readonly key: string;
  /**
   * `mended`: files had been touched, their content is what it was, and the object is used again. `busy`: another process makes it.
   * `damaged`: it is not used any more; the next build makes it anew.
   */
  readonly outcome: 'intact' | 'mended' | 'damaged' | 'busy';
  /** What is wrong, file by file. */
  readonly problems: readonly string[];
  readonly checkedBytes: number;
}

export interface VerifyOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told the bytes read of all that is verified in this call. */
  readonly onProgress?: ((doneBytes: number) => void) | undefined;
}

/**
 * Reads entries of the store again. One of which a byte has changed is taken out of use.
 * @param onVerified called after each
 */
export async function verifyEntries(
  store: Store,
  entries: readonly StoreEntry[],
  options: VerifyOptions & { readonly onVerified?: (verification: Verification) => void } = {},
): Promise<Verification[]> {
  const verifications: Verification[] = [];
  let readBytes = 0;
  for (const entry of entries) {
    const before = readBytes;
    const verification = await verifyEntry(store, entry, {
      signal: options.signal,
      onProgress: (done) => options.onProgress?.(before + done),
    });
    readBytes += verification.checkedBytes;
    verifications.push(verification);
    options.onVerified?.(verification);
  }
  return verifications;
}

/** Reads an entry of the store again and takes it out of use when a byte of it has changed. */
export async function verifyEntry(store: Store, entry: StoreEntry, options: VerifyOptions = {}): Promise<Verification> {
  if (entry.kind === 'iso') return verifyIso(store, entry.key, options);
  const { kind, key } = entry;
  // Whoever else reads it may go on; who makes or removes it is waited for by nobody.
  const lock = await store.lockToRead(key, { wait: false, signal: options.signal });
  if (lock === 'busy') return { kind, key, outcome: 'busy', problems: [], checkedBytes: 0 };
  try {
    return await verifyObject(store, kind, key, options);
  } finally {
    await lock?.release();
  }
}

async function verifyObject(
  store: Store,
  kind: ObjectKind,
  key: string,
  options: VerifyOptions,
): Promise<Verification> {
  const directory = store.directoryOf(kind, key);
  const record = await readRecord(directory, kind, key);
  if (record === undefined) {
    const problems = (await readDamage(directory)) ?? ['its record is missing or damaged'];
    return { kind, key, outcome: 'damaged', problems, checkedBytes: 0 };
  }
  const problems: string[] = [];
  let checkedBytes = 0;
  const changes = new Map((await findChanges(directory, record)).map((change) => [change.path, change]));
  for (const file of record.files) {
    const change = changes.get(file.path);
    if (change !== undefined && change.how !== 'time') {
      problems.push(describeChange(change));
      continue;
    }
    const before = checkedBytes;
    const problem = await checkContent(directory, file, {
      signal: options.signal,
      onProgress: (done) => options.onProgress?.(before + done),
    });
    checkedBytes += file.sizeBytes;
    if (problem !== undefined) problems.push(problem);
  }
  if (problems.length > 0) {
    if (!store.isReadOnly) await markDamaged(directory, problems);
    return { kind, key, outcome: 'damaged', problems, checkedBytes };
  }
  if (changes.size === 0) return { kind, key, outcome: 'intact', problems, checkedBytes };
  if (!store.isReadOnly) await acceptTimes(directory, record, [...changes.keys()]);
  return { kind, key, outcome: 'mended', problems: [...changes.values()].map(describeChange), checkedBytes };
}

async function checkContent(directory: string, file: FileRecord, options: HashOptions): Promise<string | undefined> {
  const [expected, hash] =
    file.sha256 === undefined ? ([file.dataSha256, hashData] as const) : ([file.sha256, hashFile] as const);
  if (expected === undefined) return undefined;
  try {
    const found = await hash(path.join(directory, file.path), options);
    return found === expected ? undefined : describeChange({ path: file.path, how: 'content' });
  } catch (error) {
    // A disk that cannot read a block says so in this way.
    if (systemErrorCode(error) === 'EIO') return `${file.path} cannot be read: the disk it is on fails`;
    throw error;
  }
}

/** The content is what it was, whatever the times say. */
async function acceptTimes(directory: string, record: ObjectRecord, names: readonly string[]): Promise<void> {
  const files: FileRecord[] = [];
  for (const file of record.files) {
    files.push(
      names.includes(file.path) ? { ...file, mtimeNs: await modificationTime(path.join(directory, file.path)) } : file,
    );
  }
  await writeRecord(directory, { ...record, files });
}

async function modificationTime(file: string): Promise<string> {
  return String((await stat(file, { bigint: true })).mtimeNs);
}

async function verifyIso(store: Store, sha256: string, options: VerifyOptions): Promise<Verification> {
  const iso = await store.shelf.findIso(sha256);
  if (iso === undefined) {
    return { kind: 'iso', key: sha256, outcome: 'damaged', problems: ['it is not there any more'], checkedBytes: 0 };
  }
  const found = await hashFile(iso.path, options);
  const common = { kind: 'iso', key: sha256, checkedBytes: iso.sizeBytes } as const;
  if (found === sha256) return { ...common, outcome: 'intact', problems: [] };
  // Nothing is made of it any more: the next build downloads it again.
  if (!store.isReadOnly) await store.shelf.removeIso(sha256);
  return { ...common, outcome: 'damaged', problems: [`the ISO has the SHA-256 ${found}; it has been removed`] };
}
