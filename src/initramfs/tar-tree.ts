import { open, type FileHandle } from 'node:fs/promises';
import type { TreeEntry } from '../tree/entry.js';
import { scanTar, type ScannedTar } from '../tree/scan-tar.js';
import { normaliseTreePath, parentKey, pathKey } from '../tree/tree-path.js';

/** A file, directory or symlink of a tree that lies in a tar archive. */
interface Node {
  readonly entry: TreeEntry;
  readonly offsetBytes: number;
}

/** What a path leads to inside of a tree. */
export interface ResolvedPath {
  /** Without symlinks in it. */
  readonly path: string;
  readonly entry: TreeEntry;
  readonly offsetBytes: number;
  /** The symlinks that were followed, each at a path without symlinks. */
  readonly links: readonly TreeEntry[];
}

/** As the kernel: more are a loop. */
const MAX_LINKS = 40;

/** Looks into a tree in a tar archive, as a system would that has it as its root: no symlink leads out of it. */
export class TarTree {
  private constructor(
    private readonly handle: FileHandle,
    private readonly nodes: ReadonlyMap<string, Node>,
    readonly summary: ScannedTar,
  ) {}

  /**
   * @param remembers which paths will be asked for, besides directories: a tree may have more entries than are good to hold in memory
   */
  static async open(archive: string, remembers: (path: string) => boolean, signal?: AbortSignal): Promise<TarTree> {
    const nodes = new Map<string, Node>();
    const onEntry = (entry: TreeEntry, offsetBytes: number): void => {
      const path = pathKey(entry.path);
      if (entry.type !== 'directory' && !remembers(path)) return;
      nodes.set(path, { entry: compact(entry), offsetBytes });
    };
    const summary = await scanTar(archive, { onEntry, signal });
    return new TarTree(await open(archive, 'r'), nodes, summary);
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  /** Bytes as latin1, sorted: every path that is remembered. */
  paths(): string[] {
    return [...this.nodes.keys()].sort();
  }

  get root(): TreeEntry | undefined {
    return this.nodes.get('')?.entry;
  }

  /**
   * What a path leads to; undefined when it leads nowhere.
   * @param path relative to the root of the tree, or absolute in it
   */
  resolve(path: string): ResolvedPath | undefined {
    const links: TreeEntry[] = [];
    let done = '';
    let left = path.split('/');
    while (left.length > 0) {
      const [name, ...rest] = left;
      left = rest;
      if (name === undefined || name === '' || name === '.') continue;
      if (name === '..') {
        done = parentKey(done);
        continue;
      }
      const next = done === '' ? name : `${done}/${name}`;
      const node = this.nodes.get(next);
      if (node === undefined) return undefined;
      if (node.entry.type !== 'symlink') {
        done = next;
        continue;
      }
      links.push(node.entry);
      if (links.length > MAX_LINKS) return undefined;
      const target = pathKey(node.entry.linkTarget);
      if (target.startsWith('/')) done = '';
      left = [...target.split('/'), ...left];
    }
    const node = this.nodes.get(done);
    if (node?.entry.type !== 'hardlink') return node === undefined ? undefined : { path: done, ...node, links };
    const first = this.nodes.get(pathKey(normaliseTreePath(node.entry.linkTarget)));
    return first === undefined ? undefined : { path: done, ...first, links };
  }

  /** A part of a file's content; less where it ends. */
  async read({ entry, offsetBytes }: ResolvedPath, start = 0, lengthBytes = entry.sizeBytes): Promise<Buffer> {
    const length = Math.max(0, Math.min(lengthBytes, entry.sizeBytes - start));
    const { buffer, bytesRead } = await this.handle.read(Buffer.alloc(length), 0, length, offsetBytes + start);
    return buffer.subarray(0, bytesRead);
  }
}

/** Without the chunk of the archive that its parts are slices of. */
function compact(entry: TreeEntry): TreeEntry {
  return { ...entry, path: Buffer.from(entry.path), linkTarget: Buffer.from(entry.linkTarget), xattrs: new Map() };
}
