/** Differences between the outputs of one system that have to be: what a format cannot hold, and what was changed on purpose. */
import type { TreeItem } from '../tree/tree-item.js';
import { printablePath } from '../tree/tree-path.js';
import type { ItemDifference } from './item-differences.js';

/** Something that a build has changed in the tree on its way out of the disk. */
export interface TreeChange {
  /** As printablePath writes it. */
  readonly path: string;
  /** `removed`: with all that was below. */
  readonly what: 'removed' | 'changed' | 'added';
  readonly why: string;
  /** Missing: in all outputs. */
  readonly only?: 'initramfs' | undefined;
}

export interface CgzFacts {
  /** What part of the system that was left out of the archive a path belongs to; undefined: none. */
  readonly excludedBy: (path: string) => string | undefined;
}

/** Seconds and nanoseconds since 1970. */
export interface Moment {
  readonly seconds: number;
  readonly nanoseconds: number;
}

interface Pair {
  readonly left?: TreeItem | undefined;
  readonly right?: TreeItem | undefined;
}

/** @returns why the difference is none to complain of; undefined when there is no excuse. */
export type Excuse = (path: string, difference: ItemDifference, pair: Pair) => string | undefined;

const MAX_UNSIGNED = 0xffffffff;

export function isAttribute(aspect: string): boolean {
  return /^(?:capability|ACL|default ACL|SELinux label|xattr .*)$/s.test(aspect);
}

function isRoundedTime({ left, right }: Pair): boolean {
  return left !== undefined && right !== undefined && left.mtimeSeconds === right.mtimeSeconds;
}

function isOutsideUnsigned({ left }: Pair): boolean {
  return left !== undefined && (left.mtimeSeconds < 0 || left.mtimeSeconds > MAX_UNSIGNED);
}

/** What newc cannot hold, and what was left out or put in on purpose. */
export function excuseCgz({ excludedBy }: CgzFacts, changes: readonly TreeChange[]): Excuse {
  const added = new Map(changes.filter(({ only }) => only === 'initramfs').map((change) => [change.path, change]));
  return (path, { aspect }, pair) => {
    if (isAttribute(aspect) && pair.left !== undefined) return 'newc has no extended attributes';
    if (aspect === 'mtime') {
      if (isRoundedTime(pair)) return 'newc has no fractions of seconds';
      if (isOutsideUnsigned(pair)) return 'newc has times from 1970 to 2106';
    }
    if (aspect === 'extra') return added.get(printable(path))?.why;
    if (aspect !== 'missing') return undefined;
    const excluded = excludedBy(path);
    return excluded === undefined ? undefined : `left out by --cgz-exclude ${excluded}`;
  };
}

export const excuseSquashfs: Excuse = (_path, { aspect }, pair) => {
  if (aspect === 'ACL' || aspect === 'default ACL') return 'squashfs has no ACLs';
  if (/^xattr (?!user\.|trusted\.|security\.)/s.test(aspect))
    return 'squashfs has attributes of users, of root and of security alone';
  if (aspect !== 'mtime') return undefined;
  if (isRoundedTime(pair)) return 'squashfs has no fractions of seconds';
  return isOutsideUnsigned(pair) ? 'squashfs has times from 1970 to 2106' : undefined;
};

export interface RecordFacts {
  readonly changes: readonly TreeChange[];
  /** When the installation ended: no time in the outputs is later, and what preparing the disk touches has it. */
  readonly latestTime: Moment | undefined;
  readonly hasAttributes: () => boolean;
}

/** Left: the record of the guest. */
export function excuseRecord({ changes, latestTime, hasAttributes }: RecordFacts): Excuse {
  const byPath = new Map(changes.filter(({ only }) => only === undefined).map((change) => [change.path, change]));
  return (path, { aspect }, pair) => {
    if (isAttribute(aspect) && !hasAttributes()) return 'the record has no attributes: getfattr was not there';
    if (aspect === 'missing') {
      if (pair.left?.type === 'socket') return 'tar holds no sockets';
      return findRemoval(byPath, printable(path))?.why;
    }
    const isLatest =
      pair.right?.mtimeSeconds === latestTime?.seconds && pair.right?.mtimeNanoseconds === latestTime?.nanoseconds;
    if (aspect === 'mtime' && latestTime !== undefined && isLatest)
      return 'no time is later than the end of the installation';
    const change = byPath.get(printable(path));
    if (change === undefined) return undefined;
    const covers =
      aspect === 'extra' ? change.what !== 'removed' : change.what === 'changed' || change.what === 'added';
    return covers ? change.why : undefined;
  };
}

function findRemoval(changes: ReadonlyMap<string, TreeChange>, path: string): TreeChange | undefined {
  for (let above = path; above !== ''; above = above.slice(0, Math.max(0, above.lastIndexOf('/')))) {
    const change = changes.get(above);
    if (change?.what === 'removed') return change;
  }
  return undefined;
}

function printable(path: string): string {
  return printablePath(Buffer.from(path, 'latin1'));
}
