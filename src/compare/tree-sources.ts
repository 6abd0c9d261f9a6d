/** Where the items of a tree can be read from: archives and directories, compressed or not. Nothing of a tree is run or followed. */
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { Iso2RootfsError } from '../errors.js';
import { requireSpace } from '../tools/space.js';
import type { Toolbox } from '../tools/toolbox.js';
import { readChunks } from '../tree/file-chunks.js';
import { countHardLinks } from '../tree/hard-link-census.js';
import { NewcItems } from '../tree/newc-items.js';
import { scanTar } from '../tree/scan-tar.js';
import { parseSpecialInodes, type SpecialInodes } from '../tree/special-links.js';
import { readTarItems, type TarItemsOptions } from '../tree/tar-items.js';
import type { TreeItem } from '../tree/tree-item.js';

/** `cgz-squashfs`: a cgz with a squashfs image in it, which is the tree. */
export type TreeKind = 'tar' | 'directory' | 'cgz' | 'cgz-squashfs' | 'squashfs';

export interface TreeSource {
  /** For people: a file's name, or `initramfs.cgz + modules.cgz`. */
  readonly name: string;
  readonly kind: TreeKind;
  /** Several archives that are unpacked one after the other; else one. */
  readonly paths: readonly string[];
}

export interface ReadOptions extends Pick<TarItemsOptions, 'wantsContent'> {
  readonly tools: Toolbox;
  /** For a squashfs image that has to be unpacked. */
  readonly scratch: string;
  readonly signal?: AbortSignal | undefined;
}

type OnItem = (item: TreeItem) => void;

/** Reads all items of a tree, in no certain order. */
export async function readTree(source: TreeSource, onItem: OnItem, options: ReadOptions): Promise<void> {
  for (const file of source.paths) {
    if (source.kind === 'tar') await readTar(file, onItem, options);
    else if (source.kind === 'directory') await readDirectory(file, onItem, options);
    else if (source.kind === 'squashfs') await readSquashfs(file, 0, onItem, options);
    else if (source.kind === 'cgz-squashfs')
      await readSquashfs(file, await findImageOffset(file, options.signal), onItem, options);
    else await readNewc(file, onItem, options);
  }
}

/** What starts like this is read by that program, writing to stdout. */
const DECOMPRESSORS: readonly (readonly [magic: string, program: string])[] = [
  ['1f8b', 'gzip'],
  ['fd377a585a00', 'xz'],
  ['28b52ffd', 'zstd'],
  ['02214c18', 'lz4'],
  ['04224d18', 'lz4'],
  ['425a68', 'bzip2'],
];

async function decompressorOf(file: string): Promise<string | undefined> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(6), 0, 6, 0);
    const magic = buffer.subarray(0, bytesRead).toString('hex');
    return DECOMPRESSORS.find(([start]) => magic.startsWith(start))?.[1];
  } finally {
    await handle.close();
  }
}

/** Gives a file's content, decompressed if need be, to a reader. */
async function withContent<Result>(
  file: string,
  { tools, signal }: ReadOptions,
  read: (chunks: AsyncIterable<Buffer>) => Promise<Result>,
): Promise<Result> {
  const program = await decompressorOf(file);
  if (program === undefined) return read(readChunks(file, signal));
  return withProgram(tools, program, ['-dc', '--', file], `read ${path.basename(file)}`, read);
}

async function withProgram<Result>(
  tools: Toolbox,
  program: string,
  args: readonly string[],
  reason: string,
  read: (chunks: AsyncIterable<Buffer>) => Promise<Result>,
): Promise<Result> {
  const running = await tools.start(program, args, {
    stdout: 'stream',
    reason,
    hint: 'If it may not read a file: run as root.',
  });
  try {
    const result = await read(running.stdout as Readable);
    await running.done;
    return result;
  } catch (error) {
    // Where the output just ended, the program knows why; else it complains of nothing but that we stopped reading.
    if ((running.stdout as Readable).readableEnded) await running.done;
    throw error;
  } finally {
    await running.stop();
  }
}

