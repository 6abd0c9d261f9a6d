import path from 'node:path';
import { handsOutDisk } from '../../config/outputs.js';
import { copySparse } from '../../tools/copy.js';
import { giveFreeBlocksBack } from '../../tools/disk/mount-disk.js';
import { requireSpace } from '../../tools/space.js';
import { virtSparsify } from '../../tools/virt-sparsify.js';
import { clearDisk } from '../clear-disk.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';
import type { Installed } from './install.js';

export interface Prepared {
  /** The disk to be handed out: a copy of the installed one, without what must differ per machine. Undefined: none was asked for. */
  readonly preparedDiskPath: string | undefined;
}

/**
 * Installed disk -> a copy without machine-id, host keys, logs..., where a disk is asked for. What goes into trees is read of the installed
 * disk itself, and the same is left out on the way (distro/netboot). The fstab is left: the disk boots by it.
 */
export const prepare: Stage<Recipe & Installed, Prepared> = {
  name: 'prepare',
  run: async ({ disk, engine, outputs }, { store, workspace, tools }) => {
    if (!handsOutDisk(outputs)) return { preparedDiskPath: undefined };
    await requireSpace(store.layout.root, disk.allocatedBytes, 'a copy of the installed disk');
    const preparedDiskPath = path.join(await store.createStagingDirectory(workspace.id), 'prepared.raw');
    await copySparse(tools, disk.path, preparedDiskPath);
    await clearDisk(tools, preparedDiskPath, engine);
    return { preparedDiskPath };
  },
};

/** Gives the blocks of removed files back, where a disk is handed out. */
export const sparsify: Stage<Recipe & Prepared, object> = {
  name: 'sparsify',
  run: async ({ preparedDiskPath, engine }, { tools }) => {
    if (preparedDiskPath === undefined) return {};
    if (engine === 'guestfs') await virtSparsify(tools, { diskPath: preparedDiskPath });
    else await giveFreeBlocksBack(tools, preparedDiskPath, path.dirname(preparedDiskPath));
    return {};
  },
};
