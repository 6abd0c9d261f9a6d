/**
 * Writes the canonical tar archive of a tree: POSIX pax, named as `tar -C / -cf - .` names things (`./`, `./etc/`, `./etc/fstab`).
 *
 * The same entries give the same bytes. An extended header stands only before what a ustar header cannot say, its keys in one fixed
 * order; no access and change times, no user names, no process id. GNU tar with `--xattrs --xattrs-include=* --acls --selinux
 * --numeric-owner -p` restores every entry as it was.
 */
import { isUtf8 } from 'node:buffer';
import { Iso2RootfsError } from '../errors.js';
import { ChunkGatherer } from './chunk-gatherer.js';
import type { EntryType, TreeEntry, TreeWriter } from './entry.js';
import { formatPaxRecord, formatPaxTime, keyOfXattrName } from './pax-records.js';
import {
  BLOCK_BYTES,
  CHECKSUM,
  DEVICE_MAJOR,
  DEVICE_MINOR,
  GID,
  LINK_NAME,
  MAGIC,
  MODE,
  MTIME,
  NAME,
  POSIX_MAGIC,
  PREFIX,
  RECORD_BYTES,
  SIZE,
  TYPE_FLAG,
  UID,
  blockPadding,
  headerChecksum,
  largestOctal,
  writeOctal,
} from './tar-format.js';
import { printablePath } from './tree-path.js';

const TYPE_FLAGS: Record<EntryType, string> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};
const EXTENSION_NAME = Buffer.from('././@PaxHeader');
const SLASH = 0x2f;
const LONG_LINK_NAME = Buffer.from('././@LongLink');
const HERE = Buffer.from('./');
const NO_PREFIX = Buffer.alloc(0);
const DIRECTORY_END = Buffer.from('/');

/** Fields of a header as they will be written: all fit. */
interface HeaderFields {
  readonly name: Buffer;
  readonly prefix: Buffer;
  readonly typeFlag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly linkName: Buffer;
  readonly device: { readonly major: number; readonly minor: number } | undefined;
}

/**
 * `bare`: names without `./`, and the target of a link in GNU's extension where it is too long for a header. For squashfs-tools (4.5), which
 * take a long name that begins with `./` for a hostile one, and remove what stands before the first name in a pax `linkpath`.
 */
export type TarDialect = 'canonical' | 'bare';

export class TarWriter implements TreeWriter {
  readonly #out: ChunkGatherer;
  #current: TreeEntry | undefined;
  #missingBytes = 0;

  constructor(
    emit: (chunk: Buffer) => void,
    private readonly dialect: TarDialect = 'canonical',
  ) {
    this.#out = new ChunkGatherer(emit);
  }

  /** Length of the archive so far; after {@link writeEntry} of a file, where its content will be. */
  get offsetBytes(): number {
    return this.#out.totalBytes;
  }

  /** @throws Iso2RootfsError TREE_NOT_REPRESENTABLE for a device number that no header can hold. */
  writeEntry(entry: TreeEntry): void {
    if (this.#current !== undefined) throw wrongLength(this.#current);
    const isBare = this.dialect === 'bare';
    const prefix = isBare ? NO_PREFIX : HERE;
    const name = archiveName(entry, prefix);
    const linkName = entry.type === 'hardlink' ? Buffer.concat([prefix, entry.linkTarget]) : entry.linkTarget;
    const split = splitName(name);
    if (isBare && linkName.length > LINK_NAME.length) this.#writeLongLink(linkName);
    const records = extensionRecords(entry, name, split !== undefined, isBare ? NO_PREFIX : linkName);
    if (records.length > 0) this.#writeExtension(Buffer.concat(records));
    this.#writeHeader({
      name: split?.name ?? name.subarray(0, NAME.length),
      prefix: split?.prefix ?? Buffer.alloc(0),
      typeFlag: TYPE_FLAGS[entry.type],
      mode: entry.mode,
      // A reader that knows no pax must not take such a file for root's: the nearest number, not zero.
      uid: Math.min(entry.uid, largestOctal(UID)),
      gid: Math.min(entry.gid, largestOctal(GID)),
      sizeBytes: Math.min(entry.sizeBytes, largestOctal(SIZE)),
      mtimeSeconds: Math.min(Math.max(entry.mtimeSeconds, 0), largestOctal(MTIME)),
      linkName: linkName.subarray(0, LINK_NAME.length),
      device: deviceOf(entry),
    });
    if (entry.type !== 'file') return;
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
    this.#out.writeZeros(blockPadding(this.#current.sizeBytes));
    this.#current = undefined;
  }

  /** Writes the end of the archive, padded to a record of 10240 bytes as GNU tar does. */
  finish(): void {
    if (this.#current !== undefined) throw wrongLength(this.#current);
    this.#out.writeZeros(2 * BLOCK_BYTES);
    this.#out.writeZeros((RECORD_BYTES - (this.#out.totalBytes % RECORD_BYTES)) % RECORD_BYTES);
    this.#out.flush();
  }

  #writeExtension(payload: Buffer): void {
    this.#writeExtra('x', EXTENSION_NAME, payload);
  }

  #writeLongLink(linkName: Buffer): void {
    this.#writeExtra('K', LONG_LINK_NAME, Buffer.concat([linkName, Buffer.alloc(1)]));
  }

  /** What stands before an entry and is about it. */
  #writeExtra(typeFlag: string, name: Buffer, payload: Buffer): void {
    this.#writeHeader({
      name,
      prefix: Buffer.alloc(0),
      typeFlag,
      mode: 0o644,
      uid: 0,
      gid: 0,
      sizeBytes: payload.length,
      mtimeSeconds: 0,
      linkName: Buffer.alloc(0),
      device: undefined,
    });
    this.#out.write(payload);
    this.#out.writeZeros(blockPadding(payload.length));
  }

  #writeHeader(fields: HeaderFields): void {
    const block = this.#out.reserve(BLOCK_BYTES);
    fields.name.copy(block, NAME.start);
    writeOctal(block, MODE, fields.mode);
    writeOctal(block, UID, fields.uid);
    writeOctal(block, GID, fields.gid);
    writeOctal(block, SIZE, fields.sizeBytes);
    writeOctal(block, MTIME, fields.mtimeSeconds);
    block.write(fields.typeFlag, TYPE_FLAG, 'latin1');
    fields.linkName.copy(block, LINK_NAME.start);
    block.write(POSIX_MAGIC, MAGIC.start, 'latin1');
    writeOctal(block, DEVICE_MAJOR, fields.device?.major ?? 0);
    writeOctal(block, DEVICE_MINOR, fields.device?.minor ?? 0);
    fields.prefix.copy(block, PREFIX.start);
    // Six digits, NUL, space: the one field that is ended in its own way.
    writeOctal(block, { start: CHECKSUM.start, length: CHECKSUM.length - 1 }, headerChecksum(block));
    block[CHECKSUM.start + CHECKSUM.length - 1] = 0x20;
  }
}

