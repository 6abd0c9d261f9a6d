import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { systemErrorCode } from '../errors.js';
import { readJson, writeFileAtomically } from './files.js';
import { hashFile, type HashOptions } from './hash-file.js';

const FORMAT = 1;

/** A file that is younger than this when it has been read may change without its times showing it: clocks tick in steps. */
const SETTLING_MS = 1000;

const identitySchema = z.object({
  device: z.string(),
  inode: z.string(),
  sizeBytes: z.string(),
  mtimeNs: z.string(),
  ctimeNs: z.string(),
});
type Identity = z.infer<typeof identitySchema>;

const recordSchema = z.object({
  format: z.literal(FORMAT),
  identity: identitySchema,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

async function identify(file: string): Promise<Identity> {
  const status = await stat(file, { bigint: true });
  return {
    device: String(status.dev),
    inode: String(status.ino),
    sizeBytes: String(status.size),
    mtimeNs: String(status.mtimeNs),
    ctimeNs: String(status.ctimeNs),
  };
}

/** Remembers the SHA-256 of local files, so that a file that has not changed is not read again. */
export class FileHashes {
  readonly #directory: string;
  readonly #others: readonly string[];

  /**
   * @param directory where what is found out is remembered; made when it is missing
   * @param others where it may have been remembered before
   */
  constructor(directory: string, ...others: readonly string[]) {
    this.#directory = directory;
    this.#others = others.filter((other) => other !== directory);
  }

  /** The hash of a file: remembered when device, inode, size, mtime and ctime are as they were, else computed. */
  async sha256(
    file: string,
    options: HashOptions = {},
  ): Promise<{ readonly sha256: string; readonly wasRemembered: boolean }> {
    const before = await identify(file);
    const remembered = await this.#find(before);
    if (remembered !== undefined) return { sha256: remembered, wasRemembered: true };
    const sha256 = await hashFile(file, options);
    const after = await identify(file);
    const isSettled = Date.now() - Number(BigInt(after.ctimeNs) / 1_000_000n) > SETTLING_MS;
    if (isSettled && isSame(before, after)) await this.#remember(after, sha256);
    return { sha256, wasRemembered: false };
  }

  async #find(identity: Identity): Promise<string | undefined> {
    for (const directory of [this.#directory, ...this.#others]) {
      // What cannot be read is not remembered.
      const content = await readJson(recordFile(directory, identity)).catch(() => undefined);
      const record = recordSchema.safeParse(content);
      if (record.success && isSame(record.data.identity, identity)) return record.data.sha256;
    }
    return undefined;
  }

  async #remember(identity: Identity, sha256: string): Promise<void> {
    const record: z.infer<typeof recordSchema> = { format: FORMAT, identity, sha256 };
    try {
      await writeFileAtomically(recordFile(this.#directory, identity), JSON.stringify(record));
    } catch (error) {
      // A full or read-only file system costs another look at the file the next time, nothing more.
      if (systemErrorCode(error) === undefined) throw error;
    }
  }
}

function recordFile(directory: string, { device, inode }: Identity): string {
  const name = createHash('sha256').update(`${device}:${inode}`).digest('hex').slice(0, 32);
  return path.join(directory, `${name}.json`);
}

function isSame(one: Identity, other: Identity): boolean {
  return (['device', 'inode', 'sizeBytes', 'mtimeNs', 'ctimeNs'] as const).every((name) => one[name] === other[name]);
}
