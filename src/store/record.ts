import { rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { systemErrorCode } from '../errors.js';
import { readJson, writeFileAtomically } from './files.js';
import { STORE_FORMAT } from './layout.js';

export type ObjectKind = 'object' | 'disk';

/** Written last: a directory without it is no object. */
export const RECORD_FILE = 'object.json';
/** Its mtime is the last use. */
export const LAST_USED_FILE = 'last-used';
/** What was found wrong with an object that is no longer used. */
export const DAMAGE_FILE = 'damaged.json';

const SHA256 = /^[0-9a-f]{64}$/;

const fileSchema = z.object({
  /** Relative; the store wrote it, but what is on a disk may have been changed. */
  path: z.string().refine((name) => !path.isAbsolute(name) && !name.split('/').includes('..') && name !== ''),
  sizeBytes: z.number(),
  mtimeNs: z.string(),
  sha256: z.string().regex(SHA256).optional(),
  /** In the place of `sha256` where the file is mostly holes: see `hashData`. */
  dataSha256: z.string().regex(SHA256).optional(),
});

export type FileRecord = z.infer<typeof fileSchema>;

const recordSchema = z.object({
  format: z.literal(STORE_FORMAT),
  kind: z.enum(['object', 'disk']),
  key: z.string(),
  committedAt: z.string(),
  isoSha256: z.string(),
  /** What the key was computed from. */
  keyInputs: z.record(z.string(), z.unknown()),
  /** Facts of the one who stored it (the installation's token...). */
  facts: z.record(z.string(), z.unknown()),
  files: z.array(fileSchema),
});

export type ObjectRecord = z.infer<typeof recordSchema>;

export interface StoredObject {
  readonly directory: string;
  readonly record: ObjectRecord;
}

/** The record of an object; undefined when there is none, it is damaged, or it is that of another object. */
export async function readRecord(directory: string, kind: ObjectKind, key: string): Promise<ObjectRecord | undefined> {
  const record = recordSchema.safeParse(await readJson(path.join(directory, RECORD_FILE)));
  return record.success && record.data.key === key && record.data.kind === kind ? record.data : undefined;
}

export async function writeRecord(directory: string, record: ObjectRecord): Promise<void> {
  await writeFileAtomically(path.join(directory, RECORD_FILE), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** A file that is not as it was committed. */
export interface FileChange {
  readonly path: string;
  readonly how: 'missing' | 'size' | 'time' | 'content';
}

/** What tells cheaply that files are not as they were committed: size and mtime. */
export async function findChanges(directory: string, record: ObjectRecord): Promise<FileChange[]> {
  const changes: FileChange[] = [];
  for (const file of record.files) {
    try {
      const status = await stat(path.join(directory, file.path), { bigint: true });
      if (!status.isFile()) changes.push({ path: file.path, how: 'missing' });
      else if (status.size !== BigInt(file.sizeBytes)) changes.push({ path: file.path, how: 'size' });
      else if (String(status.mtimeNs) !== file.mtimeNs) changes.push({ path: file.path, how: 'time' });
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
      changes.push({ path: file.path, how: 'missing' });
    }
  }
  return changes;
}

const damageSchema = z.object({ format: z.literal(STORE_FORMAT), foundAt: z.string(), what: z.array(z.string()) });

/** Takes an object out of use, so that the next build makes it anew. Who is reading it now may go on: its files stay. */
export async function markDamaged(directory: string, what: readonly string[]): Promise<void> {
  const damage = { format: STORE_FORMAT, foundAt: new Date().toISOString(), what: [...what] };
  await writeFileAtomically(path.join(directory, DAMAGE_FILE), `${JSON.stringify(damage, undefined, 2)}\n`);
  try {
    await rename(path.join(directory, RECORD_FILE), path.join(directory, `${RECORD_FILE}.damaged`));
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}

/** What `markDamaged` noted of an object. */
export async function readDamage(directory: string): Promise<readonly string[] | undefined> {
  const damage = damageSchema.safeParse(await readJson(path.join(directory, DAMAGE_FILE)));
  return damage.success ? damage.data.what : undefined;
}
