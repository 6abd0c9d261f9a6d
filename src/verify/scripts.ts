import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The same for `src/` under tsx and for `dist/`. */
const SCRIPTS = fileURLToPath(new URL('../../templates/verify/', import.meta.url));

/** What runs in a system that is verified. */
export async function readScript(name: string): Promise<string> {
  return readFile(path.join(SCRIPTS, name), 'utf8');
}
