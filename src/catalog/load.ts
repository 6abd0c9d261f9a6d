import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemErrorCode } from '../errors.js';
import type { Catalog } from './catalog.js';
import { withAbsoluteKeyFiles } from './key-files.js';
import type { Distribution } from './schema.js';

export type { Catalog } from './catalog.js';

/** Our own data; `distros.d` lies beside this module both in src/ and in dist/. */
export const OWN_DIRECTORY = fileURLToPath(new URL('distros.d/', import.meta.url));

/** The same, read, checked and merged when the program was built: see compile.ts. There is none in src/. */
export const COMPILED_FILE = fileURLToPath(new URL('distros.json', import.meta.url));

export interface CompiledCatalog {
  readonly files: readonly string[];
  readonly distributions: readonly Distribution[];
}

/**
 * Reads our catalogue, then every `*.yaml` of the user's directories (those that exist), in alphabetical order: see
 * {@link import('./read-catalog-files.js').readCatalogFiles}.
 * @throws Iso2RootfsError CONFIG_INVALID, naming the file, the line and the path inside the file.
 */
export async function loadCatalog(options: { readonly userDirectories?: readonly string[] } = {}): Promise<Catalog> {
  const userFiles: string[] = [];
  for (const directory of options.userDirectories ?? []) userFiles.push(...(await listYamlFiles(directory)));
  const compiled = userFiles.length === 0 ? await readCompiled() : undefined;
  if (compiled !== undefined) return compiled;
  const { readCatalogFiles } = await import('./read-catalog-files.js');
  return readCatalogFiles([...(await listYamlFiles(OWN_DIRECTORY)), ...userFiles]);
}

async function readCompiled(): Promise<Catalog | undefined> {
  let text: string;
  try {
    text = await readFile(COMPILED_FILE, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  return expandCompiled(JSON.parse(text) as CompiledCatalog);
}

export function expandCompiled({ files, distributions }: CompiledCatalog): Catalog {
  return {
    files: files.map((file) => path.join(OWN_DIRECTORY, file)),
    distributions: new Map(
      distributions.map((distribution) => [
        distribution.id,
        withAbsoluteKeyFiles(distribution, OWN_DIRECTORY) as Distribution,
      ]),
    ),
  };
}

/** None when there is no such directory. */
export async function listYamlFiles(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => /^[^.].*\.ya?ml$/.test(name))
      .sort()
      .map((name) => path.join(directory, name));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
