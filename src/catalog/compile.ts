import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { withRelativeKeyFiles } from './key-files.js';
import { COMPILED_FILE, listYamlFiles, OWN_DIRECTORY, type CompiledCatalog } from './load.js';
import { readCatalogFiles } from './read-catalog-files.js';
import type { Distribution } from './schema.js';

/** Our own catalogue, checked and merged: reading YAML takes longer than all else that a hit in the cache needs. */
export async function compileCatalog(): Promise<CompiledCatalog> {
  const { files, distributions } = await readCatalogFiles(await listYamlFiles(OWN_DIRECTORY));
  return {
    files: files.map((file) => path.relative(OWN_DIRECTORY, file)),
    distributions: [...distributions.values()].map(
      (distribution) => withRelativeKeyFiles(distribution, OWN_DIRECTORY) as Distribution,
    ),
  };
}

/** A step of `npm run build`. */
export async function writeCompiledCatalog(): Promise<void> {
  await writeFile(COMPILED_FILE, JSON.stringify(await compileCatalog()));
}
