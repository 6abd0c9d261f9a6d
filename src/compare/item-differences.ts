import { formatCapability } from '../distro/netboot/capabilities.js';
import type { Attributes, LinkGroup, TreeItem } from '../tree/tree-item.js';
import { printablePath } from '../tree/tree-path.js';

/** What of an item is different. `missing`: only the left one has it; `extra`: only the right one. An attribute: `xattr NAME`. */
export type Aspect =
  | 'missing'
  | 'extra'
  | 'twice'
  | 'type'
  | 'mode'
  | 'owner'
  | 'size'
  | 'content'
  | 'mtime'
  | 'link target'
  | 'hard links'
  | 'device'
  | 'capability'
  | 'ACL'
  | 'default ACL'
  | 'SELinux label'
  | `xattr ${string}`;

/** In words for people. */
export interface ItemDifference {
  readonly aspect: Aspect;
  readonly left: string;
  readonly right: string;
}

const NOTHING: readonly ItemDifference[] = [];

/**
 * Everything that is different in two items of one path but what other names they have; the first reason is enough for a type. Nothing is put
 * into words that is equal: of hundreds of thousands of items, nearly all are.
 */
export function compareItems(left: TreeItem, right: TreeItem): readonly ItemDifference[] {
  if (left.type !== right.type) return [{ aspect: 'type', left: left.type, right: right.type }];
  let found = NOTHING;
  const note = <Value>(aspect: Aspect, one: Value, other: Value, describe: (value: Value) => string): void => {
    if (one !== other) found = [...found, { aspect, left: describe(one), right: describe(other) }];
  };
  // A symlink's permission bits mean nothing, and file systems do not agree on them.
  if (left.type !== 'symlink') note('mode', left.mode, right.mode, formatMode);
  if (left.uid !== right.uid || left.gid !== right.gid) note('owner', left, right, ({ uid, gid }) => `${uid}:${gid}`);
  note('size', left.sizeBytes, right.sizeBytes, String);
  if (left.sizeBytes === right.sizeBytes && left.sha256 !== undefined && right.sha256 !== undefined) {
    note('content', left.sha256, right.sha256, (sha256) => `sha256 ${sha256}`);
  }
  if (left.mtimeSeconds !== right.mtimeSeconds || left.mtimeNanoseconds !== right.mtimeNanoseconds) {
    note('mtime', left, right, formatTime);
  }
  note('link target', left.linkTarget, right.linkTarget, printable);
  note('device', left.device, right.device, String);
  if (left.attributes !== right.attributes) compareAttributes(left.attributes, right.attributes, note);
  return found;
}

function compareAttributes(
  left: Attributes,
  right: Attributes,
  note: <Value>(aspect: Aspect, one: Value, other: Value, describe: (value: Value) => string) => void,
): void {
  note('capability', left.capability, right.capability, describeCapability);
  note('ACL', left.accessAcl, right.accessAcl, (text = NONE) => text);
  note('default ACL', left.defaultAcl, right.defaultAcl, (text = NONE) => text);
  note('SELinux label', left.label, right.label, (text = NONE) => printable(text));
  if (left.others.size === 0 && right.others.size === 0) return;
  for (const name of new Set([...left.others.keys(), ...right.others.keys()])) {
    note(`xattr ${printable(name)}`, left.others.get(name), right.others.get(name), describeValue);
  }
}

/** Undefined: they are linked with the same names. To be asked when both trees have been read. */
export function compareLinks(left: LinkGroup | undefined, right: LinkGroup | undefined): ItemDifference | undefined {
  const [one, other] = [describeGroup(left), describeGroup(right)];
  return one === other ? undefined : { aspect: 'hard links', left: one, right: other };
}

function describeGroup(group: LinkGroup | undefined): string {
  return group === undefined || group.names < 2 ? NONE : `${group.names} names, as ${printable(group.first)}`;
}

const NONE = 'none';

export function describeItem(item: TreeItem): string {
  const size = item.type === 'file' ? `, ${item.sizeBytes} bytes` : '';
  return `${item.type} ${formatMode(item.mode)} ${item.uid}:${item.gid}${size}`;
}

export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

export function describeCapability(hex: string | undefined): string {
  if (hex === undefined) return NONE;
  return formatCapability(Buffer.from(hex, 'hex')) ?? `0x${hex}`;
}

function describeValue(hex: string | undefined): string {
  if (hex === undefined) return NONE;
  return hex.length > 200 ? `0x${hex.slice(0, 200)}...` : `0x${hex}`;
}

function formatTime({ mtimeSeconds, mtimeNanoseconds }: TreeItem): string {
  return `@${mtimeSeconds}.${String(mtimeNanoseconds).padStart(9, '0')}`;
}

function printable(latin1: string): string {
  return printablePath(Buffer.from(latin1, 'latin1'));
}
