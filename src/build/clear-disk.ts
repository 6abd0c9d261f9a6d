import path from 'node:path';
import { planDiskChanges, rewriteForDisk } from '../distro/netboot/disk-changes.js';
import { changeMountedDisk } from '../tools/disk/mount-disk.js';
import { changeDisk } from '../tools/guestfish.js';
import type { Engine } from '../tools/requirements.js';
import type { Toolbox } from '../tools/toolbox.js';
import { listTree, readInTree, removeFromTree, removeToken, writeInTree, type TreeShell } from '../tools/tree-shell.js';
import { parseNames } from './latest-times.js';

/** Takes out of a disk that is to be handed out what must differ per machine, and the success token. In place. */
export async function clearDisk(tools: Toolbox, diskPath: string, engine: Engine): Promise<void> {
  if (engine === 'mount') await changeMountedDisk(tools, diskPath, path.dirname(diskPath), clearTree);
  else await changeDisk(tools, diskPath, clearTree);
}

async function clearTree(shell: TreeShell): Promise<void> {
  const { removed, contents, texts } = planDiskChanges(parseNames(await listTree(shell)));
  const written = new Map(contents);
  for (const [file, text] of await readInTree(shell, texts)) written.set(file, rewriteForDisk(text));
  await removeFromTree(shell, removed);
  await writeInTree(shell, written);
  await removeToken(shell);
}
