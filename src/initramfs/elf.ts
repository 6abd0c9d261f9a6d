/** What of an ELF file decides about the other files that it needs to run (System V ABI, chapters 4 and 5). */
import { Iso2RootfsError } from '../errors.js';

export interface ElfFacts {
  /** The program that loads it, as an absolute path; undefined for a library and for a program that is linked statically. */
  readonly interpreter: string | undefined;
  /** Names of libraries. */
  readonly needed: readonly string[];
  /** Directories to look for them first, as they stand there (`$ORIGIN` unresolved). */
  readonly searchPath: readonly string[];
}

/** Reads a part of the file; fewer bytes where it ends. */
export type ReadPart = (offsetBytes: number, lengthBytes: number) => Promise<Buffer>;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly sizeBytes: number;
}

const [PT_LOAD, PT_DYNAMIC, PT_INTERP] = [1, 2, 3];
const [DT_NULL, DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_RPATH, DT_RUNPATH] = [0, 1, 5, 10, 15, 29];
const HEADER_BYTES = 64;
const MAX_SEGMENTS = 1024;
const MAX_DYNAMIC_BYTES = 1024 * 1024;
const MAX_STRINGS_BYTES = 64 * 1024 * 1024;
const MAX_PATH_BYTES = 4096;

/**
 * @returns undefined for a file that is no ELF file
 * @throws Iso2RootfsError INTEGRITY for one that is damaged
 */
export async function readElf(read: ReadPart): Promise<ElfFacts | undefined> {
  const header = await read(0, HEADER_BYTES);
  if (header.length < 52 || header.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  const fields = new ElfFields(header[4] === 2, header[5] === 1);
  const segments = await readSegments(read, header, fields);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  return {
    interpreter: interpreter === undefined ? undefined : await readInterpreter(read, interpreter),
    ...(dynamic === undefined ? { needed: [], searchPath: [] } : await readDynamic(read, dynamic, segments, fields)),
  };
}

/** Numbers of one class and byte order. */
class ElfFields {
  constructor(
    readonly is64: boolean,
    readonly isLittle: boolean,
  ) {}

  get wordBytes(): number {
    return this.is64 ? 8 : 4;
  }

  half(bytes: Buffer, offset: number): number {
    return this.isLittle ? bytes.readUInt16LE(offset) : bytes.readUInt16BE(offset);
  }

  int(bytes: Buffer, offset: number): number {
    return this.isLittle ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
  }

  /** An address, offset or size. */
  word(bytes: Buffer, offset: number): number {
    if (!this.is64) return this.int(bytes, offset);
    const value = this.isLittle ? bytes.readBigUInt64LE(offset) : bytes.readBigUInt64BE(offset);
    return Number(value);
  }
}

async function readSegments(read: ReadPart, header: Buffer, fields: ElfFields): Promise<Segment[]> {
  const { is64 } = fields;
  if (header.length < HEADER_BYTES && is64) throw damaged('its header is not whole');
  const tableOffset = fields.word(header, is64 ? 32 : 28);
  const entryBytes = fields.half(header, is64 ? 54 : 42);
  const count = fields.half(header, is64 ? 56 : 44);
  if (count > MAX_SEGMENTS || entryBytes < (is64 ? 56 : 32)) throw damaged('its program headers cannot be read');
  const table = await readWhole(read, tableOffset, count * entryBytes);
  return Array.from({ length: count }, (_, index) => {
    const entry = table.subarray(index * entryBytes, (index + 1) * entryBytes);
    return {
      type: fields.int(entry, 0),
      offset: fields.word(entry, is64 ? 8 : 4),
      address: fields.word(entry, is64 ? 16 : 8),
      sizeBytes: fields.word(entry, is64 ? 32 : 16),
    };
  });
}

async function readInterpreter(read: ReadPart, { offset, sizeBytes }: Segment): Promise<string> {
  if (sizeBytes > MAX_PATH_BYTES) throw damaged("its interpreter's path is too long");
  return textAt(await readWhole(read, offset, sizeBytes), 0);
}

async function readDynamic(
  read: ReadPart,
  { offset, sizeBytes }: Segment,
  segments: readonly Segment[],
  fields: ElfFields,
): Promise<Pick<ElfFacts, 'needed' | 'searchPath'>> {
  if (sizeBytes > MAX_DYNAMIC_BYTES) throw damaged('its dynamic section is too large');
  const section = await readWhole(read, offset, sizeBytes);
  const entries: { tag: number; value: number }[] = [];
  for (let at = 0; at + 2 * fields.wordBytes <= section.length; at += 2 * fields.wordBytes) {
    const tag = fields.word(section, at);
    if (tag === DT_NULL) break;
    entries.push({ tag, value: fields.word(section, at + fields.wordBytes) });
  }
  const valueOf = (wanted: number): number | undefined => entries.find(({ tag }) => tag === wanted)?.value;
  const valuesOf = (wanted: number): number[] => entries.filter(({ tag }) => tag === wanted).map(({ value }) => value);
  const [tableAddress, tableBytes] = [valueOf(DT_STRTAB), valueOf(DT_STRSZ)];
  if (tableAddress === undefined || tableBytes === undefined) return { needed: [], searchPath: [] };
  const strings = await readStrings(read, tableAddress, tableBytes, segments);
  const paths = valuesOf(DT_RUNPATH).length > 0 ? valuesOf(DT_RUNPATH) : valuesOf(DT_RPATH);
  return {
    needed: valuesOf(DT_NEEDED).map((at) => textAt(strings, at)),
    searchPath: paths.flatMap((at) => textAt(strings, at).split(':')).filter((directory) => directory !== ''),
  };
}

async function readStrings(
  read: ReadPart,
  address: number,
  sizeBytes: number,
  segments: readonly Segment[],
): Promise<Buffer> {
  const segment = segments.find(
    ({ type, address: start, sizeBytes: length }) => type === PT_LOAD && address >= start && address < start + length,
  );
  if (segment === undefined || sizeBytes > MAX_STRINGS_BYTES) throw damaged('its strings are not in it');
  return readWhole(read, segment.offset + (address - segment.address), sizeBytes);
}

async function readWhole(read: ReadPart, offsetBytes: number, lengthBytes: number): Promise<Buffer> {
  const bytes = await read(offsetBytes, lengthBytes);
  if (bytes.length !== lengthBytes) throw damaged('it is truncated');
  return bytes;
}

function textAt(bytes: Buffer, offset: number): string {
  const end = bytes.indexOf(0, offset);
  if (offset >= bytes.length || end < 0) throw damaged('a string has no end');
  return bytes.toString('latin1', offset, end);
}

function damaged(what: string): Iso2RootfsError {
  return new Iso2RootfsError('INTEGRITY', `an ELF file is damaged: ${what}`);
}
