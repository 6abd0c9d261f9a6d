/**
 * One entry of a file tree, as every format of this directory sees it. Bytes stay bytes: names, link targets and attribute
 * values of a guest need not be text in any encoding.
 */

export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character-device' | 'block-device' | 'fifo';

export interface TreeEntry {
  /** Relative to the root of the tree: no leading `/` or `./`, no trailing `/`, empty for the root itself. */
  readonly path: Buffer;
  readonly type: EntryType;
  /** Permission bits, setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  /** 0 to 2^32 - 1. */
  readonly uid: number;
  /** 0 to 2^32 - 1. */
  readonly gid: number;
  /** Length of a file's content; 0 for everything else. */
  readonly sizeBytes: number;
  /** Seconds since 1970, rounded towards minus infinity. */
  readonly mtimeSeconds: number;
  /** 0 to 999 999 999, added to {@link mtimeSeconds}. */
  readonly mtimeNanoseconds: number;
  /** Of a symlink: what it says. Of a hardlink: the path of the entry that it is another name of. Else empty. */
  readonly linkTarget: Buffer;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Names are bytes as latin1. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** POSIX ACL in acl_to_text(3) form, bytes as latin1. */
  readonly accessAcl: string | undefined;
  readonly defaultAcl: string | undefined;
  /** Bytes as latin1. */
  readonly selinuxLabel: string | undefined;
}

/** A whole file, for what is small enough to be held in memory. */
export interface TreeFile {
  readonly entry: TreeEntry;
  /** Empty for everything but a file; its length is the entry's size. */
  readonly content: Buffer;
}

/** What writes entries to an archive: one {@link writeEntry}, then, for a file, its content and {@link endContent}. */
export interface TreeWriter {
  writeEntry(entry: TreeEntry): void;
  writeContent(chunk: Buffer): void;
  endContent(): void;
}

const NO_BYTES = Buffer.alloc(0);
const NO_XATTRS: ReadonlyMap<string, Buffer> = new Map();
const DEFAULT_MODES: Partial<Record<EntryType, number>> = { directory: 0o755, symlink: 0o777 };

/** An entry from what matters of it. Defaults: mode 0644 (directory 0755, symlink 0777), owner 0:0, mtime 0, no attributes. */
export function createEntry(fields: Pick<TreeEntry, 'path' | 'type'> & Partial<TreeEntry>): TreeEntry {
  return {
    mode: DEFAULT_MODES[fields.type] ?? 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    mtimeSeconds: 0,
    mtimeNanoseconds: 0,
    linkTarget: NO_BYTES,
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: NO_XATTRS,
    accessAcl: undefined,
    defaultAcl: undefined,
    selinuxLabel: undefined,
    ...fields,
  };
}

/** A file with the given content; `like` gives owner, mode, times and attributes. */
export function createFile(path: Buffer, content: Buffer, like: Partial<TreeEntry> = {}): TreeFile {
  return { entry: createEntry({ ...like, path, type: 'file', sizeBytes: content.length }), content };
}

/** Writes a file or another entry whole. */
export function writeWhole(writer: TreeWriter, file: TreeFile): void {
  writer.writeEntry(file.entry);
  if (file.entry.type !== 'file') return;
  writer.writeContent(file.content);
  writer.endContent();
}
