import { stat } from 'node:fs/promises';
import path from 'node:path';
import { syncPath } from './files.js';
import { hashData, hashFile } from './hash-file.js';
import type { FileRecord } from './record.js';

export interface DescribeOptions {
  /** SHA-256 of the files that have been hashed while they were written. The others are hashed now. */
  readonly hashes?: ReadonlyMap<string, string>;
  readonly signal?: AbortSignal | undefined;
}

/** Makes a file durable and notes how it is. */
export async function describeFile(
  directory: string,
  name: string,
  { hashes, signal }: DescribeOptions,
): Promise<FileRecord> {
  const file = path.join(directory, name);
  await syncPath(file);
  const status = await stat(file, { bigint: true });
  const common = { path: name, sizeBytes: Number(status.size), mtimeNs: String(status.mtimeNs) };
  const known = hashes?.get(name);
  if (known !== undefined) return { ...common, sha256: known };
  const isMostlyHoles = status.blocks * 512n < status.size / 2n;
  return isMostlyHoles
    ? { ...common, dataSha256: await hashData(file, { signal }) }
    : { ...common, sha256: await hashFile(file, { signal }) };
}
