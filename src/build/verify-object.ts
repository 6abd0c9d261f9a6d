import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError } from '../errors.js';
import { exists, readJson } from '../store/files.js';
import type { StoredObject } from '../store/store.js';
import { chooseAccelerator } from '../tools/accelerator.js';
import type { FileLock } from '../tools/flock.js';
import { unpackArchive } from '../tools/tar.js';
import { leastMemoryMiB } from '../tree/least-memory.js';
import { requireNfsServer } from '../verify/nfs-server.js';
import { requirePassed, verifyImages, type BootResult, type ImageSet } from '../verify/verify.js';
import { amendObject, type AmendedObject } from './amend-object.js';
import type { Context } from './context.js';
import { planFiles } from './artifacts/plan.js';
import { manifestSchema, type Artifact, type Manifest } from './manifest.js';
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

const DISK_FORMATS = ['raw', 'qcow2'] as const;

type FileArtifact = Extract<Artifact, { type: 'file' }>;

/** Where what can be booted lies. */
export interface BootableFiles {
  readonly kernelPath: string;
  readonly initrdPath: string;
  /** The archives that the kernel unpacks together: initramfs.cgz, and its modules.cgz where there is one. */
  readonly cgz?: readonly (FileArtifact & { readonly path: string })[];
  /** A directory; undefined: {@link tarPath} is unpacked. */
  readonly nfsroot?: string;
  readonly tarPath?: string;
  readonly disk?: FileArtifact & { readonly path: string; readonly format: 'raw' | 'qcow2' };
}

/**
 * Finds what can be booted in an output directory or a stored object.
 * @param wanted names of files; of several variants of initramfs.cgz, which lie beside each other in an object, those count. Default: the
 *   usual one, else any
 */
export async function findBootable(
  manifest: Manifest,
  directory: string,
  wanted?: readonly string[],
): Promise<BootableFiles> {
  const at = (name: string): string => path.join(directory, name);
  const files: (FileArtifact & { path: string })[] = [];
  for (const artifact of manifest.artifacts) {
    if (artifact.type !== 'file' || !(await exists(at(artifact.name)))) continue;
    if (wanted === undefined || wanted.includes(artifact.name)) files.push({ ...artifact, path: at(artifact.name) });
  }
  const named = (pattern: RegExp): (typeof files)[number] | undefined => files.find(({ name }) => pattern.test(name));
  const system = named(/^initramfs\.cgz$/) ?? named(/^initramfs\..*\.cgz$/);
  const hasModulesApart = system?.making?.excludes?.includes('modules') === true;
  const modules = hasModulesApart ? named(/^modules\.(?:.*\.)?cgz$/) : undefined;
  const disk = named(/^disk\.raw$/) ?? named(/^disk\.qcow2$/);
  return {
    kernelPath: at('vmlinuz'),
    initrdPath: at('initrd.img'),
    ...(system === undefined ? {} : { cgz: modules === undefined ? [system] : [system, modules] }),
    ...((await exists(at('nfsroot'))) ? { nfsroot: at('nfsroot') } : {}),
    ...((await exists(at('rootfs.tar'))) ? { tarPath: at('rootfs.tar') } : {}),
    ...(disk === undefined
      ? {}
      : { disk: { ...disk, format: DISK_FORMATS.find((each) => disk.name.endsWith(each)) ?? 'raw' } }),
  };
}

export function verifiableOf({ cgz, nfsroot, tarPath, disk }: BootableFiles): Verifiable[] {
  const isThere = { cgz: cgz !== undefined, nfsroot: (nfsroot ?? tarPath) !== undefined, disk: disk !== undefined };
  return VERIFIABLE.filter((output) => isThere[output]);
}

/**
 * Boots what is planned.
 * @throws Iso2RootfsError FILE_NOT_FOUND when it is not all there
 */
export async function bootOutputs(
  context: Context,
  manifest: Manifest,
  files: BootableFiles,
  plan: VerifyPlan,
  onBoot?: (result: BootResult) => void,
): Promise<BootResult[]> {
  const { workspace, tools, emit, signal } = context;
  const scratch = path.join(workspace.directory, 'verify');
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const present = verifiableOf(files);
  const missing = plan.outputs.filter((output) => !present.includes(output));
  if (missing.length > 0 || !(await exists(files.kernelPath))) {
    const what = missing.length > 0 ? missing.join(', ') : 'vmlinuz';
    throw new Iso2RootfsError('FILE_NOT_FOUND', `there is no ${what} to boot`, {
      hint: "Make it with 'iso2rootfs build --outputs ...,kernel', or name what is there with --outputs.",
    });
  }
  const wants = (output: Verifiable): boolean => plan.outputs.includes(output);
  const images: ImageSet = {
    arch: manifest.medium.arch,
    kernelVersion: manifest.kernel.version,
    kernelPath: files.kernelPath,
    initrdPath: files.initrdPath,
    capabilityPaths: capabilityPaths(manifest),
    ...(manifest.netboot === undefined ? {} : { kernelArguments: manifest.netboot.kernelArguments }),
    ...(wants('cgz') && files.cgz !== undefined ? { cgz: describeCgz(manifest, files.cgz) } : {}),
    ...(wants('nfsroot') ? { nfsroot: files.nfsroot ?? (await unpack(context, files.tarPath, scratch)) } : {}),
    ...(wants('disk') && files.disk !== undefined ? { disk: files.disk } : {}),
  };
  const boots = {
    ...plan,
    onBoot,
    signal,
    emit,
    tools: tools.forStage('verify'),
    scratch: path.join(scratch, 'boots'),
  };
  return verifyImages(images, boots);
}

