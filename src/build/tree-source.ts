import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { Iso2RootfsError } from '../errors.js';
import { archiveMountedDisk } from '../tools/disk/mount-disk.js';
import { archiveDisk } from '../tools/guestfish.js';
import type { Engine } from '../tools/requirements.js';
import type { RunningProgram } from '../tools/run.js';
import type { Toolbox } from '../tools/toolbox.js';
import { ARCHIVE_LISTS } from '../tools/archive-tree.js';
import type { TreeEntry } from '../tree/entry.js';
import { parseHardLinkCensus, type HardLinkCensus } from '../tree/hard-link-census.js';
import { parsePaxTime, type PaxTime } from '../tree/pax-records.js';
import { formatAcl } from '../tree/posix-acl.js';
import { parseSpecialInodes, SpecialLinks } from '../tree/special-links.js';
import { latestTimes, parseNames } from './latest-times.js';

/** A root file system as a tar stream, with what has to be known before its first entry. */
export interface TreeSource {
  readonly stream: Readable;
  readonly census: HardLinkCensus;
  /** When the installation ended; undefined where nothing tells it. */
  readonly endedAt: PaxTime | undefined;
  /** What the file system itself says of its names: see compare/guest-record.ts. */
  readonly record: Buffer;
  /** An entry as it is in the installed system, whoever read it: hard links of fifos and devices, times no later than the end of the installation. */
  readonly adjust: (entry: TreeEntry) => TreeEntry;
  /** What gives the stream; it has to be stopped when nobody reads on. */
  readonly programs: readonly RunningProgram[];
  /** To be called when all has been read, or nothing more will be. */
  readonly close: () => Promise<void>;
}

const LENGTH_BYTES = 21;
/** Of all lists together: some ten million names. */
const MOST_LIST_BYTES = 2 ** 30;

/**
 * Starts reading the root file system of a disk, through the libguestfs appliance or by the host's own kernel.
 * @param directory for files of the appliance's, which are removed by `close`
 */
export async function openDisk(
  tools: Toolbox,
  diskPath: string,
  directory: string,
  engine: Engine = 'guestfs',
): Promise<TreeSource> {
  const exchange = await mkdtemp(path.join(directory, 'exchange-'));
  const archive =
    engine === 'mount'
      ? await archiveMountedDisk(tools, diskPath, exchange)
      : {
          ...(await archiveDisk(tools, diskPath, exchange)),
          close: () => Promise.resolve(),
        };
  const { stream, program } = archive;
  const close = async (): Promise<void> => {
    await program.stop();
    await archive.close();
    await rm(exchange, { recursive: true, force: true });
  };
  try {
    return await readTreeSource(stream, [program], close);
  } catch (error) {
    // An early end has its reason in the program.
    const isOver = error instanceof Iso2RootfsError && error.code === 'INTEGRITY';
    const reason: unknown = isOver
      ? await program.done.then(
          () => undefined,
          (failure: unknown) => failure,
        )
      : undefined;
    await close();
    throw reason ?? error;
  }
}

/**
 * Reads the lists in front of an archive (see tools/archive-tree.ts).
 * @throws Iso2RootfsError INTEGRITY when the stream ends within them
 */
export async function readTreeSource(
  stream: AsyncIterable<Buffer>,
  programs: readonly RunningProgram[],
  close: () => Promise<void>,
): Promise<TreeSource> {
  const reader = new PrefixReader(stream);
  const lists: Record<string, Buffer> = {};
  for (const name of ARCHIVE_LISTS) {
    const length = (await reader.take(LENGTH_BYTES)).toString('latin1');
    if (!/^\d{20}\n$/.test(length) || Number(length) > MOST_LIST_BYTES) {
      throw new Iso2RootfsError('INTERNAL', 'the lists in front of the archive cannot be read');
    }
    lists[name] = await reader.take(Number(length));
  }
  const of = (name: (typeof ARCHIVE_LISTS)[number]): Buffer => lists[name] ?? Buffer.alloc(0);
  const census = parseHardLinkCensus(of('census'));
  const specials = new SpecialLinks(parseSpecialInodes(of('specials')));
  const end = of('end');
  const endedAt = end.length === 0 ? undefined : parsePaxTime(end);
  const clamp = latestTimes(endedAt, parseNames(of('names')));
  return {
    stream: Readable.from(reader.rest(), {
      objectMode: false,
      highWaterMark: 1024 * 1024,
    }),
    census,
    endedAt,
    record: of('record'),
    adjust: (entry) => clamp(withNumericAcls(specials.relink(entry))),
    programs,
    close,
  };
}

/** GNU tar writes an ACL with the names that the reading machine has for its numbers. They are those of another system. */
function withNumericAcls(entry: TreeEntry): TreeEntry {
  const [access, inherited] = [
    entry.xattrs.get('system.posix_acl_access'),
    entry.xattrs.get('system.posix_acl_default'),
  ];
  if (access === undefined && inherited === undefined) return entry;
  return {
    ...entry,
    accessAcl: (access === undefined ? undefined : formatAcl(access)) ?? entry.accessAcl,
    defaultAcl: (inherited === undefined ? undefined : formatAcl(inherited)) ?? entry.defaultAcl,
  };
}

/** Takes a number of bytes off the front of a stream. */
class PrefixReader {
  readonly #iterator: AsyncIterator<Buffer>;
  #left: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  async take(bytes: number): Promise<Buffer> {
    const pieces = [this.#left];
    let have = this.#left.length;
    while (have < bytes) {
      const next = await this.#iterator.next();
      if (next.done === true) {
        throw new Iso2RootfsError(
          'INTEGRITY',
          'the installed system could not be read: the stream of its files has ended early',
        );
      }
      pieces.push(next.value);
      have += next.value.length;
    }
    const all = pieces.length === 1 ? this.#left : Buffer.concat(pieces);
    this.#left = all.subarray(bytes);
    return all.subarray(0, bytes);
  }

  async *rest(): AsyncGenerator<Buffer, void, undefined> {
    try {
      if (this.#left.length > 0) yield this.#left;
      for (;;) {
        const next = await this.#iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await this.#iterator.return?.();
    }
  }
}
