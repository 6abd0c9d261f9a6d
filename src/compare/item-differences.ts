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

/** Everything that is different in two items of one path but what other names they have; the first reason is enough for a type. */
export function compareItems(left: TreeItem, right: TreeItem): ItemDifference[] {
  if (left.type !== right.type) return [{ aspect: 'type', left: left.type, right: right.type }];
  const found: ItemDifference[] = [];
  const note = (aspect: Aspect, one: string, other: string): void => {
    if (one !== other) found.push({ aspect, left: one, right: other });
  };
  // A symlink's permission bits mean nothing, and file systems do not agree on them.
  if (left.type !== 'symlink') note('mode', formatMode(left.mode), formatMode(right.mode));
  note('owner', `${left.uid}:${left.gid}`, `${right.uid}:${right.gid}`);
  if (left.sizeBytes !== right.sizeBytes) note('size', String(left.sizeBytes), String(right.sizeBytes));
  else if (left.sha256 !== undefined && right.sha256 !== undefined) {
    note('content', `sha256 ${left.sha256}`, `sha256 ${right.sha256}`);
  }
  if (left.mtimeSeconds !== right.mtimeSeconds || left.mtimeNanoseconds !== right.mtimeNanoseconds) {
    note('mtime', formatTime(left), formatTime(right));
  }
  note('link target', printable(left.linkTarget), printable(right.linkTarget));
  note('device', left.device, right.device);
  if (left.attributes !== right.attributes) compareAttributes(left.attributes, right.attributes, note);
  return found;
}

function compareAttributes(
  left: Attributes,
  right: Attributes,
  note: (aspect: Aspect, left: string, right: string) => void,
): void {
  note('capability', describeCapability(left.capability), describeCapability(right.capability));
  note('ACL', left.accessAcl ?? NONE, right.accessAcl ?? NONE);
  note('default ACL', left.defaultAcl ?? NONE, right.defaultAcl ?? NONE);
  note('SELinux label', printable(left.label ?? NONE), printable(right.label ?? NONE));
  for (const name of new Set([...left.others.keys(), ...right.others.keys()])) {
    note(`xattr ${printable(name)}`, describeValue(left.others.get(name)), describeValue(right.others.get(name)));
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
