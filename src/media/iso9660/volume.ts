import { damagedImage, quoteUntrusted } from '../not-install-media.js';
import type { MediumNaming, VolumeDescriptor } from '../types.js';
import { type DirectoryRecord, isSelfOrParent, parseDirectoryRecords } from './directory-records.js';
import { Image } from './image.js';
import { type Extent, type IsoNode, typeOfMode } from './node.js';
import { readRockRidge, type RockRidge } from './rock-ridge.js';
import { decodeIsoName, decodeUcs2 } from './text.js';
import {
  type DirectoryExtent,
  readVolumeDescriptors,
  SECTOR_BYTES,
  type VolumeDescriptors,
} from './volume-descriptors.js';

/** A directory of 200,000 entries is about 30 MB. */
const MAX_DIRECTORY_BYTES = 64 * 1024 * 1024;
/** 4 GiB each: no install medium has a file of 4 TiB. */
const MAX_EXTENTS = 1024;
/** POSIX names have at most 255 bytes. */
const MAX_NAME_CHARACTERS = 255;
const MAX_CONTINUATION_BYTES = 64 * 1024;
/** More entries than any install medium has: the directory is not worth reading to its end. */
export const MAX_ENTRIES = 200_000;

/** An ISO 9660 volume: its directories, by name and by path. */
export class IsoVolume {
  #skipBytes = 0;
  #naming: MediumNaming = 'iso9660';
  #root: IsoNode;
  #continuation: { block: number; data: Buffer } | undefined;

  private constructor(
    private readonly image: Image,
    private readonly descriptors: VolumeDescriptors,
  ) {
    this.#root = this.#directoryNode('', '', descriptors.root);
  }

  /** @throws Iso2RootfsError as {@link Image.open} and NOT_INSTALL_MEDIA for what is no complete ISO 9660 image. */
  static async open(isoPath: string): Promise<IsoVolume> {
    const image = await Image.open(isoPath);
    try {
      const volume = new IsoVolume(image, await readVolumeDescriptors(image));
      await volume.#chooseNaming();
      return volume;
    } catch (error) {
      await image.close();
      throw error;
    }
  }

  get descriptor(): VolumeDescriptor {
    return this.descriptors.volume;
  }

  get naming(): MediumNaming {
    return this.#naming;
  }

  get root(): IsoNode {
    return this.#root;
  }

  get fileSizeBytes(): number {
    return this.image.sizeBytes;
  }

  async close(): Promise<void> {
    await this.image.close();
  }

  /** The entries of a directory. @throws Iso2RootfsError NOT_INSTALL_MEDIA when its records make no sense. */
  async list(directory: IsoNode): Promise<IsoNode[]> {
    const where = directory.path === '' ? 'the root directory' : `directory ${quoteUntrusted(directory.path)}`;
    const fail = (what: string): Error => damagedImage(this.image.path, `${where} has ${what}`);
    const data = await this.#readDirectory(directory, where);
    const nodes: IsoNode[] = [];
    let unfinished: Extent[] = [];
    for (const record of parseDirectoryRecords(data, fail)) {
      if (isSelfOrParent(record) || record.isAssociated) continue;
      const extents = [...unfinished, this.#extent(record.block, record.sizeBytes)];
      if (extents.length > MAX_EXTENTS) throw fail(`a file of more than ${MAX_EXTENTS} parts`);
      unfinished = record.hasMoreExtents ? extents : [];
      if (record.hasMoreExtents) continue;
      const node = await this.#toNode(directory, record, extents, fail);
      if (node !== undefined) nodes.push(node);
      if (nodes.length > MAX_ENTRIES) throw fail(`more than ${MAX_ENTRIES} entries`);
    }
    if (unfinished.length > 0) throw fail('a file whose last part is missing');
    return nodes;
  }

  /** Reads a file's bytes in order, at most 1 MiB at a time. */
  async *readChunks(node: IsoNode): AsyncGenerator<Buffer> {
    const what = quoteUntrusted(node.path);
    for (const extent of node.extents) {
      this.image.requireInside(extent.offsetBytes, extent.lengthBytes, what);
      for (let done = 0; done < extent.lengthBytes;) {
        const lengthBytes = Math.min(1024 * 1024, extent.lengthBytes - done);
        yield await this.image.read(extent.offsetBytes + done, lengthBytes, what);
        done += lengthBytes;
      }
    }
  }

  /** @throws Iso2RootfsError NOT_INSTALL_MEDIA for a file that reaches beyond the image. */
  requireInside(node: IsoNode): void {
    for (const { offsetBytes, lengthBytes } of node.extents) {
      if (lengthBytes > 0) this.image.requireInside(offsetBytes, lengthBytes, quoteUntrusted(node.path));
    }
  }

  /** Rock Ridge where the root has it, else Joliet, else the bare names. */
  async #chooseNaming(): Promise<void> {
    const fail = (what: string): Error => damagedImage(this.image.path, `the root directory has ${what}`);
    const data = await this.#readDirectory(this.#root, 'the root directory');
    const [self] = parseDirectoryRecords(data, fail);
    if (self === undefined) throw fail('no record of itself');
    // CD-ROM XA puts 14 bytes of its own before the Rock Ridge entries.
    for (const skipBytes of [0, 14]) {
      const rockRidge = await this.#rockRidge(self.systemUse.subarray(skipBytes), fail);
      if (!rockRidge.isPresent) continue;
      this.#naming = 'rock-ridge';
      this.#skipBytes = rockRidge.skipBytes || skipBytes;
      return;
    }
    const { jolietRoot } = this.descriptors;
    if (jolietRoot === undefined) return;
    this.#naming = 'joliet';
    this.#root = this.#directoryNode('', '', jolietRoot);
  }

