import { lstat, mkdir, readdir, realpath, rename } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError, systemErrorCode } from '../errors.js';
import { readJson } from '../store/files.js';
import { exchangePaths, removeTree } from '../tools/copy.js';
import type { Toolbox } from '../tools/toolbox.js';

const HINT = 'Give another directory with --output, or move that one away.';

/**
 * Makes sure that an output directory may be written: it does not exist, is empty, or is one of ours.
 * @returns its absolute path, without symbolic links
 * @throws Iso2RootfsError OUTPUT_EXISTS
 */
export async function claimOutputDirectory(directory: string): Promise<string> {
  const wanted = path.resolve(directory);
  let actual: string;
  try {
    const status = await lstat(wanted);
    actual = await realpath(wanted).catch(() => wanted);
    if (status.isSymbolicLink() && actual === wanted) throw refuse(wanted, 'is a dangling symbolic link');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOTDIR') throw refuse(wanted, 'lies below a file');
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    await makeParent(wanted);
    return path.join(await realpath(path.dirname(wanted)), path.basename(wanted));
  }
  if (!(await lstat(actual)).isDirectory()) throw refuse(wanted, 'is a file');
  if (actual === '/') throw refuse(wanted, 'is the root directory');
  const names = await readdir(actual);
  if (names.length > 0 && !(await isOurs(actual)))
    throw refuse(wanted, 'is not empty and was not written by iso2rootfs');
  return actual;
}

async function makeParent(wanted: string): Promise<void> {
  try {
    await mkdir(path.dirname(wanted), { recursive: true });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EEXIST' || code === 'ENOTDIR') throw refuse(wanted, 'lies below a file');
    throw error;
  }
}

async function isOurs(directory: string): Promise<boolean> {
  const manifest = await readJson(path.join(directory, 'manifest.json')).catch(() => undefined);
  if (typeof manifest !== 'object' || manifest === null || !('program' in manifest)) return false;
  const { program } = manifest;
  return typeof program === 'object' && program !== null && 'name' in program && program.name === 'iso2rootfs';
}

function refuse(directory: string, why: string): Iso2RootfsError {
  return new Iso2RootfsError('OUTPUT_EXISTS', `the output directory ${directory} ${why}`, { hint: HINT });
}

/** How the name of every staged output of a build ends. */
export function outputStagingSuffix(buildId: string): string {
  return `.iso2rootfs-${buildId}`;
}

/** Where the output is made: beside its place, so that it can be renamed into it. */
export function outputStagingDirectory(outputDirectory: string, buildId: string): string {
  return path.join(path.dirname(outputDirectory), `.${path.basename(outputDirectory)}${outputStagingSuffix(buildId)}`);
}

/** Where an output that is being replaced waits, for as long as there is nothing in its place. */
function replacedDirectory(staging: string): string {
  return `${staging}.old`;
}

/** Removes what a build has staged. Should it have died between taking the old output away and putting the new one there, the old comes back. */
export async function discardOutputStaging(tools: Toolbox, staging: string, buildId: string): Promise<void> {
  const old = replacedDirectory(staging);
  const name = path.basename(staging).slice(1, -outputStagingSuffix(buildId).length);
  const place = path.join(path.dirname(staging), name);
  if (await isThere(old)) {
    if (name !== '' && !(await isThere(place))) await rename(old, place);
    else await removeTree(tools, old);
  }
  await removeTree(tools, staging);
}

async function isThere(target: string): Promise<boolean> {
  return (await lstat(target).catch(() => undefined)) !== undefined;
}

/** Puts a complete staged output into its place, in one step where the file system can. */
export async function publishOutput(tools: Toolbox, staging: string, outputDirectory: string): Promise<void> {
  if (!(await isThere(outputDirectory))) {
    await rename(staging, outputDirectory);
    return;
  }
  // Looked at again: it may have been filled while we worked.
  await claimOutputDirectory(outputDirectory);
  if (await exchangePaths(tools, staging, outputDirectory)) {
    await removeTree(tools, staging);
    return;
  }
  const old = replacedDirectory(staging);
  await rename(outputDirectory, old);
  try {
    await rename(staging, outputDirectory);
  } catch (error) {
    await rename(old, outputDirectory);
    throw error;
  }
  await removeTree(tools, old);
}
