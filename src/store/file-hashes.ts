import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { hashFile, readJson, writeFileAtomically } from './files.js';

const FORMAT = 1;

interface Identity {
  readonly device: string;
  readonly inode: string;
  readonly sizeBytes: string;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
}

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
  constructor(private readonly directory: string) {}

  /** The hash of a file: remembered when device, inode, size, mtime and ctime are as they were, else computed. */
  async sha256(
    file: string,
    options: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (doneBytes: number) => void } = {},
  ): Promise<{ readonly sha256: string; readonly wasRemembered: boolean }> {
    const before = await identify(file);
    const remembered = await this.#find(before);
    if (remembered !== undefined) return { sha256: remembered, wasRemembered: true };
    const sha256 = await hashFile(file, options);
    const after = await identify(file);
    // A file that was written to meanwhile, or within the clock's granularity, is not remembered.
    const isSettled = Date.now() - Number(BigInt(after.ctimeNs) / 1_000_000n) > 1000;
    if (isSettled && isSame(before, after)) await this.#remember(after, sha256);
    return { sha256, wasRemembered: false };
  }

  #file(identity: Identity): string {
    const name = createHash('sha256').update(`${identity.device}:${identity.inode}`).digest('hex').slice(0, 32);
    return path.join(this.directory, `${name}.json`);
  }

  async #find(identity: Identity): Promise<string | undefined> {
    const record = (await readJson(this.#file(identity))) as
      { format?: unknown; identity?: Identity; sha256?: unknown } | undefined;
    if (record?.format !== FORMAT || record.identity === undefined || typeof record.sha256 !== 'string')
      return undefined;
    return isSame(record.identity, identity) ? record.sha256 : undefined;
  }

  async #remember(identity: Identity, sha256: string): Promise<void> {
    await writeFileAtomically(this.#file(identity), JSON.stringify({ format: FORMAT, identity, sha256 }));
  }
}

function isSame(one: Identity, other: Identity): boolean {
  return (['device', 'inode', 'sizeBytes', 'mtimeNs', 'ctimeNs'] as const).every((name) => one[name] === other[name]);
}
