/** What is compared of one name in a file tree, wherever the tree comes from. */
import type { TreeEntry } from './entry.js';
import { canonicalAcl, decodeAcl, saysMoreThanMode } from './posix-acl.js';

export type ItemType = 'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo' | 'socket';

export interface Attributes {
  /** Value of `security.capability` in hexadecimal digits. */
  readonly capability?: string;
  /** Canonical, see posix-acl.ts; missing where it says no more than the mode. */
  readonly accessAcl?: string;
  readonly defaultAcl?: string;
  /** Bytes as latin1, without the NUL that ends it in the attribute. */
  readonly label?: string;
  /** The other ones: values in hexadecimal digits by names, bytes as latin1. */
  readonly others: ReadonlyMap<string, string>;
}

/** The names of one inode share it. `first` and `names` are right when all names have been read. */
export interface LinkGroup {
  /** The smallest path. */
  first: string;
  names: number;
}

export interface TreeItem {
  /** Bytes as latin1; empty for the root. */
  readonly path: string;
  readonly type: ItemType;
  /** Permission bits, setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file, else 0. */
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** SHA-256 of a file's content in hexadecimal digits; undefined where the content is not known. */
  readonly sha256: string | undefined;
  /** Of a symlink: bytes as latin1. */
  readonly linkTarget: string;
  /** `major:minor` of a device node, else empty. */
  readonly device: string;
  readonly attributes: Attributes;
  readonly links: LinkGroup | undefined;
}

export const NO_ATTRIBUTES: Attributes = { others: new Map() };

/** Makes one object of equal sets of attributes, as a rule: a labelled system has hundreds of thousands of files and hundreds of labels. */
export class AttributePool {
  readonly #known = new Map<string, Attributes>();
  /** The same by how an entry has them. */
  readonly #ofEntries = new Map<string, Attributes>();

  ofEntry(entry: TreeEntry): Attributes {
    const { xattrs, accessAcl, defaultAcl, selinuxLabel } = entry;
    if (xattrs.size === 0 && accessAcl === undefined && defaultAcl === undefined && selinuxLabel === undefined) {
      return NO_ATTRIBUTES;
    }
    let key = [accessAcl, defaultAcl, selinuxLabel].map(part).join('');
    for (const [name, value] of xattrs) key += part(name) + part(value.toString('latin1'));
    const known = this.#ofEntries.get(key);
    return known ?? remember(this.#ofEntries, key, this.#convert(entry));
  }

  #convert({ xattrs, accessAcl, defaultAcl, selinuxLabel }: TreeEntry): Attributes {
    const values = new Map<string, Buffer | string>(xattrs);
    if (accessAcl !== undefined) values.set(ACCESS_ACL, accessAcl);
    if (defaultAcl !== undefined) values.set(DEFAULT_ACL, defaultAcl);
    if (selinuxLabel !== undefined) values.set(LABEL, selinuxLabel);
    return this.of(values);
  }

  /** @param values a string is text: of an ACL as acl_to_text(3) writes it, of a label; else bytes as latin1 */
  of(values: ReadonlyMap<string, Buffer | string>): Attributes {
    const others = new Map<string, string>();
    let attributes: Attributes = { others };
    for (const name of [...values.keys()].sort()) {
      const value = values.get(name) ?? '';
      const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
      const acl = (): string => (typeof value === 'string' ? canonicalAcl(value) : decodeAcl(value));
      if (name === CAPABILITY) attributes = { ...attributes, capability: bytes.toString('hex') };
      else if (name === LABEL) attributes = { ...attributes, label: bytes.toString('latin1').replace(/\0$/, '') };
      else if (name === DEFAULT_ACL) attributes = { ...attributes, defaultAcl: acl() };
      else if (name !== ACCESS_ACL) others.set(name, bytes.toString('hex'));
      else if (saysMoreThanMode(acl())) attributes = { ...attributes, accessAcl: acl() };
    }
    const key = JSON.stringify([attributes, [...others]]);
    return this.#known.get(key) ?? remember(this.#known, key, attributes);
  }
}

/** Where each file has attributes of its own (signatures), remembering them saves nothing. */
const MAX_REMEMBERED = 10_000;

function remember(pool: Map<string, Attributes>, key: string, attributes: Attributes): Attributes {
  if (pool.size >= MAX_REMEMBERED) pool.clear();
  pool.set(key, attributes);
  return attributes;
}

/** With its length, so that no text can be taken for two. */
function part(text: string | undefined): string {
  return text === undefined ? '-' : `${text.length}:${text}`;
}

const CAPABILITY = 'security.capability';
const LABEL = 'security.selinux';
const ACCESS_ACL = 'system.posix_acl_access';
const DEFAULT_ACL = 'system.posix_acl_default';

/** Counts a name in. */
export function joinGroup(group: LinkGroup | undefined, path: string): LinkGroup {
  if (group === undefined) return { first: path, names: 1 };
  group.names += 1;
  if (path < group.first) group.first = path;
  return group;
}

/**
 * An item whose content is not known yet. It is filled in rather than copied with spread syntax: V8 keeps such copies until it collects the
 * whole heap, and of hundreds of thousands they are tens of megabytes.
 */
export type OpenItem = Omit<TreeItem, 'sha256'> & { sha256: string | undefined };

/** An item of an entry; a hard link is what its target is. */
export function itemOf(entry: TreeEntry, path: string, pool: AttributePool, links?: LinkGroup): OpenItem {
  const isDevice = entry.type === 'character-device' || entry.type === 'block-device';
  return {
    path,
    type: entry.type === 'hardlink' ? 'file' : entry.type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    sizeBytes: entry.sizeBytes,
    mtimeSeconds: entry.mtimeSeconds,
    mtimeNanoseconds: entry.mtimeNanoseconds,
    sha256: undefined,
    linkTarget: entry.type === 'symlink' ? entry.linkTarget.toString('latin1') : '',
    device: isDevice ? `${entry.deviceMajor}:${entry.deviceMinor}` : '',
    attributes: pool.ofEntry(entry),
    links,
  };
}