  async #toNode(
    parent: IsoNode,
    record: DirectoryRecord,
    extents: readonly Extent[],
    fail: (what: string) => Error,
  ): Promise<IsoNode | undefined> {
    const rockRidge =
      this.#naming === 'rock-ridge'
        ? await this.#rockRidge(record.systemUse.subarray(this.#skipBytes), fail)
        : undefined;
    if (rockRidge?.isRelocated) return undefined;
    const name = rockRidge?.name ?? this.#bareName(record);
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || name.length > MAX_NAME_CHARACTERS) {
      throw fail(`an entry with the impossible name ${quoteUntrusted(name)}`);
    }
    const path = parent.path === '' ? name : `${parent.path}/${name}`;
    if (rockRidge?.childBlock !== undefined) return this.#relocated(path, name, rockRidge.childBlock, fail);
    const isDirectory = record.isDirectory;
    if (!isDirectory && record.isInterleaved) throw fail(`${quoteUntrusted(name)}, an interleaved file`);
    const type = isDirectory ? 'directory' : typeOfMode(rockRidge?.mode);
    return {
      path,
      name,
      type,
      sizeBytes: isDirectory ? 0 : extents.reduce((sum, extent) => sum + extent.lengthBytes, 0),
      extents,
      linkTarget: type === 'symlink' ? rockRidge?.linkTarget : undefined,
    };
  }

  #bareName(record: DirectoryRecord): string {
    return this.#naming === 'joliet'
      ? decodeUcs2(record.identifier).replace(/;\d*$/, '')
      : decodeIsoName(record.identifier);
  }

  /** A deep directory: its record here is a stand-in, its size is in its own first record. */
  async #relocated(path: string, name: string, block: number, fail: (what: string) => Error): Promise<IsoNode> {
    const offsetBytes = block * this.descriptors.blockBytes;
    const data = await this.image.read(offsetBytes, SECTOR_BYTES, `directory ${quoteUntrusted(path)}`);
    const [self] = parseDirectoryRecords(data, fail);
    if (self === undefined || !isSelfOrParent(self)) throw fail(`${quoteUntrusted(name)}, moved to where nothing is`);
    return this.#directoryNode(path, name, { block, sizeBytes: self.sizeBytes });
  }

  #directoryNode(path: string, name: string, extent: DirectoryExtent): IsoNode {
    const extents = [this.#extent(extent.block, extent.sizeBytes)];
    return { path, name, type: 'directory', sizeBytes: 0, extents, linkTarget: undefined };
  }

  #extent(block: number, sizeBytes: number): Extent {
    return { offsetBytes: block * this.descriptors.blockBytes, lengthBytes: sizeBytes };
  }

  async #readDirectory(directory: IsoNode, where: string): Promise<Buffer> {
    const parts: Buffer[] = [];
    let totalBytes = 0;
    for (const { offsetBytes, lengthBytes } of directory.extents) {
      totalBytes += lengthBytes;
      if (totalBytes > MAX_DIRECTORY_BYTES) {
        throw damagedImage(this.image.path, `${where} claims ${totalBytes} bytes of records`);
      }
      parts.push(await this.image.read(offsetBytes, lengthBytes, where));
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  #rockRidge(systemUse: Buffer, fail: (what: string) => Error): Promise<RockRidge> {
    return readRockRidge(systemUse, (block, at, bytes) => this.#readContinuation(block, at, bytes, fail), fail);
  }

  async #readContinuation(
    block: number,
    offsetBytes: number,
    lengthBytes: number,
    fail: (what: string) => Error,
  ): Promise<Buffer> {
    if (offsetBytes + lengthBytes > MAX_CONTINUATION_BYTES) {
      throw fail(`a Rock Ridge continuation area of ${lengthBytes} bytes`);
    }
    const start = block * this.descriptors.blockBytes;
    const what = 'a Rock Ridge continuation area';
    this.image.requireInside(start + offsetBytes, lengthBytes, what);
    if (offsetBytes + lengthBytes > SECTOR_BYTES) return this.image.read(start + offsetBytes, lengthBytes, what);
    // Many names share one sector of continuations: read it once.
    if (this.#continuation?.block !== block) {
      const data = await this.image.read(start, Math.min(SECTOR_BYTES, this.image.sizeBytes - start), what);
      this.#continuation = { block, data };
    }
    return this.#continuation.data.subarray(offsetBytes, offsetBytes + lengthBytes);
  }
}
