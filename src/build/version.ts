import { readFileSync } from 'node:fs';

interface PackageFile {
  readonly version: string;
}

/** Of this program, from its package.json, which lies two levels up both in src/ and in dist/. */
export const PROGRAM_VERSION = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as PackageFile
).version;
