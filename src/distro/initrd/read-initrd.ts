/** Lists what is in an initrd: archives one after the other, the last of which may be compressed. */
import { createReadStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toIso2RootfsError } from '../../errors.js';
import type { Toolbox } from '../../tools/toolbox.js';
import { NewcScanner, type NewcMember } from '../../tree/newc-scanner.js';

export interface InitrdListing {
  /** Paths without leading `./` or `/`, bytes as latin1. */
  readonly names: readonly string[];
  /** Of the small files that {@link CONTENT_WANTED} names, bytes as latin1. */
  readonly contents: ReadonlyMap<string, string>;
  /** How the main archive is compressed; `none` where it is not. */
  readonly compression: string;
  /** Why the listing is not complete; undefined when it is. */
  readonly problem?: string;
}

/** What starts like this is read by that program, writing to stdout. */
const DECOMPRESSORS: readonly (readonly [magic: string, name: string, command: readonly [string, ...string[]]])[] = [
  ['1f8b', 'gzip', ['gzip', '-dc']],
  ['fd377a585a00', 'xz', ['xz', '-dc']],
  ['28b52ffd', 'zstd', ['zstd', '-dc']],
  ['02214c18', 'lz4', ['lz4', '-dc']],
  ['04224d18', 'lz4', ['lz4', '-dc']],
  ['425a68', 'bzip2', ['bzip2', '-dc']],
  ['5d0000', 'lzma', ['xz', '--format=lzma', '-dc']],
  ['894c5a4f', 'lzo', ['lzop', '-dc']],
];

const CONTENT_WANTED =
  /^(?:(?:usr\/)?lib\/modules\/[^/]+\/modules\.builtin|conf\/(?:initramfs\.conf|conf\.d\/[^/]+)|(?:usr\/)?lib\/dracut\/(?:modules\.txt|build-parameter\.txt))$/;
const MAX_CONTENT_BYTES = 1024 * 1024;
/** Bounds for what an initrd can make us hold or read: real ones have thousands of names, and are below 2 GiB. */
const MAX_NAMES = 500_000;
const MAX_CONTENTS = 200;
const MAX_UNPACKED_BYTES = 8 * 1024 ** 3;

class Lister {
  readonly names: string[] = [];
  readonly contents = new Map<string, string>();

  createScanner(): NewcScanner {
    return new NewcScanner({
      wants: (member) => this.#wants(member),
      onMember: ({ name }, content) => {
        if (this.names.length >= MAX_NAMES) throw new Error(`it has more than ${MAX_NAMES} names`);
        const path = clean(name);
        this.names.push(path);
        if (content !== undefined) this.contents.set(path, content.toString('latin1'));
      },
    });
  }

  #wants({ name, mode, sizeBytes }: NewcMember): boolean {
    const isFile = (mode & 0o170000) === 0o100000;
    return (
      isFile && sizeBytes <= MAX_CONTENT_BYTES && this.contents.size < MAX_CONTENTS && CONTENT_WANTED.test(clean(name))
    );
  }
}

function clean(name: string): string {
  return name.replace(/^(?:\.?\/)+/, '');
}

/**
 * Reads an initrd once, without unpacking it anywhere. What cannot be read is a {@link InitrdListing.problem}, not an error: it says
 * something of an image, and stops nothing.
 */
export async function readInitrd(tools: Toolbox, path: string): Promise<InitrdListing> {
  const lister = new Lister();
  let compression = 'none';
  const end = (problem?: string): InitrdListing => ({
    names: lister.names,
    contents: lister.contents,
    compression,
    ...(problem === undefined ? {} : { problem }),
  });
  try {
    const outer = lister.createScanner();
    await scan(createReadStream(path), outer);
    if (outer.foreignOffsetBytes === undefined) {
      return end(outer.isBetweenArchives ? undefined : 'it ends in the middle of an archive');
    }
    const magic = outer.foreignMagic.toString('hex');
    const decompressor = DECOMPRESSORS.find(([start]) => magic.startsWith(start));
    if (decompressor === undefined) {
      return end(`what stands at byte ${outer.foreignOffsetBytes} is neither an archive nor compressed in a known way`);
    }
    compression = decompressor[1];
    const [program, ...args] = decompressor[2];
    const inner = lister.createScanner();
    const problem = await scanDecompressed(tools, [program, args], path, outer.foreignOffsetBytes, inner);
    // What follows the end of an archive may be anything: the kernel has all that matters by then.
    if (inner.isBetweenArchives && lister.names.length > 0) return end();
    return end(problem ?? 'it ends in the middle of an archive');
  } catch (error) {
    if (tools.signal?.aborted === true) throw error;
    return end(toIso2RootfsError(error).message);
  }
}

async function scan(chunks: Readable, scanner: NewcScanner): Promise<void> {
  let bytes = 0;
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_UNPACKED_BYTES) throw new Error(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
    scanner.push(chunk);
    if (scanner.foreignOffsetBytes !== undefined) break;
  }
}

/** @returns what the decompressor complained of */
async function scanDecompressed(
  tools: Toolbox,
  [program, args]: readonly [string, readonly string[]],
  path: string,
  offsetBytes: number,
  scanner: NewcScanner,
): Promise<string | undefined> {
  const running = await tools.start(program, args, {
    stdin: 'pipe',
    stdout: 'stream',
    reason: 'look into the initrd',
  });
  const done = running.done.then(
    () => undefined,
    (error: unknown) => toIso2RootfsError(error).message,
  );
  // It closes its input early when it has an error, or when we stop reading.
  const feeding = pipeline(createReadStream(path, { start: offsetBytes }), running.stdin as Writable).catch(
    () => undefined,
  );
  try {
    await scan(running.stdout as Readable, scanner);
    // Nothing is read on where something else follows: the program would wait for us for ever.
    if (scanner.foreignOffsetBytes !== undefined) await running.stop();
    return await done;
  } finally {
    await running.stop();
    await feeding;
  }
}
