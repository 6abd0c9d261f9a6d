/** From the events of one archive to all outputs: rewriting, order, statistics. */
import type { Writable } from 'node:stream';
import { Iso2RootfsError } from '../errors.js';
import { writeWhole, type TreeEntry, type TreeFile, type TreeWriter } from './entry.js';
import type { HardLinkCensus } from './hard-link-census.js';
import { NewcWriter, type NewcSummary } from './newc-writer.js';
import { SinkFeed } from './sink-feed.js';
import type { TarEvent } from './tar-reader.js';
import { TarWriter, type TarDialect } from './tar-writer.js';
import { parentKey, pathKey, printablePath } from './tree-path.js';
import { TreeStatistics, type TreeSummary } from './tree-statistics.js';

/** The most of a file that is held in memory in order to change it. */
const MAX_REWRITTEN_BYTES = 1024 * 1024;

/**
 * What becomes of an entry: another entry (or the same) in its place, its content as it is; nothing (undefined); other whole
 * entries; or, for a file of at most 1 MiB, whole entries that are made of its content.
 */
export type Rewritten =
  TreeEntry | undefined | readonly TreeFile[] | { readonly withContent: (content: Buffer) => readonly TreeFile[] };

export interface NewcOutput {
  readonly sink: Writable;
  /** Which entries it takes, after rewriting. Default: all. A directory of what it takes must be taken too. */
  readonly accepts?: (entry: TreeEntry) => boolean;
  /** Entries that only this archive has, after all others; asked for when all others are known. */
  readonly append?: () => readonly TreeFile[];
}

export interface TreeOutputs {
  readonly tar?: Writable;
  /** Default: `canonical`. */
  readonly tarDialect?: TarDialect;
  readonly newc?: readonly NewcOutput[];
}

export interface StreamTreeOptions {
  /** Needed for newc; without it, no file may have two names there. */
  readonly census?: HardLinkCensus;
  readonly rewrite?: (entry: TreeEntry) => Rewritten;
  /** Sees every entry that is written, in order. */
  readonly onEntry?: (entry: TreeEntry) => void;
  /** Files that {@link TreeSummary.rememberedFiles} shall have, with where they stand in the archive; by path, bytes as latin1. */
  readonly remembers?: ((path: string) => boolean) | undefined;
  /** Entries for all outputs, after all others. */
  readonly append?: () => readonly TreeFile[];
  /**
   * The most that all files together may hold. Default: no limit. The sizes in a file system are not what it occupies: one sparse file
   * can have exabytes, and this names it before they are written.
   */
  readonly maxContentBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface StreamedTree extends TreeSummary {
  /** Length of the tar archive that was written; 0 without one. */
  readonly tarBytes: number;
  /** One for each newc output. */
  readonly newc: readonly NewcSummary[];
}

/** A newc archive in the making. */
interface NewcTrack {
  readonly output: NewcOutput;
  readonly writer: NewcWriter;
  /** Whether it takes the file whose content is passing. */
  isTaking: boolean;
}

export class TreeStream implements TreeWriter {
  readonly #feeds: SinkFeed[] = [];
  readonly #tar: TarWriter | undefined;
  readonly #newc: readonly NewcTrack[];
  readonly #statistics: TreeStatistics;
  readonly #directories = new Set(['']);
  readonly #dropped = new Set<string>();
  /** What the content that is passing goes through: the outputs, nowhere, or a buffer. */
  #mode: 'pass' | 'drop' | 'hold' = 'pass';
  #held: Buffer[] = [];
  #contentBytes = 0;
  #finishHeld: (content: Buffer) => void = () => undefined;

