import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError } from '../errors.js';
import { exists, readJson } from '../store/files.js';
import type { StoredObject } from '../store/store.js';
import { chooseAccelerator } from '../tools/accelerator.js';
import type { FileLock } from '../tools/flock.js';
import { startUnpacking } from '../tools/tar.js';
import { leastMemoryMiB } from '../tree/least-memory.js';
import { requirePassed, verifyImages, type BootResult, type ImageSet } from '../verify/verify.js';
import { amendObject, type AmendedObject } from './amend-object.js';
import type { Context } from './context.js';
import { manifestSchema, type Manifest } from './manifest.js';
import type { Recipe } from './recipe.js';
import { consoleLogName, recordVerification } from './verification.js';

export const VERIFIABLE = ['cgz', 'nfsroot', 'disk'] as const;
export type Verifiable = (typeof VERIFIABLE)[number];

export interface VerifyPlan {
  readonly outputs: readonly Verifiable[];
  readonly accelerator: 'kvm' | 'tcg';
  /** Of every machine. Default: what the manifest states for initramfs.cgz, 1 GiB for the others. */
  readonly memoryMiB?: number | undefined;
  /** Longest boot. Default: 5 minutes, 15 by emulation. */
  readonly timeoutMs?: number | undefined;
}

/** The kinds of output that a directory has something of. */
export async function findVerifiable(directory: string): Promise<Verifiable[]> {
  const places: readonly (readonly [Verifiable, readonly string[]])[] = [
    ['cgz', ['initramfs.cgz']],
    ['nfsroot', ['nfsroot', 'rootfs.tar']],
    ['disk', DISKS.map(({ name }) => name)],
  ];
  const found: Verifiable[] = [];
  for (const [kind, names] of places) {
    for (const name of names) {
      if (!found.includes(kind) && (await exists(path.join(directory, name)))) found.push(kind);
    }
  }
  return found;
}

const DISKS = [
  { name: 'disk.raw', format: 'raw' },
  { name: 'disk.qcow2', format: 'qcow2' },
] as const;

/**
 * Boots what a directory holds.
 * @param directory an output directory or a stored object
 * @throws Iso2RootfsError FILE_NOT_FOUND when the directory lacks what the plan names
 */
export async function bootOutputs(
  context: Context,
  manifest: Manifest,
  directory: string,
  plan: VerifyPlan,
  onBoot?: (result: BootResult) => void,
): Promise<BootResult[]> {
  const { workspace, tools, emit } = context;
  const at = (name: string): string => path.join(directory, name);
  const scratch = path.join(workspace.directory, 'verify');
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const present = await findVerifiable(directory);
  const missing = plan.outputs.filter((output) => !present.includes(output));
  if (missing.length > 0 || !(await exists(at('vmlinuz')))) {
    const what = missing.length > 0 ? missing.join(', ') : 'vmlinuz';
    throw new Iso2RootfsError('FILE_NOT_FOUND', `${directory} has nothing to boot as ${what}`, {
      hint: "Make it with 'iso2rootfs build --outputs ...,kernel', or name what is there with --outputs.",
    });
  }
  if (plan.outputs.includes('nfsroot') && !(await exists(at('nfsroot')))) {
    await unpack(context, at('rootfs.tar'), path.join(scratch, 'unpacked'));
  }
  const nfsroot = (await exists(at('nfsroot'))) ? at('nfsroot') : path.join(scratch, 'unpacked');
  const disk = await findDisk(directory);
  const images: ImageSet = {
    arch: manifest.medium.arch,
    kernelVersion: manifest.kernel.version,
    kernelPath: at('vmlinuz'),
    initrdPath: at('initrd.img'),
    capabilityPaths: capabilityPaths(manifest.initramfs?.lostMetadata ?? []),
    ...(plan.outputs.includes('cgz') ? { cgz: describeCgz(manifest, at('initramfs.cgz')) } : {}),
    ...(plan.outputs.includes('nfsroot') ? { nfsroot } : {}),
    ...(plan.outputs.includes('disk') && disk !== undefined ? { disk } : {}),
  };
  return verifyImages(images, {
    ...plan,
    onBoot,
    tools: tools.forStage('verify'),
    emit,
    scratch: path.join(scratch, 'boots'),
  });
}

async function findDisk(directory: string): Promise<ImageSet['disk']> {
  for (const { name, format } of DISKS) {
    if (await exists(path.join(directory, name))) return { path: path.join(directory, name), format };
  }
  return undefined;
}

