import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { PassThrough, Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { collectOverlayInitramfs, isAskedFor } from '../../initramfs/overlay-initramfs.js';
import { TarTree } from '../../initramfs/tar-tree.js';
import { startCompressing, type CompressorChoice } from '../../tools/compress.js';
import { createEntry, writeWhole, type TreeFile } from '../../tree/entry.js';
import { leastMemoryMiB } from '../../tree/least-memory.js';
import { NewcWriter, type NewcSummary } from '../../tree/newc-writer.js';
import { firstFailure, tellingError } from '../write-trees.js';
import { writeHashed, type MadeFile, type MakingContext } from './making.js';
import { makeSquashfs } from './squashfs.js';

/**
 * rootfs.tar -> two archives, one after the other, which the kernel unpacks together: a small system that mounts the image, compressed;
 * and the image, which is compressed already.
 */
export async function makeCgzSquashfs(
  making: MakingContext,
  compression: CompressorChoice,
  path: string,
): Promise<MadeFile> {
  const { tarPath, manifest, context } = making;
  const { signal, tools } = context;
  const tree = await TarTree.open(tarPath, isAskedFor, signal);
  let files: TreeFile[];
  try {
    files = await collectOverlayInitramfs(tree, manifest.kernel.version);
  } finally {
    await tree.close();
  }
  const imagePath = `${path}.image`;
  const image = await makeSquashfs(making, compression, imagePath);
  const compressor = await startCompressing(tools, { compressor: 'gzip', level: 6 });
  try {
    const small = new PassThrough();
    const summary = writeArchive(small, files);
    const imageEntry = createEntry({
      path: Buffer.from('rootfs.squashfs'),
      type: 'file',
      mode: 0o400,
      sizeBytes: image.sizeBytes,
    });
    const [file] = await firstFailure([
      writeHashed(Readable.from(both(compressor.stdout as Readable, imagePath, imageEntry)), path, signal),
      pipeline(small, compressor.stdin as Writable, { signal }),
      compressor.done,
    ] as const);
    const unpackedBytes = summary.unpackedBytes + Math.ceil(image.sizeBytes / 4096) * 4096;
    const inodeCount = summary.inodeCount + 1;
    return {
      ...file,
      initramfs: {
        unpackedBytes,
        inodeCount,
        largestFileBytes: Math.max(summary.largestFileBytes, image.sizeBytes),
        lostMetadata: image.lostMetadata.map((lost) => ({ ...lost, xattrs: [...lost.xattrs] })),
        lostLabelCount: 0,
        leastMemoryMiB: leastMemoryMiB([{ compressedBytes: file.sizeBytes, unpackedBytes, inodeCount }]),
      },
    };
  } catch (error) {
    throw await tellingError([compressor], error);
  } finally {
    await rm(imagePath, { force: true });
  }
}

function writeArchive(sink: Writable, files: readonly TreeFile[]): NewcSummary {
  const writer = new NewcWriter((chunk) => sink.write(chunk), new Map());
  for (const file of files) writeWhole(writer, file);
  const summary = writer.finish();
  sink.end();
  return summary;
}

/** Archives begin at multiples of four bytes; the kernel skips zeros between them. */
const ALIGNMENT_BYTES = 512;

async function* both(
  compressed: AsyncIterable<Buffer>,
  imagePath: string,
  imageEntry: ReturnType<typeof createEntry>,
): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0;
  for await (const chunk of compressed) {
    bytes += chunk.length;
    yield chunk;
  }
  yield Buffer.alloc((ALIGNMENT_BYTES - (bytes % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES);
  let ready: Buffer[] = [];
  const writer = new NewcWriter((chunk) => ready.push(chunk), new Map());
  const take = (): Buffer[] => {
    const taken = ready;
    ready = [];
    return taken;
  };
  writer.writeEntry(imageEntry);
  for await (const chunk of createReadStream(imagePath, { highWaterMark: 1024 * 1024 })) {
    writer.writeContent(chunk as Buffer);
    yield* take();
  }
  writer.endContent();
  writer.finish();
  yield* take();
}
