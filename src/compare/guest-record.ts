/**
 * The record that the system itself makes of its files when its disk is read: what find(1), stat(1) and getfattr(1) say there, which
 * goes another way than the tar stream that all outputs are made of. Content is not in it.
 *
 * Format 1, gzip-compressed, written by tools/guest-record-script.ts; every record ends with a NUL:
 *
 *     iso2rootfs guest record 1
 *     X                                  or, where there is no getfattr, N
 *     <output of getfattr -R -P -d -h -m - -e hex: paths and attributes>
 *     D <major> <minor> <path>           both hexadecimal; of each device node
 *     E <type> <mode> <uid> <gid> <size> <mtime> <names> <device>:<inode> <path>, then a record with the target of a symlink, else empty
 *     Z                                  it is complete
 */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { Iso2RootfsError } from '../errors.js';
import { Column, Numbering, PackedPaths } from './columns.js';
import { GUEST_RECORD_HEADER } from '../tools/guest-record-script.js';
import {
  AttributePool,
  NO_ATTRIBUTES,
  joinGroup,
  type Attributes,
  type ItemType,
  type LinkGroup,
  type TreeItem,
} from '../tree/tree-item.js';

export const GUEST_RECORD_FILE = 'guest-record.gz';
const TYPES: Readonly<Record<string, ItemType>> = {
  f: 'file',
  d: 'directory',
  l: 'symlink',
  c: 'character-device',
  b: 'block-device',
  p: 'fifo',
  s: 'socket',
};
const ENTRY = /^E (\w) ([0-7]{1,4}) (\d+) (\d+) (\d+) (-?\d+)(?:\.(\d+))? (\d+) (\d+:\d+) (.*)$/s;
const DEVICE = /^D ([0-9a-f]+) ([0-9a-f]+) (?:\.\/)?(.*)$/s;
/** A path, a target or the attributes of a whole system; more is not from find. */
const MAX_RECORD_BYTES = 512 * 1024 * 1024;

export interface GuestRecordFacts {
  /** False: there was no getfattr where the record was made. */
  readonly hasAttributes: boolean;
}

/** Numbered paths that are held anyhow, most of which the record has as well: it need not hold them once more. */
export type KnownPaths = Pick<PackedPaths, 'size' | 'find'>;

const FILE_LINE = '# file: ';
const MAX_REMEMBERED = 10_000;

/**
 * Reads a record.
 * @throws Iso2RootfsError INTEGRITY when it is none, or not complete
 */
export async function readGuestRecord(
  file: string,
  onItem: (item: TreeItem, facts: GuestRecordFacts) => void,
  {
    signal,
    known = new PackedPaths(),
  }: { readonly signal?: AbortSignal | undefined; readonly known?: KnownPaths } = {},
): Promise<GuestRecordFacts> {
  const parser = new RecordParser(onItem, known);
  const source = createReadStream(file);
  const records = createGunzip();
  source.on('error', (error) => records.destroy(error));
  source.pipe(records);
  try {
    for await (const chunk of records as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      parser.push(chunk);
    }
  } catch (error) {
    const isNoGzip = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
    throw isNoGzip ? damaged(error.message) : error;
  } finally {
    source.destroy();
  }
  return parser.finish();
}

class RecordParser {
  readonly #pool = new AttributePool();
  /** Of the paths that have attributes: the number of these, by the number of the path. */
  readonly #others = new PackedPaths();
  readonly #numbers = Column.ofUnsigned();
  readonly #attributes = new Numbering<Attributes>();
  /** The same by the lines of getfattr: most files have those of another. */
  readonly #byLines = new Map<string, Attributes>();
  readonly #devices = new Map<string, string>();
  readonly #groups = new Map<string, LinkGroup>();
  /** The attributes are one record, and are read line by line. */
  #mode: 'header' | 'attributes' | 'records' | 'target' | 'done' = 'header';
  #rest: Buffer = Buffer.alloc(0);
  /** Whose target comes next. */
  #entry: (Omit<TreeItem, 'linkTarget'> & { linkTarget: string }) | undefined;
  readonly #facts = { hasAttributes: false };
  #attributePath = '';
  #lines = '';

  constructor(
    private readonly onItem: (item: TreeItem, facts: GuestRecordFacts) => void,
    private readonly known: KnownPaths,
  ) {}