async function unpack({ tools }: Context, archive: string, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  await (
    await startUnpacking(tools, directory, archive)
  ).done;
}

type Cgz = NonNullable<ImageSet['cgz']>;

function describeCgz(manifest: Manifest, file: string): Cgz {
  return { path: file, memoryMiB: statedMemoryMiB(manifest), root: IN_MEMORY_ROOT };
}

/** What a system in memory has as its root: a tmpfs, since nothing on the command line makes the kernel take a ramfs. */
export const IN_MEMORY_ROOT: Cgz['root'] = { matches: /^tmpfs$/, description: 'a tmpfs' };

/** What the manifest states, or, in one that is older than the statement, what it would. */
function statedMemoryMiB({ initramfs, artifacts }: Manifest): number {
  const stated = initramfs?.leastMemoryMiB;
  if (stated !== undefined) return stated;
  const cgz = artifacts.find(({ name }) => name === 'initramfs.cgz');
  const nfsroot = artifacts.find(({ type }) => type === 'directory');
  return leastMemoryMiB([
    {
      compressedBytes: cgz?.type === 'file' ? cgz.sizeBytes : 0,
      unpackedBytes: initramfs?.unpackedBytes ?? 0,
      inodeCount: nfsroot?.type === 'directory' ? nfsroot.entries : 0,
    },
  ]);
}

export function capabilityPaths(
  lost: readonly { readonly path: string; readonly capabilityHex?: string | undefined }[],
): string[] {
  return lost.filter(({ capabilityHex }) => capabilityHex !== undefined).map(({ path: file }) => file);
}

/**
 * Boots what a build has made, or found, of what it was asked for.
 * @throws Iso2RootfsError VERIFY_FAILED, after the object has been marked
 */
export async function verifyForBuild(
  context: Context,
  { outputs, acceleration }: Recipe,
  object: StoredObject,
  lock: FileLock,
): Promise<AmendedObject> {
  const { store, tools, emit, signal } = context;
  const startedAt = performance.now();
  emit({ type: 'stage-start', stage: 'verify' });
  const manifest = manifestSchema.parse(await readJson(path.join(object.directory, 'manifest.json')));
  const { arch } = manifest.medium;
  const { toolsPath } = tools;
  const stateDirectory = store.layout.state;
  const { accelerator } = await chooseAccelerator(acceleration, { arch, toolsPath, stateDirectory, signal });
  const present = await findVerifiable(object.directory);
  const wanted: readonly string[] = outputs;
  const plan = { outputs: present.filter((output) => wanted.includes(output)), accelerator };
  if (plan.outputs.length === 0) {
    throw new Iso2RootfsError('USAGE', '--verify has nothing to boot', {
      hint: 'Ask for cgz or nfsroot with --outputs.',
    });
  }
  requireRoot(plan.outputs);
  const results = await bootOutputs(context, manifest, object.directory, plan);
  const amended = await recordInObject(context, object.record.key, results, plan, lock);
  requirePassed(results);
  emit({ type: 'stage-done', stage: 'verify', elapsedMs: performance.now() - startedAt });
  return amended;
}

/** @throws Iso2RootfsError PERMISSION when an nfsroot is to be booted by somebody else than root */
export function requireRoot(outputs: readonly Verifiable[]): void {
  if (!outputs.includes('nfsroot') || process.getuid?.() === 0) return;
  throw new Iso2RootfsError('PERMISSION', 'only root can export an nfsroot', {
    hint: 'Run as root, or boot initramfs.cgz only: --outputs cgz,kernel for build, --outputs cgz for verify.',
  });
}

/** Adds what boots came to to the object of a key. */
export async function recordInObject(
  context: Context,
  key: string,
  results: readonly BootResult[],
  { accelerator }: Pick<VerifyPlan, 'accelerator'>,
  lock?: FileLock,
): Promise<AmendedObject> {
  const addFiles = new Map<string, { path: string }>();
  const staging = await context.store.createStagingDirectory(context.workspace.id);
  for (const result of results) {
    const file = path.join(staging, path.basename(result.consoleLog));
    await copyFile(result.consoleLog, file);
    addFiles.set(consoleLogName(result), { path: file });
  }
  const change = (current: Manifest): Manifest => ({
    ...current,
    verification: recordVerification(results, accelerator, current.verification),
  });
  return amendObject(context, key, { addFiles, manifest: change }, lock);
}
