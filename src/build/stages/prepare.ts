import path from 'node:path';
import { copySparse } from '../../tools/copy.js';
import { requireSpace } from '../../tools/space.js';
import { virtSparsify, virtSysprep } from '../../tools/virt-sysprep.js';
import type { Stage } from '../pipeline.js';
import type { Installed } from './install.js';

export interface Prepared {
  /** A copy of the installed disk, without what must differ per machine. */
  readonly preparedDiskPath: string;
}

/** Installed disk -> a copy without machine-id, host keys, logs... The fstab is left: the disk still has to be understood by it. */
export const prepare: Stage<Installed, Prepared> = {
  name: 'prepare',
  run: async ({ disk }, { store, workspace, tools }) => {
    await requireSpace(store.layout.root, disk.allocatedBytes, 'a copy of the installed disk');
    const preparedDiskPath = path.join(await store.createStagingDirectory(workspace.id), 'prepared.raw');
    await copySparse(tools, disk.path, preparedDiskPath);
    await virtSysprep(tools, { diskPath: preparedDiskPath });
    return { preparedDiskPath };
  },
};

export interface Sparsified {
  readonly isSparse: true;
}

/** Gives the blocks of removed files back. */
export const sparsify: Stage<Prepared, Sparsified> = {
  name: 'sparsify',
  run: async ({ preparedDiskPath }, { tools }) => {
    await virtSparsify(tools, { diskPath: preparedDiskPath });
    return { isSparse: true };
  },
};