function archiveName({ path, type }: TreeEntry, prefix: Buffer): Buffer {
  if (path.length === 0) return HERE;
  return Buffer.concat(type === 'directory' ? [prefix, path, DIRECTORY_END] : [prefix, path]);
}

/** A name as the two fields of a ustar header, or undefined when it fits no way. */
function splitName(name: Buffer): { readonly name: Buffer; readonly prefix: Buffer } | undefined {
  if (name.length <= NAME.length) return { name, prefix: Buffer.alloc(0) };
  // The slash between the fields is in neither; the one that ends a directory's name cannot be it.
  const slash = name.indexOf(SLASH, name.length - NAME.length - 1);
  if (slash < 1 || slash > PREFIX.length || slash === name.length - 1) return undefined;
  return { name: name.subarray(slash + 1), prefix: name.subarray(0, slash) };
}

function extensionRecords(entry: TreeEntry, name: Buffer, nameFits: boolean, linkName: Buffer): Buffer[] {
  const records: Buffer[] = [];
  const add = (key: string, value: Buffer | string): void => {
    records.push(formatPaxRecord(key, typeof value === 'string' ? Buffer.from(value, 'latin1') : value));
  };
  if (!nameFits || isForeignText(name)) add('path', name);
  if (linkName.length > LINK_NAME.length || isForeignText(linkName)) add('linkpath', linkName);
  if (entry.sizeBytes > largestOctal(SIZE)) add('size', String(entry.sizeBytes));
  if (entry.uid > largestOctal(UID)) add('uid', String(entry.uid));
  if (entry.gid > largestOctal(GID)) add('gid', String(entry.gid));
  if (entry.mtimeNanoseconds !== 0 || entry.mtimeSeconds < 0 || entry.mtimeSeconds > largestOctal(MTIME)) {
    add('mtime', formatPaxTime({ seconds: entry.mtimeSeconds, nanoseconds: entry.mtimeNanoseconds }));
  }
  if (entry.accessAcl !== undefined) add('SCHILY.acl.access', entry.accessAcl);
  if (entry.defaultAcl !== undefined) add('SCHILY.acl.default', entry.defaultAcl);
  if (entry.selinuxLabel !== undefined) add('RHT.security.selinux', entry.selinuxLabel);
  const xattrs = [...entry.xattrs].sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [xattr, value] of xattrs) add(keyOfXattrName(xattr), value);
  return records;
}

/**
 * Text that a ustar header's readers might take for text of their own locale. Bytes that are no UTF-8 stay in the header, where
 * every reader takes them as they are: as a pax value they would be invalid.
 */
function isForeignText(bytes: Buffer): boolean {
  return bytes.some((byte) => byte >= 0x80) && isUtf8(bytes);
}

function deviceOf(entry: TreeEntry): HeaderFields['device'] {
  if (entry.type !== 'character-device' && entry.type !== 'block-device') return undefined;
  const { deviceMajor: major, deviceMinor: minor } = entry;
  if (Math.max(major, minor) > largestOctal(DEVICE_MAJOR)) {
    throw new Iso2RootfsError(
      'TREE_NOT_REPRESENTABLE',
      `the device number of ${printablePath(entry.path)} does not fit into a tar archive: ${major}:${minor}`,
      { hint: 'Remove that device node; Linux has no such number.' },
    );
  }
  return { major, minor };
}

function wrongLength(entry: TreeEntry): Iso2RootfsError {
  return new Iso2RootfsError(
    'INTERNAL',
    `the content of ${printablePath(entry.path)} has not the length it should have`,
  );
}
