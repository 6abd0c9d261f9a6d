import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { StoreEntry } from './inventory.js';
import { readRecord } from './record.js';
import type { Store } from './store.js';

export interface StoredFileDetails {
  readonly path: string;
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
  /** Undefined where the file is mostly holes and was hashed by its data only. */
  readonly sha256: string | undefined;
  /** Names that the file has, in the store and in output directories; 0 when it is missing. */
  readonly names: number;
}

export interface EntryDetails extends StoreEntry {
  readonly keyInputs: Readonly<Record<string, unknown>>;
  readonly files: readonly StoredFileDetails[];
}

/** All that can be said of an entry. What its facts hold besides (tokens, passwords) stays where it is. */
export async function showEntry(store: Store, entry: StoreEntry): Promise<EntryDetails> {
  if (entry.kind === 'iso') {
    const name = `${entry.key}.iso`;
    return { ...entry, keyInputs: {}, files: [await describeFile(entry.directory, name, undefined, entry.key)] };
  }
  const record = await readRecord(store.directoryOf(entry.kind, entry.key), entry.kind, entry.key);
  const files: StoredFileDetails[] = [];
  for (const file of record?.files ?? []) {
    files.push(await describeFile(entry.directory, file.path, file.sizeBytes, file.sha256));
  }
  return { ...entry, keyInputs: record?.keyInputs ?? {}, files };
}

async function describeFile(
  directory: string,
  name: string,
  sizeBytes: number | undefined,
  sha256: string | undefined,
): Promise<StoredFileDetails> {
  const status = await stat(path.join(directory, name)).catch(() => undefined);
  return {
    path: name,
    sizeBytes: sizeBytes ?? status?.size ?? 0,
    allocatedBytes: (status?.blocks ?? 0) * 512,
    sha256,
    names: status?.nlink ?? 0,
  };
}
