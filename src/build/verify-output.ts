import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError } from '../errors.js';
import { readJson, writeFileAtomically } from '../store/files.js';
import { hashFile } from '../store/hash-file.js';
import { listEntries } from '../store/inventory.js';
import { resolveKey } from '../store/resolve-key.js';
import { chooseAccelerator } from '../tools/accelerator.js';
import { requirePassed, type BootResult } from '../verify/verify.js';
import { withContext, type BuildOptions } from './build.js';
import type { Context } from './context.js';
import { formatManifest, manifestSchema, type Manifest } from './manifest.js';
import { consoleLogName, recordVerification, type VerificationRecord } from './verification.js';
import {
  bootOutputs,
  findBootable,
  recordInObject,
  requireVerifiable,
  verifiableOf,
  type BootableFiles,
  type Verifiable,
  type VerifyPlan,
} from './verify-object.js';

export type { BootResult as VerifiedBoot } from '../verify/verify.js';

export interface VerifyRequest {
  /** An output directory, or the key of a stored object or its beginning. */
  readonly target: string;
  /** Default: initramfs.cgz and nfsroot, where they are. */
  readonly outputs?: readonly Verifiable[] | undefined;
  readonly memoryMiB?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly acceleration: 'auto' | 'kvm' | 'tcg';
  readonly libvirtUri: string;
}

export interface VerifiedOutput {
  readonly key: string;
  /** What was booted: the output directory, or the object's. */
  readonly directory: string;
  readonly boots: readonly BootResult[];
  readonly verification: VerificationRecord;
}

/**
 * Boots what an output directory or a stored object holds, and writes down what came of it: in the manifest and the logs of both, where it
 * is the same.
 * @throws Iso2RootfsError VERIFY_FAILED, after that has been written down; FILE_NOT_FOUND, NOT_CACHED, TOOL_MISSING, PERMISSION
 */
export async function verifyOutput(
  request: VerifyRequest,
  options: BuildOptions & { readonly onBoot?: (result: BootResult) => void },
): Promise<VerifiedOutput> {
  const isDirectory = await stat(request.target).then(
    (status) => status.isDirectory(),
    () => false,
  );
  return withContext(request, options, async (context) => {
    const startedAt = performance.now();
    const { emit } = context;
    emit({ type: 'stage-start', stage: 'verify' });
    const verified = await (isDirectory ? verifyDirectory : verifyStored)(context, request, options.onBoot);
    emit({ type: 'stage-done', stage: 'verify', elapsedMs: performance.now() - startedAt });
    requirePassed(verified.boots);
    return verified;
  });
}

type OnBoot = ((result: BootResult) => void) | undefined;

async function verifyStored(context: Context, request: VerifyRequest, onBoot: OnBoot): Promise<VerifiedOutput> {
  const { store, signal } = context;
  if (!/^[0-9a-f]+$/i.test(request.target)) {
    throw new Iso2RootfsError('FILE_NOT_FOUND', `${request.target} is neither a directory nor a key of the cache`, {
      hint: "Give an output directory, or a key of 'iso2rootfs cache list'.",
    });
  }
  const entries = (await listEntries(store)).filter(({ kind }) => kind === 'object');
  const { key } = resolveKey(entries, request.target);
  const held = await store.hold('object', key, { signal });
  if (held === undefined) throw new Iso2RootfsError('NOT_CACHED', `the cache has no whole object ${key.slice(0, 12)}`);
  let results: BootResult[];
  let plan: VerifyPlan;
  try {
    const manifest = await readManifest(held.directory);
    const files = await findBootable(manifest, held.directory);
    plan = await planFor(context, request, manifest, files);
    results = await bootOutputs(context, manifest, files, plan, onBoot);
  } finally {
    await held.release();
  }
  const { manifest } = await recordInObject(context, key, results, plan);
  return finish(manifest, held.directory, results, plan);
}

async function verifyDirectory(context: Context, request: VerifyRequest, onBoot: OnBoot): Promise<VerifiedOutput> {
  const directory = path.resolve(request.target);
  const manifest = await readManifest(directory);
  const files = await findBootable(manifest, directory);
  const plan = await planFor(context, request, manifest, files);
  const changed = await findChanged(context, manifest, directory);
  for (const name of changed) {
    context.emit({ type: 'warning', message: `${name} is not the file that the manifest describes.` });
  }
  const results = await bootOutputs(context, manifest, files, plan, onBoot);
  await recordInDirectory(directory, manifest, results, plan);
  if (changed.length === 0) await recordWhereStored(context, manifest, results, plan);
  return finish(manifest, directory, results, plan);
}

