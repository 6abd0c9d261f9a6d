/** The items of newc archives, as the kernel would unpack them: see NewcScanner. */
import { Iso2RootfsError } from '../errors.js';
import { ContentHash } from './content-hash.js';
import { NewcScanner, type NewcMember } from './newc-scanner.js';
import { NO_ATTRIBUTES, joinGroup, type ItemType, type LinkGroup, type TreeItem } from './tree-item.js';
import { normaliseTreePath, pathKey, printablePath } from './tree-path.js';

const TYPES: Readonly<Record<number, ItemType>> = {
  0o010000: 'fifo',
  0o020000: 'character-device',
  0o040000: 'directory',
  0o060000: 'block-device',
  0o100000: 'file',
  0o120000: 'symlink',
  0o140000: 'socket',
};
const TYPE_BITS = 0o170000;
/** The kernel's PATH_MAX: it skips longer targets. */
const MAX_TARGET_BYTES = 4096;
const EMPTY_SHA256 = new ContentHash().digest();

/** What the names of one inode have together. */
interface Inode {
  readonly group: LinkGroup;
  readonly names: TreeItem[];
  sha256: string;
  sizeBytes: number;
}

/** Gives items from chunks of any size: files with several names at the end of their archive, when all of them are known. */
export class NewcItems {
  readonly #scanner: NewcScanner;
  readonly #inodes = new Map<string, Inode>();
  #current: NewcMember | undefined;
  readonly #hash = new ContentHash();

  constructor(private readonly onItem: (item: TreeItem) => void) {
    this.#scanner = new NewcScanner({
      wants: ({ mode, sizeBytes }) => {
        const isLink = TYPES[mode & TYPE_BITS] === 'symlink';
        if (isLink && sizeBytes > MAX_TARGET_BYTES) throw damaged(`a symbolic link has ${sizeBytes} bytes`);
        return isLink;
      },
      onMember: (member, content) => {
        this.#endContent();
        if (content !== undefined) this.#give(member, undefined, content.toString('latin1').replace(/\0.*$/s, ''));
        else this.#begin(member);
      },
      onContent: (chunk) => {
        if (this.#current !== undefined) this.#hash.update(chunk);
      },
      onArchiveEnd: () => {
        this.#endContent();
        this.#giveLinked();
      },
    });
  }

  /** @throws Iso2RootfsError INTEGRITY for what is no archive, or holds a hostile path */
  push(chunk: Buffer): void {
    this.#scanner.push(chunk);
    if (this.#scanner.foreignOffsetBytes !== undefined) {
      throw damaged(`there is something else in it at byte ${this.#scanner.foreignOffsetBytes}`);
    }
  }

  /** @throws Iso2RootfsError INTEGRITY when it ends in the middle */
  finish(): void {
    if (!this.#scanner.isBetweenArchives) throw damaged('it is truncated');
  }

  #begin(member: NewcMember): void {
    if (TYPES[member.mode & TYPE_BITS] !== 'file') {
      this.#give(member, undefined, '');
      return;
    }
    this.#current = member;
  }

  #endContent(): void {
    const member = this.#current;
    if (member === undefined) return;
    this.#current = undefined;
    this.#give(member, this.#hash.digest(), '');
  }

  #give(member: NewcMember, sha256: string | undefined, linkTarget: string): void {
    const type = TYPES[member.mode & TYPE_BITS];
    if (type === undefined) throw damaged(`${printablePath(Buffer.from(member.name, 'latin1'))} has no type`);
    const path = keyOf(member);
    const isDevice = type === 'character-device' || type === 'block-device';
    const item: TreeItem = {
      path,
      type,
      mode: member.mode & 0o7777,
      uid: member.uid,
      gid: member.gid,
      sizeBytes: type === 'file' ? member.sizeBytes : 0,
      mtimeSeconds: member.mtimeSeconds,
      mtimeNanoseconds: 0,
      sha256,
      linkTarget,
      device: isDevice ? `${member.deviceMajor}:${member.deviceMinor}` : '',
      attributes: NO_ATTRIBUTES,
      links: undefined,
    };
    if (member.linkCount < 2 || type === 'directory') this.onItem(item);
    else this.#hold(member, item);
  }

  #hold(member: NewcMember, item: TreeItem): void {
    const known = this.#inodes.get(member.inode);
    const inode = known ?? { group: joinGroup(undefined, item.path), names: [], sha256: EMPTY_SHA256, sizeBytes: 0 };
    if (known === undefined) this.#inodes.set(member.inode, inode);
    else joinGroup(inode.group, item.path);
    inode.names.push(item);
    if (item.type !== 'file' || item.sizeBytes === 0) return;
    inode.sizeBytes = item.sizeBytes;
    inode.sha256 = item.sha256 ?? '';
  }

  #giveLinked(): void {
    for (const { group, names, sha256, sizeBytes } of this.#inodes.values()) {
      for (const item of names) {
        this.onItem({ ...item, links: group, ...(item.type === 'file' ? { sha256, sizeBytes } : {}) });
      }
    }
    this.#inodes.clear();
  }
}

function keyOf({ name }: NewcMember): string {
  // Old archives have absolute names, which the kernel takes from its root.
  return pathKey(normaliseTreePath(Buffer.from(name.replace(/^\/+/, ''), 'latin1')));
}

function damaged(what: string): Iso2RootfsError {
  return new Iso2RootfsError('INTEGRITY', `the cpio archive is damaged: ${what}`);
}
