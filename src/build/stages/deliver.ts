import { createHash } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { GUEST_RECORD_FILE } from '../../compare/guest-record.js';
import { Iso2RootfsError } from '../../errors.js';
import { PACKAGES_FILE, SBOM_FILE } from '../../packages/types.js';
import { placeFile } from '../../store/link.js';
import type { StoredObject } from '../../store/store.js';
import { copySparse } from '../../tools/copy.js';
import { requireSpace } from '../../tools/space.js';
import { digHoles } from '../../tools/tar.js';
import type { Context } from '../context.js';
import { exists, readJson } from '../../store/files.js';
import { leastMemoryMiB } from '../../tree/least-memory.js';
import { MANIFEST_FILE } from '../amend-object.js';
import { planFiles, type PlannedFile } from '../artifacts/plan.js';
import { formatManifest, manifestSchema, type Artifact, type Manifest } from '../manifest.js';
import { publishOutput } from '../output-directory.js';
import { unpackStored } from '../unpack-stored.js';
import type { Stage } from '../pipeline.js';
import { ROOT_PASSWORD_FILE } from './commit.js';
import type { Recipe } from '../recipe.js';
import type { Claimed } from './claim.js';

export interface Delivered {
  /** The output directory. */
  readonly delivered: string;
  /** The one in it. */
  readonly deliveredManifest: Manifest;
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
    const files = [...planFiles(build.outputs, build.cgz), ...findAccompanying(object)];
    await requireRoom(build, files);
    const sums = await placeFiles(context, object, staging, files);
    if (output.wantsNfsroot && build.nfsroot === undefined) await unpackNfsroot(context, object, staging);
    await cp(path.join(object.directory, 'logs'), path.join(staging, 'logs'), { recursive: true });
    const password = path.join(object.directory, ROOT_PASSWORD_FILE);
    if (await exists(password)) await copyFile(password, path.join(staging, ROOT_PASSWORD_FILE));
    const manifest = await describeDelivered(object, files, build.outputs.includes('nfsroot'));
    const text = formatManifest(manifest);
    await writeFile(path.join(staging, MANIFEST_FILE), text, { mode: 0o444 });
    const manifestSum = `${createHash('sha256').update(text).digest('hex')}  ${MANIFEST_FILE}\n`;
    await writeFile(path.join(staging, 'SHA256SUMS'), sums + manifestSum);
    await chmod(staging, 0o755);
    await publishOutput(tools, staging, output.directory);
    return { delivered: output.directory, deliveredManifest: manifest };
  },
};

type DeliveredFile = Pick<PlannedFile, 'name' | 'stored' | 'making'>;

/** What tells of the system, whatever outputs are asked for; not all objects have it. */
const ACCOMPANYING = [PACKAGES_FILE, SBOM_FILE, GUEST_RECORD_FILE];

function findAccompanying({ record }: StoredObject): DeliveredFile[] {
  return ACCOMPANYING.filter((name) => record.files.some(({ path: stored }) => stored === name)).map((name) => ({
    name,
    stored: name,
    making: { by: 'conversion' },
  }));
}

/** Asked before the first byte is copied. On the store's own file system files are linked and take no space, but for disks. */
async function requireRoom(build: Claimed & Deliverable, files: readonly DeliveredFile[]): Promise<void> {
  const { output, object } = build;
  const sizeOf = (wanted: string): number =>
    object.record.files.find(({ path: stored }) => stored === wanted)?.sizeBytes ?? 0;
  const allocatedBytesOf = async ({ stored }: DeliveredFile): Promise<number> =>
    (await stat(path.join(object.directory, stored))).blocks * 512;
  const [source, destination] = [await stat(object.directory), await stat(output.staging)];
  const isCopied = source.dev !== destination.dev;
  let neededBytes = 0;
  for (const file of files) {
    if (isCopied || file.making.by === 'disk-image') neededBytes += await allocatedBytesOf(file);
  }
  if (output.wantsNfsroot && build.nfsroot === undefined) neededBytes += sizeOf('rootfs.tar');
  if (neededBytes > 0) await requireSpace(output.staging, neededBytes, 'the output');
}

async function placeFiles(
  { emit, stage, signal, tools }: Context,
  object: StoredObject,
  staging: string,
  files: readonly DeliveredFile[],
): Promise<string> {
  let sums = '';
  for (const { name, stored, making } of files) {
    const file = object.record.files.find((each) => each.path === stored);
    if (file?.sha256 === undefined) throw new Iso2RootfsError('INTEGRITY', `the cached object has no ${stored}`);
    const { sizeBytes: total } = file;
    // Whoever starts a machine from a disk writes to it.
    const isToBeChanged = making.by === 'disk-image';
    await placeFile(path.join(object.directory, stored), path.join(staging, name), {
      signal,
      isToBeChanged,
      onProgress: (done) => emit({ type: 'progress', stage, unit: 'bytes', done, total }),
      copySparse: async (source, destination) => copySparse(tools, source, destination),
    });
    if (isToBeChanged) await chmod(path.join(staging, name), 0o644);
    sums += `${file.sha256}  ${name}\n`;
  }
  return sums;
}

/** What is delivered of an object, under the names that it has in the output directory. */
async function describeDelivered(
  object: StoredObject,
  files: readonly DeliveredFile[],
  hasNfsroot: boolean,
): Promise<Manifest> {
  const stored = await readJson(path.join(object.directory, MANIFEST_FILE));
  const manifest = manifestSchema.parse(stored);
  const artifacts = manifest.artifacts.flatMap((artifact): Artifact[] => {
    if (artifact.type === 'directory') return hasNfsroot ? [artifact] : [];
    const file = files.find((each) => each.stored === artifact.name);
    return file === undefined ? [] : [{ ...artifact, name: file.name }];
  });
  const initramfs = initramfsOf(artifacts) ?? manifest.initramfs;
  // What a newer version of the program has written there stays.
  return { ...(stored as object), ...manifest, artifacts, ...(initramfs === undefined ? {} : { initramfs }) };
}

/** Of a variant of initramfs.cgz; with its modules, which the machine unpacks as well. */
function initramfsOf(artifacts: readonly Artifact[]): Manifest['initramfs'] {
  const archives = artifacts.flatMap((artifact) =>
    artifact.type === 'file' && artifact.initramfs !== undefined ? [{ ...artifact, ...artifact.initramfs }] : [],
  );
  const system = archives.find(({ name }) => name === 'initramfs.cgz');
  if (system?.initramfs === undefined) return undefined;
  const inMemory = archives.map(({ sizeBytes, unpackedBytes, inodeCount = 0 }) => ({
    compressedBytes: sizeBytes,
    unpackedBytes,
    inodeCount,
  }));
  return { ...system.initramfs, leastMemoryMiB: leastMemoryMiB(inMemory) };
}

async function unpackNfsroot({ tools }: Context, object: StoredObject, staging: string): Promise<void> {
  const nfsroot = path.join(staging, 'nfsroot');
  await mkdir(nfsroot);
  await unpackStored(tools, object, nfsroot);
  const sparse = object.record.facts['sparseFiles'];
  const files: string[] = [];
  for (const name of Array.isArray(sparse) ? sparse : []) {
    const file = path.join(nfsroot, Buffer.from(String(name), 'latin1').toString('utf8'));
    if (await exists(file)) files.push(file);
  }
  await digHoles(tools, files);
}
