import path from 'node:path';
import { copySparse } from '../../tools/copy.js';
import { giveFreeBlocksBack } from '../../tools/disk/mount-disk.js';
import { requireSpace } from '../../tools/space.js';
import { virtSparsify, virtSysprep } from '../../tools/virt-sysprep.js';
import { clearDisk } from '../clear-disk.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';
import type { Installed } from './install.js';

export interface Prepared {
  /** A copy of the installed disk, without what must differ per machine; with the engine `mount` the installed disk, unless a disk is asked for. */
  readonly preparedDiskPath: string;
}

/** A disk that is handed out has to be changed itself; what is read of it for a tree may as well be left out on the way (distro/netboot). */
function handsOutDisk({ outputs }: Pick<Recipe, 'outputs'>): boolean {
  return outputs.some((output) => output === 'raw' || output === 'qcow2');
}

/** Installed disk -> a copy without machine-id, host keys, logs... The fstab is left: the disk still has to be understood by it. */
export const prepare: Stage<Recipe & Installed, Prepared> = {
  name: 'prepare',
  run: async ({ disk, engine, outputs }, { store, workspace, tools }) => {
    // The host's kernel reads the installed disk itself.
    if (engine === 'mount' && !handsOutDisk({ outputs })) return { preparedDiskPath: disk.path };
    await requireSpace(store.layout.root, disk.allocatedBytes, 'a copy of the installed disk');
    const preparedDiskPath = path.join(await store.createStagingDirectory(workspace.id), 'prepared.raw');
    await copySparse(tools, disk.path, preparedDiskPath);
    if (engine === 'guestfs') await virtSysprep(tools, { diskPath: preparedDiskPath });
    else await clearDisk(tools, preparedDiskPath, engine);
    return { preparedDiskPath };
  },
};

export interface Sparsified {
  /** False: nobody is given this disk, which is removed when it has been read. */
  readonly isSparse: boolean;
}

/** Gives the blocks of removed files back: of a disk that is handed out alone, as it may take an appliance. */
export const sparsify: Stage<Recipe & Prepared, Sparsified> = {
  name: 'sparsify',
  run: async ({ preparedDiskPath, engine, outputs }, { tools }) => {
    if (!handsOutDisk({ outputs })) return { isSparse: false };
    if (engine === 'guestfs') await virtSparsify(tools, { diskPath: preparedDiskPath });
    else await giveFreeBlocksBack(tools, preparedDiskPath, path.dirname(preparedDiskPath));
    return { isSparse: true };
  },
};
