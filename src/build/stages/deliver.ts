import { chmod, copyFile, cp, mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError } from '../../errors.js';
import { placeFile } from '../../store/link.js';
import type { StoredObject } from '../../store/store.js';
import { requireSpace } from '../../tools/space.js';
import { digHoles, startUnpacking } from '../../tools/tar.js';
import type { Context } from '../context.js';
import { exists } from '../../store/files.js';
import { publishOutput } from '../output-directory.js';
import type { Stage } from '../pipeline.js';
import { ROOT_PASSWORD_FILE } from './commit.js';
import type { Output, Recipe } from '../recipe.js';
import type { Claimed } from './claim.js';

const FILES_OF: Readonly<Record<Exclude<Output, 'nfsroot'>, readonly string[]>> = {
  tar: ['rootfs.tar'],
  cgz: ['initramfs.cgz'],
  kernel: ['vmlinuz', 'initrd.img'],
};

/** Whether an object holds what is asked for: one that was made without initramfs.cgz has none. */
export function hasOutputs(object: StoredObject, outputs: readonly Output[]): boolean {
  const names = outputs.flatMap((wanted) => (wanted === 'nfsroot' ? ['rootfs.tar'] : FILES_OF[wanted]));
  return names.every((name) => object.record.files.some(({ path: stored }) => stored === name));
}

export interface Delivered {
  /** The output directory. */
  readonly delivered: string;
}

export interface Deliverable {
  readonly object: StoredObject;
  /** An nfsroot that was unpacked into the staged output while the object was made. */
  readonly nfsroot: string | undefined;
}

/** Store object -> output directory, in one step. */
export const deliver: Stage<Recipe & Claimed & Deliverable, Delivered> = {
  name: 'deliver',
  run: async (build, context) => {
    const { output, object } = build;
    const { tools } = context;
    const { staging } = output;
    // It holds a guest's files with their setuid bits: others get in when it is complete.
    await mkdir(staging, { recursive: true, mode: 0o700 });
    const names = build.outputs.flatMap((wanted) => (wanted === 'nfsroot' ? [] : FILES_OF[wanted]));
    await requireRoom(build, [...names, 'manifest.json']);
    const sums = await placeFiles(context, object, staging, [...names, 'manifest.json']);
    if (output.wantsNfsroot && build.nfsroot === undefined) await unpackNfsroot(context, object, staging);
    await cp(path.join(object.directory, 'logs'), path.join(staging, 'logs'), { recursive: true });
    const password = path.join(object.directory, ROOT_PASSWORD_FILE);
    if (await exists(password)) await copyFile(password, path.join(staging, ROOT_PASSWORD_FILE));
    await writeFile(path.join(staging, 'SHA256SUMS'), sums);
    await chmod(staging, 0o755);
    await publishOutput(tools, staging, output.directory);
    return { delivered: output.directory };
  },
};

/** Asked before the first byte is copied. On the store's own file system files are linked and take no space. */
async function requireRoom(build: Claimed & Deliverable, names: readonly string[]): Promise<void> {
  const { output, object } = build;
  const sizeOf = (wanted: string): number =>
    object.record.files.find(({ path: stored }) => stored === wanted)?.sizeBytes ?? 0;
  const [source, destination] = [await stat(object.directory), await stat(output.staging)];
  const isCopied = source.dev !== destination.dev;
  let neededBytes = isCopied ? names.reduce((sum, name) => sum + sizeOf(name), 0) : 0;
  if (output.wantsNfsroot && build.nfsroot === undefined) neededBytes += sizeOf('rootfs.tar');
  if (neededBytes > 0) await requireSpace(output.staging, neededBytes, 'the output');
}

async function placeFiles(
  { emit, stage, signal }: Context,
  object: StoredObject,
  staging: string,
  names: readonly string[],
): Promise<string> {
  let sums = '';
  for (const name of names) {
    const file = object.record.files.find(({ path: stored }) => stored === name);
    if (file?.sha256 === undefined) throw new Iso2RootfsError('INTEGRITY', `the cached object has no ${name}`);
    const { sizeBytes: total } = file;
    await placeFile(path.join(object.directory, name), path.join(staging, name), {
      signal,
      onProgress: (done) => emit({ type: 'progress', stage, unit: 'bytes', done, total }),
    });
    sums += `${file.sha256}  ${name}\n`;
  }
  return sums;
}

async function unpackNfsroot({ tools }: Context, object: StoredObject, staging: string): Promise<void> {
  const archive = path.join(object.directory, 'rootfs.tar');
  const nfsroot = path.join(staging, 'nfsroot');
  await mkdir(nfsroot);
  await (
    await startUnpacking(tools, nfsroot, archive)
  ).done;
  const sparse = object.record.facts['sparseFiles'];
  const files: string[] = [];
  for (const name of Array.isArray(sparse) ? sparse : []) {
    const file = path.join(nfsroot, Buffer.from(String(name), 'latin1').toString('utf8'));
    if (await exists(file)) files.push(file);
  }
  await digHoles(tools, files);
}
