import { createHash } from 'node:crypto';
import { chmod, mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { systemErrorCode } from '../errors.js';
import { namesIn, readJson, writeFileAtomically } from './files.js';

const FORMAT = 1;

const checksumSchema = z.object({
  format: z.literal(FORMAT),
  url: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  sizeBytes: z.number().optional(),
  fromUrl: z.string(),
  signature: z.enum(['verified', 'unverified', 'none']),
  seenAt: z.string(),
});

/** A checksum that a publisher gave for a URL, as it was last seen. */
export type SeenChecksum = z.infer<typeof checksumSchema>;

/**
 * Downloaded ISOs, and what is known of ISOs without having them:
 *
 * ```
 * <store>/media/<sha256>.iso
 *         downloads/<id>.partial      continued by the next process that wants the same file
 *         state/media/<sha256>.json   what the ISO was recognised to be
 *         state/checksums/<id>.json   the last checksum seen for a URL
 * ```
 */
export class MediaShelf {
  readonly #root: string;

  /** @param root the store's directory */
  constructor(root: string) {
    this.#root = root;
  }

  /** Path of a downloaded ISO; undefined when it is not there. Its content was verified when it was stored. */
  async findIso(sha256: string): Promise<{ readonly path: string; readonly sizeBytes: number } | undefined> {
    const file = this.#isoPath(sha256);
    try {
      const status = await stat(file);
      return status.isFile() ? { path: file, sizeBytes: status.size } : undefined;
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** SHA-256 of the ISOs on the shelf. */
  async listIsos(): Promise<string[]> {
    const names = await namesIn(path.join(this.#root, 'media'));
    return names.flatMap((name) => /^([0-9a-f]{64})\.iso$/.exec(name)?.[1] ?? []);
  }

  /** Takes an ISO off the shelf. */
  async removeIso(sha256: string): Promise<void> {
    await rm(this.#isoPath(sha256), { force: true });
  }

  /** Where a download of a file goes until it is complete. The caller holds the lock `download-<id>`. */
  async partialPath(id: string): Promise<string> {
    const directory = path.join(this.#root, 'downloads');
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return path.join(directory, `${id}.partial`);
  }

  /** Names a download by the file that is wanted, or by its URL where nobody says what that is. */
  static downloadId(url: string, sha256: string | undefined): string {
    return sha256 ?? `url-${nameOf(url)}`;
  }

  /** Puts a complete, durable download on the shelf. */
  async shelve(partial: string, sha256: string): Promise<string> {
    const file = this.#isoPath(sha256);
    // QEMU's user has to be able to read the ISO.
    await mkdir(path.dirname(file), { recursive: true, mode: 0o711 });
    await chmod(partial, 0o444);
    await rename(partial, file);
    return file;
  }

  async rememberMedium(sha256: string, reader: string, medium: object): Promise<void> {
    await remember(this.#mediumPath(sha256), { format: FORMAT, reader, medium });
  }

  /** What an ISO was recognised to be by the same version of the program. */
  async recallMedium(sha256: string, reader: string): Promise<unknown> {
    const record = await readJson(this.#mediumPath(sha256));
    const schema = z.object({ format: z.literal(FORMAT), reader: z.literal(reader), medium: z.object({}).loose() });
    const parsed = schema.safeParse(record);
    return parsed.success ? parsed.data.medium : undefined;
  }

  /** What an ISO was recognised to be, by whatever version of the program: for people. */
  async describeIso(
    sha256: string,
  ): Promise<{ readonly distro: string; readonly release: string; readonly arch: string } | undefined> {
    const names = z.object({ distro: z.string(), release: z.string(), arch: z.string() });
    const parsed = z.object({ medium: names }).safeParse(await readJson(this.#mediumPath(sha256)));
    return parsed.success ? parsed.data.medium : undefined;
  }

  async rememberChecksum(checksum: Omit<SeenChecksum, 'format' | 'seenAt'>): Promise<void> {
    const record: SeenChecksum = { format: FORMAT, ...checksum, seenAt: new Date().toISOString() };
    await remember(this.#checksumPath(checksum.url), record);
  }

  async recallChecksum(url: string): Promise<SeenChecksum | undefined> {
    const parsed = checksumSchema.safeParse(await readJson(this.#checksumPath(url)));
    return parsed.success && parsed.data.url === url ? parsed.data : undefined;
  }

  #isoPath(sha256: string): string {
    return path.join(this.#root, 'media', `${sha256}.iso`);
  }

  #mediumPath(sha256: string): string {
    return path.join(this.#root, 'state', 'media', `${sha256}.json`);
  }

  #checksumPath(url: string): string {
    return path.join(this.#root, 'state', 'checksums', `${nameOf(url)}.json`);
  }
}

/** What cannot be remembered (a read-only store, a full disk) is found out again the next time. */
async function remember(file: string, record: object): Promise<void> {
  try {
    const content = JSON.stringify(record);
    if (JSON.stringify(await readJson(file)) !== content) await writeFileAtomically(file, content);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}

function nameOf(url: string): string {
  return createHash('sha256').update(url).digest('hex').slice(0, 32);
}
