import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../../src/tools/run.js';

/** Files by path; a directory's path ends with a slash, a symlink is its target. */
export type IsoTree = Readonly<Record<string, string | Buffer | { readonly linkTo: string }>>;

export interface IsoOptions {
  readonly volumeId?: string;
  readonly systemId?: string;
  readonly publisherId?: string;
  readonly applicationId?: string;
  /** Default: Rock Ridge alone. */
  readonly naming?: 'rock-ridge' | 'joliet' | 'iso9660';
}

const NAMING_ARGUMENTS = { 'rock-ridge': ['-r'], joliet: ['--norock', '-J'], iso9660: ['--norock'] } as const;

/** A directory for a test file's ISOs. */
export async function makeScratch(): Promise<{ path: string; remove: () => Promise<void> }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-media-'));
  return { path: directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

/** Makes a real ISO with xorriso and returns its path. */
export async function makeIso(scratch: string, name: string, tree: IsoTree, options: IsoOptions = {}): Promise<string> {
  const root = path.join(scratch, `${name}.d`);
  await mkdir(root, { recursive: true });
  for (const [entry, content] of Object.entries(tree)) {
    const place = path.join(root, entry);
    await mkdir(entry.endsWith('/') ? place : path.dirname(place), { recursive: true });
    if (typeof content === 'object' && 'linkTo' in content) await symlink(content.linkTo, place);
    else if (!entry.endsWith('/')) await writeFile(place, content);
  }
  const iso = path.join(scratch, `${name}.iso`);
  const identifiers = [
    ['-V', options.volumeId],
    ['-sysid', options.systemId],
    ['-publisher', options.publisherId],
    ['-appid', options.applicationId],
  ].flatMap(([flag, value]) => (flag === undefined || value === undefined || value === '' ? [] : [flag, value]));
  await run('xorriso', [
    ...['-as', 'mkisofs', '-quiet', ...NAMING_ARGUMENTS[options.naming ?? 'rock-ridge']],
    ...[...identifiers, '-o', iso, root],
  ]);
  return iso;
}

/** The same file with some bytes replaced, or cut off. */
export async function patchIso(
  scratch: string,
  name: string,
  original: Buffer,
  change: (image: Buffer) => Buffer | undefined,
): Promise<string> {
  const copy = Buffer.from(original);
  const iso = path.join(scratch, `${name}.iso`);
  await writeFile(iso, change(copy) ?? copy);
  return iso;
}
