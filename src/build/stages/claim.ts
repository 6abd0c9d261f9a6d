import { mkdir } from 'node:fs/promises';
import { Iso2RootfsError } from '../../errors.js';
import { claimOutputDirectory, outputStagingDirectory } from '../output-directory.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';
import type { Inspected } from './inspect.js';

export interface Claimed {
  readonly output: {
    /** Where the result will be. */
    readonly directory: string;
    /** Where it is made: beside it. */
    readonly staging: string;
    readonly wantsNfsroot: boolean;
  };
}

/** The output directory, once the medium has told its default name. Refused before anything is installed. */
export const claim: Stage<Recipe & Inspected, Claimed> = {
  name: 'claim',
  run: async ({ outputDirectory, outputs, medium }, { workspace }) => {
    const wantsNfsroot = outputs.includes('nfsroot');
    if (wantsNfsroot && process.getuid?.() !== 0) {
      throw new Iso2RootfsError(
        'PERMISSION',
        'nfsroot holds files of other owners and device nodes: only root can write it',
        {
          hint: 'Run as root, or leave it out: --outputs tar,cgz,kernel.',
        },
      );
    }
    const directory = await claimOutputDirectory(
      outputDirectory ?? `${medium.distro}-${medium.release}-${medium.arch}`,
    );
    const staging = outputStagingDirectory(directory, workspace.id);
    await workspace.recordOutputStaging(staging);
    await mkdir(staging);
    return { output: { directory, staging, wantsNfsroot } };
  },
};
