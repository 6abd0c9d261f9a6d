/**
 * Writes a tree as a newc ("070701") cpio archive: what the kernel unpacks as initramfs, and GNU cpio and bsdtar read.
 *
 * A file with several names is one inode: the first name carries the content, the others have size 0 and the same inode number and
 * link count. The kernel links them as they come, without truncating (`maybe_link` in init/initramfs.c); GNU cpio at the end.
 * newc has no room for extended attributes: what is lost is reported.
 */
import { Iso2RootfsError } from '../errors.js';
import { ChunkGatherer } from './chunk-gatherer.js';
import type { EntryType, TreeEntry, TreeWriter } from './entry.js';
import type { HardLinkCensus } from './hard-link-census.js';
import { LostMetadataList, type LostMetadata } from './lost-metadata.js';
import { parentKey, pathKey, printablePath } from './tree-path.js';

const HEADER_BYTES = 110;
const TRAILER = 'TRAILER!!!';
const TRAILER_ALIGNMENT_BYTES = 512;
/** PATH_MAX less the NUL: the kernel skips longer names without a word. */
const MAX_NAME_BYTES = 4095;
const MAX_UNSIGNED = 0xffffffff;
const PAGE_BYTES = 4096;

const FILE_TYPE_BITS: Record<Exclude<EntryType, 'hardlink'>, number> = {
  fifo: 0o010000,
  'character-device': 0o020000,
  directory: 0o040000,
  'block-device': 0o060000,
  file: 0o100000,
  symlink: 0o120000,
};

/** What all names of one inode share. */
interface Inode {
  readonly number: number;
  readonly linkCount: number;
  readonly entry: TreeEntry;
}

export interface NewcSummary {
  readonly archiveBytes: number;
  readonly inodeCount: number;
  /** Content of files, each inode once. */
  readonly contentBytes: number;
  /** The same in whole pages of 4 KiB: what the content takes in a tmpfs. */
  readonly unpackedBytes: number;
  readonly largestFileBytes: number;
  readonly lostMetadata: readonly LostMetadata[];
  /** Entries with an SELinux label, which newc cannot hold either; they are too many to list. */
  readonly lostLabelCount: number;
}

export class NewcWriter implements TreeWriter {
  readonly #out: ChunkGatherer;
  readonly #census: HardLinkCensus;
  readonly #linked = new Map<string, Inode>();
  readonly #directories = new Set(['']);
  readonly #lost = new LostMetadataList();
  #inodeCount = 0;
  #contentBytes = 0;
  #unpackedBytes = 0;
  #largestFileBytes = 0;
  #current: TreeEntry | undefined;
  #missingBytes = 0;

  constructor(emit: (chunk: Buffer) => void, census: HardLinkCensus) {
    this.#out = new ChunkGatherer(emit);
    this.#census = census;
  }