  constructor(
    outputs: TreeOutputs,
    private readonly options: StreamTreeOptions,
    onFailure: (error: Error) => void,
  ) {
    const census: HardLinkCensus = options.census ?? new Map();
    const feed = (sink: Writable): ((chunk: Buffer) => void) => {
      const sinkFeed = new SinkFeed(sink, onFailure);
      this.#feeds.push(sinkFeed);
      return (chunk) => sinkFeed.write(chunk);
    };
    this.#tar = outputs.tar === undefined ? undefined : new TarWriter(feed(outputs.tar), outputs.tarDialect);
    this.#newc = (outputs.newc ?? []).map((output) => ({
      output,
      writer: new NewcWriter(feed(output.sink), census),
      isTaking: false,
    }));
    this.#statistics = new TreeStatistics(census, options.remembers);
  }

  get isFull(): boolean {
    return this.#feeds.some((feed) => feed.isFull);
  }

  async ready(): Promise<void> {
    await Promise.all(this.#feeds.map((feed) => feed.ready()));
  }

  abort(error: Error): void {
    for (const feed of this.#feeds) feed.abort(error);
  }

  take(event: TarEvent): void {
    switch (event.kind) {
      case 'entry':
        this.#takeEntry(event.entry);
        break;
      case 'data':
        if (this.#mode === 'pass') this.writeContent(event.chunk);
        else if (this.#mode === 'hold') this.#held.push(event.chunk);
        break;
      case 'end':
        if (this.#mode === 'pass') this.endContent();
        else if (this.#mode === 'hold') this.#writeHeld();
        break;
    }
  }

  async finish(): Promise<StreamedTree> {
    for (const file of this.options.append?.() ?? []) writeWhole(this, file);
    for (const { output, writer } of this.#newc) {
      for (const file of output.append?.() ?? []) writeWhole(writer, file);
    }
    this.#tar?.finish();
    const newc = this.#newc.map(({ writer }) => writer.finish());
    await Promise.all(this.#feeds.map((feed) => feed.end()));
    return { ...this.#statistics.summary(), tarBytes: this.#tar?.offsetBytes ?? 0, newc };
  }

  #takeEntry(entry: TreeEntry): void {
    this.#checkOrder(entry);
    const rewritten = this.options.rewrite === undefined ? entry : this.options.rewrite(entry);
    this.#mode = 'drop';
    if (rewritten === undefined) this.#dropped.add(pathKey(entry.path));
    else if ('path' in rewritten) this.#pass(entry, rewritten);
    else if ('withContent' in rewritten) this.#hold(entry, rewritten.withContent);
    else this.#writeInstead(entry, rewritten);
  }

  /** An entry below something that is no directory would be written wherever a symlink points to. */
  #checkOrder(entry: TreeEntry): void {
    const key = pathKey(entry.path);
    if (!this.#directories.has(parentKey(key))) {
      throw hostileOrder(`${printablePath(entry.path)} stands in what is not a directory of the archive`);
    }
    if (entry.type === 'directory') this.#directories.add(key);
    else if (this.#directories.has(key))
      throw hostileOrder(`${printablePath(entry.path)} takes the place of a directory`);
  }

  #pass(original: TreeEntry, entry: TreeEntry): void {
    if (entry.type === 'file' && (original.type !== 'file' || original.sizeBytes !== entry.sizeBytes)) {
      throw new Iso2RootfsError('INTERNAL', `${printablePath(entry.path)} was given a size that its content has not`);
    }
    this.#mode = original.type === 'file' && entry.type !== 'file' ? 'drop' : 'pass';
    this.writeEntry(entry);
  }

  #hold(entry: TreeEntry, rewrite: (content: Buffer) => readonly TreeFile[]): void {
    const path = printablePath(entry.path);
    if (entry.type !== 'file') {
      throw new Iso2RootfsError('INTERNAL', `the content of ${path} cannot be rewritten: it is a ${entry.type}`);
    }
    if (entry.sizeBytes > MAX_REWRITTEN_BYTES) {
      throw new Iso2RootfsError(
        'TREE_NOT_REPRESENTABLE',
        `${path} has to be changed, but has ${entry.sizeBytes} bytes`,
        {
          hint: `A file of its kind has less than ${MAX_REWRITTEN_BYTES} bytes: look at what is in it.`,
          data: { path },
        },
      );
    }
    this.#mode = 'hold';
    this.#finishHeld = (content) => this.#writeInstead(entry, rewrite(content));
  }

  #writeHeld(): void {
    const content = Buffer.concat(this.#held);
    this.#held = [];
    this.#finishHeld(content);
  }

  #writeInstead(original: TreeEntry, files: readonly TreeFile[]): void {
    if (!files.some(({ entry }) => entry.path.equals(original.path))) this.#dropped.add(pathKey(original.path));
    for (const file of files) writeWhole(this, file);
  }

  writeEntry(entry: TreeEntry): void {
    if (entry.type === 'hardlink' && this.#dropped.has(pathKey(entry.linkTarget))) {
      const [path, target] = [printablePath(entry.path), printablePath(entry.linkTarget)];
      throw new Iso2RootfsError('TREE_NOT_REPRESENTABLE', `${path} is a hard link to ${target}, which is left out`, {
        hint: 'Leave out both names or neither.',
        data: { path, target },
      });
    }
    this.#checkSize(entry);
    this.options.onEntry?.(entry);
    this.#tar?.writeEntry(entry);
    for (const track of this.#newc) {
      track.isTaking = track.output.accepts?.(entry) ?? true;
      if (track.isTaking) track.writer.writeEntry(entry);
    }
    this.#statistics.addEntry(entry, this.#tar?.offsetBytes);
  }

  #checkSize(entry: TreeEntry): void {
    this.#contentBytes += entry.sizeBytes;
    const maxBytes = this.options.maxContentBytes ?? Infinity;
    if (this.#contentBytes <= maxBytes) return;
    const path = printablePath(entry.path);
    throw new Iso2RootfsError(
      'TREE_NOT_REPRESENTABLE',
      `${path} has ${entry.sizeBytes} bytes: with it the files have ${this.#contentBytes}, more than the ${maxBytes} that they may have`,
      { hint: 'If the file is mostly holes, remove or truncate it; else give more room.', data: { path } },
    );
  }

  writeContent(chunk: Buffer): void {
    this.#tar?.writeContent(chunk);
    for (const { writer, isTaking } of this.#newc) if (isTaking) writer.writeContent(chunk);
    this.#statistics.addContent(chunk);
  }

  endContent(): void {
    this.#tar?.endContent();
    for (const { writer, isTaking } of this.#newc) if (isTaking) writer.endContent();
    this.#statistics.endContent();
  }
}

function hostileOrder(what: string): Iso2RootfsError {
  return new Iso2RootfsError('INTEGRITY', `the archive is damaged or hostile: ${what}`, {
    hint: "The guest's file system is damaged or hostile: do not use it.",
  });
}
