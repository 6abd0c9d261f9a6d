/**
 * What is changed on a disk that is handed out: what must differ per machine is taken out by the list that the trees go by. It boots by
 * itself, so that its fstab, its network and the rest stay as they are.
 */
import type { EntryType } from '../../tree/entry.js';
import { isIfcfg, withoutMachineNames } from './network-bindings.js';
import { findPerMachine, ISCSI_NAME, ISCSI_NAME_UNIT, resetContent } from './per-machine.js';

/** Paths and texts are bytes as latin1. */
export interface DiskChanges {
  /** Each with all that is below it. */
  readonly removed: readonly string[];
  /** What files hold afterwards. */
  readonly contents: ReadonlyMap<string, string>;
  /** Files whose text has to be read first, for {@link rewriteForDisk}. */
  readonly texts: readonly string[];
}

/** @param entries all of a tree, each directory before what is in it */
export function planDiskChanges(entries: Iterable<{ readonly path: string; readonly type: EntryType }>): DiskChanges {
  const removed: string[] = [];
  const contents = new Map<string, string>();
  const texts: string[] = [];
  let removedTree: string | undefined;
  let hasIscsiName = false;
  let makesName = false;
  for (const { path, type } of entries) {
    if (removedTree !== undefined && path.startsWith(`${removedTree}/`)) continue;
    if (findPerMachine(path, type) === 'remove') {
      removed.push(path);
      if (type === 'directory') removedTree = path;
    } else if (type === 'file') {
      const content = resetContent(path);
      if (content !== undefined) contents.set(path, content.toString('latin1'));
      else if (isIfcfg(path)) texts.push(path);
      hasIscsiName ||= path === ISCSI_NAME;
      makesName ||= path.endsWith(`/systemd/system/${ISCSI_NAME_UNIT}`);
    }
  }
  if (hasIscsiName && makesName) removed.push(ISCSI_NAME);
  return { removed, contents, texts };
}

/** What virt-sysprep does for some distributions, done for all. It writes every such file anew, with a newline at its end. */
export function rewriteForDisk(text: string): string {
  return withoutMachineNames(text).replace(/(?<!\n|^)$/, '\n');
}