  /**
   * @throws Iso2RootfsError TREE_NOT_REPRESENTABLE for a file of 4 GiB or more, a name or symlink of 4096 bytes or more, an entry
   * named as the archive's end, and a hard link to something that is not in the archive; INTERNAL when the census is wrong or an entry
   * comes before its directory.
   */
  writeEntry(entry: TreeEntry): void {
    if (this.#current !== undefined) throw wrongLength(this.#current);
    const key = pathKey(entry.path);
    checkRepresentable(entry, key);
    if (!this.#directories.has(parentKey(key))) {
      throw new Iso2RootfsError('INTERNAL', `${printablePath(entry.path)} comes before its directory`);
    }
    if (entry.type === 'hardlink') {
      const inode = this.#findInode(entry);
      this.#linked.set(key, inode);
      this.#writeHeader(entry.path, inode, symlinkTarget(inode.entry));
      return;
    }
    if (entry.type === 'directory') this.#directories.add(key);
    const inode = this.#createInode(entry, key);
    this.#lost.add(entry);
    this.#writeHeader(entry.path, inode, entry.type === 'file' ? entry.sizeBytes : symlinkTarget(entry));
    if (entry.type !== 'file') return;
    this.#contentBytes += entry.sizeBytes;
    this.#unpackedBytes += Math.ceil(entry.sizeBytes / PAGE_BYTES) * PAGE_BYTES;
    this.#largestFileBytes = Math.max(this.#largestFileBytes, entry.sizeBytes);
    this.#current = entry;
    this.#missingBytes = entry.sizeBytes;
  }

  writeContent(chunk: Buffer): void {
    this.#missingBytes -= chunk.length;
    this.#out.write(chunk);
  }

  /** @throws Iso2RootfsError INTERNAL when the content had not the length that the entry said. */
  endContent(): void {
    if (this.#current === undefined) return;
    if (this.#missingBytes !== 0) throw wrongLength(this.#current);
    this.#align(4);
    this.#current = undefined;
  }

  /** Writes the trailer, padded to 512 bytes, so that archives can be put one after the other. */
  finish(): NewcSummary {
    if (this.#current !== undefined) throw wrongLength(this.#current);
    this.#writeFields(Buffer.from(TRAILER), [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    this.#align(TRAILER_ALIGNMENT_BYTES);
    this.#out.flush();
    return {
      archiveBytes: this.#out.totalBytes,
      inodeCount: this.#inodeCount,
      contentBytes: this.#contentBytes,
      unpackedBytes: this.#unpackedBytes,
      largestFileBytes: this.#largestFileBytes,
      lostMetadata: this.#lost.entries,
      lostLabelCount: this.#lost.labelCount,
    };
  }

  #createInode(entry: TreeEntry, key: string): Inode {
    // The kernel reads no link count of a directory; 2 is what an empty one has.
    const linkCount = entry.type === 'directory' ? 2 : (this.#census.get(key) ?? 1);
    const inode = { number: ++this.#inodeCount, linkCount, entry };
    if (linkCount > 1 && entry.type !== 'directory') this.#linked.set(key, inode);
    return inode;
  }

  #findInode(entry: TreeEntry): Inode {
    const target = pathKey(entry.linkTarget);
    const inode = this.#linked.get(target);
    if (inode !== undefined) return inode;
    const [name, targetName] = [printablePath(entry.path), printablePath(entry.linkTarget)];
    if (this.#census.has(target)) {
      throw new Iso2RootfsError(
        'TREE_NOT_REPRESENTABLE',
        `${name} is a hard link to ${targetName}, which is not in the archive before it`,
        { hint: 'Leave out both names or neither.', data: { path: name, target: targetName } },
      );
    }
    throw new Iso2RootfsError(
      'INTERNAL',
      `${name} is a hard link to ${targetName}, which was counted as having one name`,
      {
        hint: 'The hard links were counted in another state of the file system than the one that was read.',
        data: { path: name, target: targetName },
      },
    );
  }

  #writeHeader(path: Buffer, { number, linkCount, entry }: Inode, content: number | Buffer): void {
    const sizeBytes = typeof content === 'number' ? content : content.length;
    const type = entry.type === 'hardlink' ? 'file' : entry.type;
    this.#writeFields(path.length === 0 ? Buffer.from('.') : path, [
      number,
      FILE_TYPE_BITS[type] | entry.mode,
      entry.uid,
      entry.gid,
      linkCount,
      Math.min(Math.max(entry.mtimeSeconds, 0), MAX_UNSIGNED),
      sizeBytes,
      0,
      0,
      entry.deviceMajor,
      entry.deviceMinor,
    ]);
    if (typeof content === 'number' || content.length === 0) return;
    this.#out.write(content);
    this.#align(4);
  }

  /** `fields`: inode, mode, uid, gid, link count, mtime, size, device, device of a device node (major and minor each). */
  #writeFields(name: Buffer, fields: readonly number[]): void {
    let header = '070701';
    for (const field of fields) header += field.toString(16).toUpperCase().padStart(8, '0');
    header += (name.length + 1).toString(16).toUpperCase().padStart(8, '0') + '00000000';
    const room = this.#out.reserve(HEADER_BYTES + name.length + 1);
    room.write(header, 'latin1');
    name.copy(room, HEADER_BYTES);
    this.#align(4);
  }

  #align(boundary: number): void {
    this.#out.writeZeros((boundary - (this.#out.totalBytes % boundary)) % boundary);
  }
}

function symlinkTarget(entry: TreeEntry): Buffer {
  return entry.type === 'symlink' ? entry.linkTarget : Buffer.alloc(0);
}

function checkRepresentable(entry: TreeEntry, key: string): void {
  if (entry.sizeBytes > MAX_UNSIGNED) {
    const size = `has ${entry.sizeBytes} bytes; a newc archive holds files of less than 4 GiB`;
    throw notRepresentable(entry, size, 'Exclude the file, or leave initramfs out of --outputs.');
  }
  if (entry.path.length > MAX_NAME_BYTES || (entry.type === 'symlink' && entry.linkTarget.length > MAX_NAME_BYTES)) {
    const length = `has a path or a target of more than ${MAX_NAME_BYTES} bytes, which the kernel does not unpack`;
    throw notRepresentable(entry, length, 'Exclude it, or leave initramfs out of --outputs.');
  }
  if (key === TRAILER) {
    const name = 'stands in the root and is named as a newc archive ends';
    throw notRepresentable(entry, name, 'Remove it, or leave initramfs out of --outputs.');
  }
}

function notRepresentable(entry: TreeEntry, what: string, hint: string): Iso2RootfsError {
  const path = printablePath(entry.path);
  return new Iso2RootfsError('TREE_NOT_REPRESENTABLE', `${path} ${what}`, { hint, data: { path } });
}

function wrongLength(entry: TreeEntry): Iso2RootfsError {
  return new Iso2RootfsError(
    'INTERNAL',
    `the content of ${printablePath(entry.path)} has not the length it should have`,
  );
}
