import { realpath, stat } from 'node:fs/promises';
import { Iso2RootfsError } from '../../errors.js';
import { readVolumeDescriptor } from '../../media/read-medium.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';

export interface Fetched {
  readonly iso: {
    /** Absolute, without symbolic links. */
    readonly path: string;
    readonly sha256: string;
    readonly sizeBytes: number;
  };
}

/** Path -> ISO and its SHA-256. */
export const fetch: Stage<Recipe, Fetched> = {
  name: 'fetch',
  run: async (recipe, { store, emit, signal, stage }) => {
    // A file that is no ISO is refused before gigabytes of it are hashed.
    await readVolumeDescriptor(recipe.iso);
    const path = await realpath(recipe.iso);
    const { size: sizeBytes } = await stat(path);
    const { sha256 } = await store.fileHashes.sha256(path, {
      signal,
      onProgress: (done) => emit({ type: 'progress', stage, unit: 'bytes', done, total: sizeBytes }),
    });
    if (recipe.expectedSha256 !== undefined && recipe.expectedSha256.toLowerCase() !== sha256) {
      throw new Iso2RootfsError(
        'CHECKSUM_MISMATCH',
        `${recipe.iso} has the SHA-256 ${sha256}, not ${recipe.expectedSha256.toLowerCase()} as it should`,
        { hint: 'Download it again, or compare the sum with the one that the distribution publishes.' },
      );
    }
    return { iso: { path, sha256, sizeBytes } };
  },
};