function finish(manifest: Manifest, directory: string, boots: BootResult[], plan: VerifyPlan): VerifiedOutput {
  const verification = recordVerification(boots, plan.accelerator, manifest.verification);
  return { key: manifest.key, directory, boots, verification };
}

async function planFor(
  { tools, store, signal, emit }: Context,
  request: VerifyRequest,
  manifest: Manifest,
  files: BootableFiles,
): Promise<VerifyPlan> {
  const present = verifiableOf(files);
  // A disk only when it is asked for.
  const outputs = request.outputs ?? present.filter((output) => output !== 'disk');
  if (outputs.length === 0) {
    throw new Iso2RootfsError('FILE_NOT_FOUND', `${request.target} has neither initramfs.cgz nor nfsroot`, {
      hint: "Make one of them with 'iso2rootfs build --outputs ...,kernel'.",
    });
  }
  await requireVerifiable(outputs, tools.toolsPath);
  const { accelerator, reason } = await chooseAccelerator(request.acceleration, {
    arch: manifest.medium.arch,
    toolsPath: tools.toolsPath,
    stateDirectory: store.layout.state,
    signal,
  });
  if (accelerator === 'tcg' && request.acceleration === 'auto') emit({ type: 'notice', message: reason });
  return { outputs, accelerator, memoryMiB: request.memoryMiB, timeoutMs: request.timeoutMs };
}

async function readManifest(directory: string): Promise<Manifest> {
  const manifest = manifestSchema.safeParse(await readJson(path.join(directory, 'manifest.json')));
  if (manifest.success) return manifest.data;
  throw new Iso2RootfsError('FILE_NOT_FOUND', `${directory} has no manifest.json of iso2rootfs`, {
    hint: 'Give a directory that iso2rootfs build or fetch wrote.',
  });
}

/** Files that are booted and are not those of the manifest. */
async function findChanged({ signal }: Context, manifest: Manifest, directory: string): Promise<string[]> {
  const changed: string[] = [];
  for (const artifact of manifest.artifacts) {
    if (artifact.type !== 'file' || artifact.name === 'rootfs.tar') continue;
    const file = path.join(directory, artifact.name);
    const status = await stat(file).catch(() => undefined);
    if (status === undefined) continue;
    const isSame = status.size === artifact.sizeBytes && (await hashFile(file, { signal })) === artifact.sha256;
    if (!isSame) changed.push(artifact.name);
  }
  return changed;
}

async function recordInDirectory(
  directory: string,
  manifest: Manifest,
  all: readonly BootResult[],
  { accelerator }: VerifyPlan,
): Promise<void> {
  const results = all.filter(({ isBelowStated }) => !isBelowStated);
  if (results.length === 0) return;
  await mkdir(path.join(directory, 'logs'), { recursive: true, mode: 0o700 });
  for (const result of results) await copyFile(result.consoleLog, path.join(directory, consoleLogName(result)));
  const file = path.join(directory, 'manifest.json');
  const stored = (await readJson(file)) as object;
  const verification = recordVerification(results, accelerator, manifest.verification);
  // What a newer version of the program has written there stays. A new file: the old one may be linked with the store's.
  await writeFileAtomically(file, formatManifest({ ...stored, ...manifest, verification }));
  const sums = path.join(directory, 'SHA256SUMS');
  const lines = await readFile(sums, 'utf8').catch(() => undefined);
  if (lines === undefined) return;
  const sha256 = await hashFile(file);
  await writeFileAtomically(sums, lines.replace(/^[0-9a-f]{64}( [ *]manifest\.json)$/m, `${sha256}$1`));
}

/** In the object that the directory was written from, if it is there. */
async function recordWhereStored(
  context: Context,
  { key }: Manifest,
  results: readonly BootResult[],
  plan: VerifyPlan,
): Promise<void> {
  const { store } = context;
  // A system that has run on its nfsroot since has changed it: that it fails says nothing of the object.
  const telling = results.filter(
    ({ name, passed, isBelowStated }) => !isBelowStated && (passed || !name.startsWith('nfsroot')),
  );
  if (telling.length === 0 || store.isReadOnly || (await store.find('object', key)) === undefined) return;
  await recordInObject(context, key, telling, plan);
}