async function unpack({ tools }: Context, archive = '', scratch: string): Promise<string> {
  const directory = path.join(scratch, 'unpacked');
  await mkdir(directory, { recursive: true, mode: 0o755 });
  await unpackArchive(tools, archive, directory);
  return directory;
}

function describeCgz(manifest: Manifest, archives: NonNullable<BootableFiles['cgz']>): NonNullable<ImageSet['cgz']> {
  const isOverlay = archives.some(({ making }) => making?.kind === 'squashfs');
  return {
    paths: archives.map((archive) => archive.path),
    isOverlay,
    memoryMiB: statedMemoryMiB(manifest, archives),
    sha256: archives.map(({ sha256 }) => sha256).join(' '),
  };
}

/** What the manifest states, or, in one that is older than the statement, what it would. */
function statedMemoryMiB(manifest: Manifest, archives: NonNullable<BootableFiles['cgz']>): number {
  const [system] = archives;
  const isUsual = system?.initramfs === undefined;
  const stated = isUsual ? manifest.initramfs?.leastMemoryMiB : system.initramfs?.leastMemoryMiB;
  if (stated !== undefined && archives.length === 1) return stated;
  const nfsroot = manifest.artifacts.find(({ type }) => type === 'directory');
  const entries = nfsroot?.type === 'directory' ? nfsroot.entries : 0;
  return leastMemoryMiB(
    archives.map(({ sizeBytes, initramfs }) => ({
      compressedBytes: sizeBytes,
      unpackedBytes: (initramfs ?? manifest.initramfs)?.unpackedBytes ?? 0,
      inodeCount: initramfs?.inodeCount ?? entries,
    })),
  );
}

/** Files that have a capability in the installed system. */
function capabilityPaths({ initramfs }: Manifest): string[] {
  const lost = initramfs?.lostMetadata ?? [];
  return lost.filter(({ capabilityHex }) => capabilityHex !== undefined).map(({ path: file }) => file);
}

/**
 * Boots what a build has made, or found, of what it was asked for.
 * @throws Iso2RootfsError VERIFY_FAILED, after the object has been marked
 */
export async function verifyForBuild(
  context: Context,
  { outputs, cgz, acceleration }: Recipe,
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
  const stored = planFiles(outputs, cgz).map((file) => file.stored);
  const files = await findBootable(manifest, object.directory, stored);
  const isWanted = { cgz: outputs.includes('cgz'), nfsroot: outputs.includes('nfsroot'), disk: true };
  const plan = { outputs: verifiableOf(files).filter((output) => isWanted[output]), accelerator };
  const results = await bootOutputs(context, manifest, files, plan);
  const amended = await recordInObject(context, object.record.key, results, plan, lock);
  requirePassed(results);
  emit({ type: 'stage-done', stage: 'verify', elapsedMs: performance.now() - startedAt });
  return amended;
}

/**
 * Asked before anything is made: whether what is asked for can be verified here.
 * @throws Iso2RootfsError USAGE, PERMISSION, TOOL_MISSING
 */
export async function requireVerifiable(outputs: readonly string[], toolsPath?: string): Promise<void> {
  if (!['cgz', 'nfsroot', 'disk', ...DISK_FORMATS].some((output) => outputs.includes(output))) {
    throw new Iso2RootfsError('USAGE', 'there is nothing to boot among the outputs', {
      hint: 'Ask for cgz, nfsroot, qcow2 or raw with --outputs.',
    });
  }
  if (!outputs.includes('nfsroot')) return;
  if (process.getuid?.() !== 0) {
    throw new Iso2RootfsError('PERMISSION', 'only root can export an nfsroot', {
      hint: 'Run as root, or boot initramfs.cgz only: --outputs cgz,kernel for build, --outputs cgz for verify.',
    });
  }
  await requireNfsServer(toolsPath);
}

/** Adds what boots came to to the object of a key. */
export async function recordInObject(
  context: Context,
  key: string,
  all: readonly BootResult[],
  { accelerator }: Pick<VerifyPlan, 'accelerator'>,
  lock?: FileLock,
): Promise<AmendedObject> {
  const results = all.filter(({ isBelowStated }) => !isBelowStated);
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
