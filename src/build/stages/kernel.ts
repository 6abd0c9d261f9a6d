import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { virtGetKernel } from '../../tools/virt-get-kernel.js';
import type { Stage } from '../pipeline.js';
import type { Prepared } from './prepare.js';

export interface KernelCopied {
  /** Holds a kernel and an initrd under the names that they have in /boot; whether they belong together is still to be checked. */
  readonly kernelDirectory: string;
}

/** Disk -> its newest kernel and an initrd. */
export const kernel: Stage<Prepared, KernelCopied> = {
  name: 'kernel',
  run: async ({ preparedDiskPath }, { store, workspace, tools }) => {
    const kernelDirectory = path.join(await store.createStagingDirectory(workspace.id), 'boot');
    await mkdir(kernelDirectory);
    await virtGetKernel(tools, { diskPath: preparedDiskPath, directory: kernelDirectory });
    return { kernelDirectory };
  },
};