async function readTar(file: string, onItem: OnItem, options: ReadOptions): Promise<void> {
  const { signal, wantsContent } = options;
  const isCompressed = (await decompressorOf(file)) !== undefined;
  const census = isCompressed
    ? await withContent(file, options, countHardLinks)
    : (await scanTar(file, { signal })).census;
  const tarOptions = { census, signal, ...(wantsContent === undefined ? {} : { wantsContent }) };
  await withContent(file, options, async (chunks) => readTarItems(chunks, onItem, tarOptions));
}

/**
 * GNU tar gives all that a file system holds in one stream. Only the names that belong together are asked for before: it knows them for
 * files alone. Other file systems that are mounted in the tree do not belong to it.
 */
async function readDirectory(directory: string, onItem: OnItem, options: ReadOptions): Promise<void> {
  const { tools, signal, wantsContent } = options;
  const absolute = path.resolve(directory);
  const inodes = await findLinkedNames(tools, absolute);
  const args = [
    ...['--create', '--file=-', `--directory=${absolute}`, '--format=posix', '--pax-option=delete=atime,delete=ctime'],
    ...['--numeric-owner', '--xattrs', '--xattrs-include=*'],
    ...['--sparse', '--hard-dereference', '--one-file-system', '.'],
  ];
  const tarOptions = { inodes, signal, ...(wantsContent === undefined ? {} : { wantsContent }) };
  const name = path.basename(absolute);
  await withProgram(tools, 'tar', args, `read ${name}`, async (chunks) => readTarItems(chunks, onItem, tarOptions));
}

const MAX_LIST_BYTES = 256 * 1024 * 1024;

async function findLinkedNames(tools: Toolbox, directory: string): Promise<SpecialInodes> {
  const args = [directory, '-xdev', '!', '-type', 'd', '-links', '+1', '-printf', String.raw`%D:%i %P\0`];
  const list = await withProgram(tools, 'find', args, 'find hard links', async (chunks) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > MAX_LIST_BYTES) throw new Iso2RootfsError('INTEGRITY', `${directory} has too many hard links`);
      pieces.push(chunk);
    }
    return Buffer.concat(pieces);
  });
  return parseSpecialInodes(list);
}

async function readNewc(file: string, onItem: OnItem, options: ReadOptions): Promise<void> {
  const items = new NewcItems(onItem);
  await withContent(file, options, async (chunks) => {
    for await (const chunk of chunks) items.push(chunk);
  });
  items.finish();
}

/** In a cgz, the image stands uncompressed behind the archive of the small system that mounts it. */
const IMAGE_NAME = Buffer.from('rootfs.squashfs\0');
const NEWC_HEADER_BYTES = 110;
const NEWC_MAGIC = '070701';

async function findImageOffset(file: string, signal: AbortSignal | undefined): Promise<number> {
  let before: Buffer = Buffer.alloc(0);
  let offset = 0;
  for await (const chunk of readChunks(file, signal)) {
    const data = Buffer.concat([before, chunk]);
    for (let at = data.indexOf(IMAGE_NAME); at >= 0; at = data.indexOf(IMAGE_NAME, at + 1)) {
      const header = at - NEWC_HEADER_BYTES;
      if (header < 0 || data.toString('latin1', header, header + NEWC_MAGIC.length) !== NEWC_MAGIC) continue;
      return offset + Math.ceil((at + IMAGE_NAME.length) / 4) * 4;
    }
    const kept = Math.min(data.length, 4 * NEWC_HEADER_BYTES);
    offset += data.length - kept;
    before = data.subarray(data.length - kept);
  }
  throw new Iso2RootfsError('INTEGRITY', `${path.basename(file)} has no squashfs image in it`);
}

async function readSquashfs(image: string, offsetBytes: number, onItem: OnItem, options: ReadOptions): Promise<void> {
  const { tools, scratch } = options;
  const directory = await mkdtemp(path.join(scratch, 'squashfs-'));
  try {
    const { size } = await stat(image);
    await requireSpace(scratch, size * TYPICAL_RATIO, 'what is in the squashfs image');
    const tree = path.join(directory, 'tree');
    const args = ['-no-progress', '-quiet', '-offset', String(offsetBytes), '-dest', tree, image];
    await tools.run('unsquashfs', args, { reason: 'look into squashfs images' });
    await readDirectory(tree, onItem, options);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** How much smaller an image is than what is in it. */
const TYPICAL_RATIO = 3;
