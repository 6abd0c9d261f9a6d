/**
 * Reads an install medium without mounting it: no root, no external program, positional reads only.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { toIso2RootfsError } from '../errors.js';
import { readIdentityFiles } from './identity-files.js';
import { findNode } from './iso9660/find-node.js';
import { Image } from './iso9660/image.js';
import type { IsoNode } from './iso9660/node.js';
import { IsoVolume } from './iso9660/volume.js';
import { readVolumeDescriptors } from './iso9660/volume-descriptors.js';
import { notInstallMedia, quoteUntrusted } from './not-install-media.js';
import type { MediumEntry, MediumFacts, VolumeDescriptor } from './types.js';
import { walkMedium } from './walk-medium.js';

/**
 * Everything that recognition needs to know of a medium.
 * @throws Iso2RootfsError ISO_NOT_FOUND; PERMISSION; NOT_INSTALL_MEDIA for what is not a whole, sound ISO 9660 image.
 */
export async function readMedium(isoPath: string): Promise<MediumFacts> {
  return withVolume(isoPath, async (volume) => {
    const nodes = await walkMedium(volume, isoPath);
    return {
      isoPath,
      sizeBytes: volume.fileSizeBytes,
      volume: volume.descriptor,
      naming: volume.naming,
      entries: new Map([...nodes].map(([path, node]) => [path, toEntry(node)])),
      identityFiles: await readIdentityFiles(volume, nodes, isoPath),
    };
  });
}

/** The primary volume descriptor alone. @throws Iso2RootfsError as {@link readMedium}. */
export async function readVolumeDescriptor(isoPath: string): Promise<VolumeDescriptor> {
  const image = await Image.open(isoPath);
  try {
    return (await readVolumeDescriptors(image)).volume;
  } finally {
    await image.close();
  }
}

/**
 * A whole small file of the medium; symlinks are followed inside the medium.
 * @throws Iso2RootfsError as {@link readMedium}, and NOT_INSTALL_MEDIA when it does not exist or has more than `maxBytes`.
 */
export async function readFileFromMedium(isoPath: string, path: string, maxBytes: number): Promise<Buffer> {
  return withVolume(isoPath, async (volume) => {
    const node = await requireFile(volume, isoPath, path);
    if (node.sizeBytes > maxBytes) {
      throw notInstallMedia(
        `${quoteUntrusted(path)} on ${isoPath} has ${node.sizeBytes} bytes; at most ${maxBytes} make sense`,
        'Give the ISO as it was published.',
      );
    }
    const chunks: Buffer[] = [];
    for await (const chunk of volume.readChunks(node)) chunks.push(chunk);
    return Buffer.concat(chunks);
  });
}

export interface ExtractOptions {
  /** Default: 0600. */
  readonly mode?: number;
  readonly signal?: AbortSignal;
}

/**
 * Copies a file of the medium to `destination`, which is replaced. A copy that failed is removed.
 * Returns the number of bytes.
 * @throws Iso2RootfsError as {@link readMedium}; NO_SPACE; the signal's reason.
 */
export async function extractFile(
  isoPath: string,
  path: string,
  destination: string,
  options: ExtractOptions = {},
): Promise<number> {
  return withVolume(isoPath, async (volume) => {
    const node = await requireFile(volume, isoPath, path);
    const file = await open(destination, 'w', options.mode ?? 0o600).catch((error: unknown) => {
      throw toIso2RootfsError(error);
    });
    // A device given as the destination is written to, but neither changed nor removed.
    const isOurs = (await file.stat()).isFile();
    try {
      // The mode given to open() is masked, and ignored for a file that exists.
      if (isOurs) await file.chmod(options.mode ?? 0o600);
      for await (const chunk of volume.readChunks(node)) {
        options.signal?.throwIfAborted();
        await writeAll(file, chunk);
      }
      await file.close();
      return node.sizeBytes;
    } catch (error) {
      await file.close().catch(() => undefined);
      if (isOurs) await rm(destination, { force: true });
      throw options.signal?.aborted ? error : toIso2RootfsError(error);
    }
  });
}

async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done)).bytesWritten;
}

async function requireFile(volume: IsoVolume, isoPath: string, path: string): Promise<IsoNode> {
  const node = await findNode(volume, path);
  if (node?.type === 'file') return node;
  throw notInstallMedia(
    `${isoPath} has no file ${quoteUntrusted(path)}${node === undefined ? '' : ` (it is a ${node.type})`}`,
    'Give the ISO as it was published.',
  );
}

async function withVolume<Result>(isoPath: string, use: (volume: IsoVolume) => Promise<Result>): Promise<Result> {
  const volume = await IsoVolume.open(isoPath);
  try {
    return await use(volume);
  } finally {
    await volume.close();
  }
}

function toEntry({ path, type, sizeBytes, linkTarget }: IsoNode): MediumEntry {
  return { path, type, sizeBytes, ...(linkTarget === undefined ? {} : { linkTarget }) };
}
