/** What is worth knowing of a tree that passes by. */
import type { TreeEntry } from './entry.js';
import type { HardLinkCensus } from './hard-link-census.js';
import { TreeParts, type TreePart } from './tree-parts.js';
import { pathKey } from './tree-path.js';
import { ZeroBlockCounter } from './zero-runs.js';

const MIN_SPARSE_BYTES = 1024 * 1024;
const SPECIAL_BITS = 0o6000;

export interface BootFile {
  readonly path: Buffer;
  readonly sizeBytes: number;
  /** Where its content stands in the tar archive that was written; undefined when none was. */
  readonly tarOffsetBytes: number | undefined;
}

export interface TreeSummary {
  readonly entryCount: number;
  /** Content of files, each once. */
  readonly contentBytes: number;
  readonly largestFileBytes: number;
  /** Regular files under `boot/`, hard links included. */
  readonly bootFiles: readonly BootFile[];
  /** Regular files that were asked for (`remembers`), hard links included where the census has them. */
  readonly rememberedFiles: readonly BootFile[];
  /** Regular files with setuid or setgid. */
  readonly setuidFiles: readonly { readonly path: Buffer; readonly mode: number }[];
  /** Files in which at least 1 MiB is aligned 64 KiB blocks of zeros: worth digging holes in. */
  readonly sparseFiles: readonly { readonly path: Buffer; readonly sizeBytes: number; readonly zeroBytes: number }[];
  /** What can be unpacked beside each other; see tree-parts.ts. */
  readonly parts: { readonly parts: readonly TreePart[]; readonly restWeight: number };
}

type Content = Omit<BootFile, 'path'>;

export class TreeStatistics {
  readonly #bootFiles: BootFile[] = [];
  readonly #rememberedFiles: BootFile[] = [];
  readonly #setuidFiles: { path: Buffer; mode: number }[] = [];
  readonly #sparseFiles: { path: Buffer; sizeBytes: number; zeroBytes: number }[] = [];
  /** Content of the files that a hard link under `boot/` may be another name of. */
  readonly #linkable = new Map<string, Content>();
  readonly #parts = new TreeParts();
  readonly #zeroBlocks = new ZeroBlockCounter();
  #entryCount = 0;
  #contentBytes = 0;
  #largestFileBytes = 0;
  #file: TreeEntry | undefined;

  constructor(
    private readonly census: HardLinkCensus,
    private readonly remembers: (path: string) => boolean = () => false,
  ) {}

  addEntry(entry: TreeEntry, tarOffsetBytes: number | undefined): void {
    this.#entryCount++;
    this.#parts.observe(entry);
    const { path, type, mode, sizeBytes } = entry;
    if (type === 'hardlink') {
      const content = this.#linkable.get(pathKey(entry.linkTarget));
      if (content !== undefined && isUnderBoot(path)) this.#bootFiles.push({ path, ...content });
      if (content !== undefined && this.remembers(pathKey(path))) this.#rememberedFiles.push({ path, ...content });
    }
    if (type !== 'file') return;
    this.#contentBytes += sizeBytes;
    this.#largestFileBytes = Math.max(this.#largestFileBytes, sizeBytes);
    if ((mode & SPECIAL_BITS) !== 0) this.#setuidFiles.push({ path, mode });
    const isBootFile = isUnderBoot(path);
    if (isBootFile) this.#bootFiles.push({ path, sizeBytes, tarOffsetBytes });
    if (this.remembers(pathKey(path))) this.#rememberedFiles.push({ path, sizeBytes, tarOffsetBytes });
    if (isBootFile || this.census.has(pathKey(path))) this.#linkable.set(pathKey(path), { sizeBytes, tarOffsetBytes });
    this.#file = sizeBytes >= MIN_SPARSE_BYTES ? entry : undefined;
  }

  addContent(chunk: Buffer): void {
    if (this.#file !== undefined) this.#zeroBlocks.add(chunk);
  }

  endContent(): void {
    if (this.#file === undefined) return;
    const { path, sizeBytes } = this.#file;
    const { zeroBytes } = this.#zeroBlocks;
    if (zeroBytes >= MIN_SPARSE_BYTES) this.#sparseFiles.push({ path, sizeBytes, zeroBytes });
    this.#zeroBlocks.reset();
    this.#file = undefined;
  }

  summary(): TreeSummary {
    return {
      entryCount: this.#entryCount,
      contentBytes: this.#contentBytes,
      largestFileBytes: this.#largestFileBytes,
      bootFiles: this.#bootFiles,
      rememberedFiles: this.#rememberedFiles,
      setuidFiles: this.#setuidFiles,
      sparseFiles: this.#sparseFiles,
      parts: this.#parts.summary(),
    };
  }
}

function isUnderBoot(path: Buffer): boolean {
  return path.length > 5 && path.toString('latin1', 0, 5) === 'boot/';
}