  push(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const end = this.#mode === 'attributes' ? endOfLine(data, at) : data.indexOf(0, at);
      if (end < 0) break;
      const text = data.toString('latin1', at, end);
      if (this.#mode === 'attributes') this.#takeLine(text, data[end] === 0);
      else this.#takeRecord(text);
      at = end + 1;
    }
    this.#rest = Buffer.from(data.subarray(at));
    if (this.#rest.length > MAX_RECORD_BYTES) throw damaged('a record has no end');
  }

  finish(): GuestRecordFacts {
    if (this.#mode !== 'done') throw damaged('it is not complete');
    return this.#facts;
  }

  #takeLine(line: string, isLast: boolean): void {
    if (line.startsWith(FILE_LINE)) this.#attributePath = clean(unescape(line.slice(FILE_LINE.length)));
    else if (line !== '') this.#lines += `${line}\n`;
    if ((line === '' || isLast) && this.#lines !== '') {
      const number = this.#attributes.numberOf(this.#parseLines());
      const path = this.known.find(this.#attributePath) ?? this.known.size + this.#others.add(this.#attributePath);
      // 0: it has none.
      this.#numbers.set(path, number + 1);
      this.#lines = '';
    }
    if (isLast) this.#mode = 'records';
  }

  #parseLines(): Attributes {
    const known = this.#byLines.get(this.#lines);
    if (known !== undefined) return known;
    const values = new Map<string, Buffer>();
    for (const line of this.#lines.split('\n')) {
      const [, name, value] = /^([^=]+)(?:=0x([0-9a-fA-F]*))?$/.exec(line) ?? [];
      if (name !== undefined) values.set(unescape(name), Buffer.from(value ?? '', 'hex'));
    }
    const attributes = this.#pool.of(values);
    if (this.#byLines.size >= MAX_REMEMBERED) this.#byLines.clear();
    this.#byLines.set(this.#lines, attributes);
    return attributes;
  }

  #takeRecord(record: string): void {
    if (this.#mode === 'done') throw damaged('there is something after its end');
    if (this.#mode === 'header') {
      if (record === GUEST_RECORD_HEADER) this.#mode = 'records';
      else throw damaged('it is of a format that is not known');
      return;
    }
    if (this.#mode === 'target') {
      this.#mode = 'records';
      if (this.#entry === undefined) throw damaged('a target is of no entry');
      if (this.#entry.type === 'symlink') this.#entry.linkTarget = record;
      this.onItem(this.#entry, this.#facts);
      return;
    }
    if (record === 'X') {
      this.#mode = 'attributes';
      this.#facts.hasAttributes = true;
    } else if (record === 'Z') this.#mode = 'done';
    else if (record.startsWith('D ')) this.#takeDevice(record);
    else if (record !== 'N') this.#takeEntry(record);
  }

  #takeDevice(record: string): void {
    const [, major = '', minor = '', path = ''] = DEVICE.exec(record) ?? [];
    this.#devices.set(path, `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}`);
  }

  #takeEntry(record: string): void {
    const [, letter = '', mode, uid, gid, size, seconds, fraction = '', names, inode = '', path = ''] =
      ENTRY.exec(record) ?? [];
    const type = TYPES[letter];
    if (type === undefined) throw damaged(`it has a line that cannot be: ${JSON.stringify(record.slice(0, 200))}`);
    let links: LinkGroup | undefined;
    if (type !== 'directory' && Number(names) > 1) {
      links = joinGroup(this.#groups.get(inode), path);
      this.#groups.set(inode, links);
    }
    this.#entry = {
      path,
      type,
      mode: Number.parseInt(mode ?? '0', 8),
      uid: Number(uid),
      gid: Number(gid),
      sizeBytes: type === 'file' ? Number(size) : 0,
      // Before 1970 as well, find adds the fraction to the seconds: one and a half seconds before is -2.5.
      mtimeSeconds: Number(seconds),
      mtimeNanoseconds: Number(fraction.slice(0, 9).padEnd(9, '0')),
      sha256: undefined,
      linkTarget: '',
      device: this.#devices.get(path) ?? '',
      attributes: this.#attributesOf(path),
      links,
    };
    this.#mode = 'target';
  }

  #attributesOf(path: string): Attributes {
    const other = (): number | undefined => {
      const number = this.#others.find(path);
      return number === undefined ? undefined : this.known.size + number;
    };
    const place = this.known.find(path) ?? other();
    return (place === undefined ? undefined : this.#attributes.get(this.#numbers.get(place) - 1)) ?? NO_ATTRIBUTES;
  }
}

function endOfLine(data: Buffer, from: number): number {
  const line = data.indexOf(0x0a, from);
  // Only up to there: looking for the end of all in every line would take long.
  const nul = data.subarray(0, line < 0 ? undefined : line).indexOf(0, from);
  return nul < 0 ? line : nul;
}

/** getfattr(1) writes a backslash, a line feed and a carriage return in a name as three octal digits. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function clean(path: string): string {
  return path.replace(/^\.(?:\/|$)/, '');
}

function damaged(what: string): Iso2RootfsError {
  return new Iso2RootfsError('INTEGRITY', `${GUEST_RECORD_FILE} cannot be read: ${what}`);
}
