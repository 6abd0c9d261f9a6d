import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { Iso2RootfsError, systemErrorCode } from '../../errors.js';
import { insertToken, TOKEN_PATH } from '../../distro/answer/index.js';
import { OUTCOMES, retryResource, type Outcome, type RetryResource } from '../../install/outcomes.js';
import { runInstallation } from '../../install/run-installation.js';
import type { StoredObject } from '../../store/store.js';
import { copySparse } from '../../tools/copy.js';
import { requireSpace } from '../../tools/space.js';
import type { Context } from '../context.js';
import { downloadIso } from '../download-iso.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';
import type { Answered } from './answer.js';
import type { Fetched } from './fetch.js';
import type { Inspected } from './inspect.js';
import type { Preflighted } from './preflight.js';

export interface Installed {
  readonly disk: {
    /** The disk as the installer left it, in the store: never changed. */
    readonly path: string;
    /** What the answer file's last step must have left in the installed system. */
    readonly token: string;
    readonly allocatedBytes: number;
    readonly sizeBytes: number;
    /** Of the guest that installed it. */
    readonly memoryMiB: number;
    /** The root password that was made up for it. */
    readonly rootPassword: string | undefined;
  };
}

type Ready = Recipe & Fetched & Inspected & Answered & Preflighted;

/** An installation writes at least this much; a store that has less is full before it begins. */
const LEAST_INSTALLATION_BYTES = 300 * 1024 ** 2;
/** How much more a second attempt gets of what the first had too little of. */
const RETRY_FACTOR = 2;

/** ISO and answer file -> installed disk; from the store when these have been installed before. */
export const install: Stage<Ready, Installed> = {
  name: 'install',
  run: async (build, context) => {
    const { store } = context;
    const { key } = build.keys.disk;
    // Another conversion of the same installation may be under way.
    const lock = await store.lockToMake(key, { signal: context.signal });
    // Until the end: `prepare` reads the disk, which nobody may remove meanwhile.
    context.workspace.keepLock(lock);
    return { disk: await findOrInstall(build, context) };
  },
};

const factsSchema = z.object({ token: z.string(), memoryMiB: z.number(), rootPassword: z.string().optional() });

async function findOrInstall(build: Ready, context: Context): Promise<Installed['disk']> {
  const { store, emit } = context;
  const { key, inputs } = build.keys.disk;
  const known = build.cache === 'renew' ? undefined : await store.find('disk', key);
  const facts = factsSchema.safeParse(known?.record.facts);
  if (known !== undefined && facts.success) {
    await store.touch(known);
    emit({ type: 'notice', message: 'This medium has been installed before: its disk is in the cache.' });
    return describeDisk(known, facts.data);
  }
  await requireSpace(store.layout.root, LEAST_INSTALLATION_BYTES, 'the installed disk');
  const isoPath = await acquireIso(build, context);
  const mediaDirectory = await context.workspace.createMediaDirectory(build.machine.canHypervisorReach);
  const attempt: Attempt = { number: 1, ...build.sizes, isoPath, mediaDirectory };
  const { diskPath, token, memoryMiB } = await installWithRetry(build, context, attempt);
  const staging = await store.createStagingDirectory(context.workspace.id);
  await moveFile(context, diskPath, path.join(staging, 'disk.raw'));
  const { distro, release, arch } = build.medium;
  const { generatedPassword: rootPassword } = build;
  const newFacts = { token, memoryMiB, ...(rootPassword === undefined ? {} : { rootPassword }) };
  const stored = await store.commit({
    kind: 'disk',
    key,
    keyInputs: inputs,
    isoSha256: build.iso.sha256,
    facts: { ...newFacts, distro, release, arch },
    stagingDirectory: staging,
  });
  return describeDisk(stored, newFacts);
}

async function describeDisk(object: StoredObject, facts: z.infer<typeof factsSchema>): Promise<Installed['disk']> {
  const diskPath = path.join(object.directory, 'disk.raw');
  const { blocks, size } = await stat(diskPath);
  const { token, memoryMiB, rootPassword } = facts;
  return { path: diskPath, token, memoryMiB, rootPassword, allocatedBytes: blocks * 512, sizeBytes: size };
}

/** The ISO itself, now that its hash has not been enough. */
async function acquireIso({ iso }: Fetched, context: Context): Promise<string> {
  if (iso.path !== undefined) return iso.path;
  if (iso.plan === undefined) throw new Iso2RootfsError('INTERNAL', 'there is no ISO and no place to have it from');
  return (await downloadIso(iso.plan, context)).path;
}

interface Attempt {
  readonly number: number;
  readonly memoryMiB: number;
  readonly diskSizeBytes: number;
  readonly isoPath: string;
  readonly mediaDirectory: string;
}

interface InstalledDisk {
  readonly diskPath: string;
  readonly token: string;
  readonly memoryMiB: number;
}

async function installWithRetry(build: Ready, context: Context, attempt: Attempt): Promise<InstalledDisk> {
  const directory = path.join(attempt.mediaDirectory, `attempt-${attempt.number}`);
  await mkdir(directory);
  await chmod(directory, 0o711);
  const diskPath = path.join(directory, 'disk.raw');
  try {
    return await installOnce(build, context, attempt, directory, diskPath);
  } catch (error) {
    const more = build.mayRetry && !context.signal.aborted && attempt.number === 1 ? lackedResource(error) : undefined;
    if (more === undefined) {
      if (build.keepsFailedDisk) await keepDisk(context, diskPath);
      throw error;
    }
    const next: Attempt = {
      ...attempt,
      number: attempt.number + 1,
      ...(more === 'memory'
        ? { memoryMiB: attempt.memoryMiB * RETRY_FACTOR }
        : { diskSizeBytes: attempt.diskSizeBytes * RETRY_FACTOR }),
    };
    const what =
      more === 'memory' ? `${next.memoryMiB} MiB of memory` : `a disk of ${next.diskSizeBytes / 2 ** 30} GiB`;
    context.emit({ type: 'warning', message: `${(error as Error).message}. Trying once more with ${what}.` });
    await rm(directory, { recursive: true, force: true });
    return installWithRetry(build, context, next);
  }
}

/** What a failed installation had too little of, where more may cure it. */
function lackedResource(error: unknown): RetryResource | undefined {
  if (!(error instanceof Iso2RootfsError)) return undefined;
  const { outcome, cause } = error.data ?? {};
  const resourceOf = (name: unknown): RetryResource | undefined =>
    typeof name === 'string' && name in OUTCOMES ? retryResource(name as Outcome) : undefined;
  return resourceOf(outcome) ?? resourceOf(cause);
}

async function keepDisk(context: Context, diskPath: string): Promise<void> {
  const kept = path.join(context.workspace.logDirectory, 'disk.raw');
  await moveFile(context, diskPath, kept);
  context.emit({ type: 'notice', message: `The disk of the failed installation is kept: ${kept}` });
}

async function installOnce(
  build: Ready,
  context: Context,
  attempt: Attempt,
  mediaDirectory: string,
  diskPath: string,
): Promise<InstalledDisk> {
  const { machine, medium, answer } = build;
  const { tools, emit, signal, workspace } = context;
  const token = randomBytes(16).toString('hex');
  await createSparseFile(diskPath, attempt.diskSizeBytes);
  await runInstallation({
    tools,
    emit,
    signal,
    uri: machine.libvirtUri,
    accelerator: machine.accelerator,
    domain: workspace.domain,
    pool: workspace.pool,
    mediaDirectory,
    logDirectory: workspace.logDirectory,
    arch: medium.arch,
    family: medium.family,
    isoPath: await placeIso(attempt.isoPath, mediaDirectory, build, context),
    kernelPath: medium.kernelPath,
    initrdPath: medium.initrdPath,
    kernelArguments: answer.kernelArguments,
    answerFiles: [{ name: answer.fileName, text: insertToken(answer.text, token) }, ...answer.extraFiles],
    delivery: answer.delivery,
    tokenPath: TOKEN_PATH,
    token,
    diskPath,
    memoryMiB: attempt.memoryMiB,
    vcpus: build.vcpus,
    timeoutMs: build.timeoutMs,
    idleTimeoutMs: build.idleTimeoutMs,
    isDebugging: build.isDebugging,
  });
  return { diskPath, token, memoryMiB: attempt.memoryMiB };
}

/** The ISO under a name in the media directory: a link, or a copy where QEMU's user could not follow it. */
async function placeIso(
  isoPath: string,
  mediaDirectory: string,
  { machine }: Preflighted,
  { tools, emit }: Context,
): Promise<string> {
  const place = path.join(mediaDirectory, 'install.iso');
  if (await machine.canHypervisorReach(isoPath)) {
    await symlink(isoPath, place);
    return place;
  }
  emit({ type: 'notice', message: `The hypervisor's user may not read ${isoPath}: a copy is made for it.` });
  const { size } = await stat(isoPath);
  await requireSpace(mediaDirectory, size, 'a copy of the ISO that the hypervisor can read');
  await copySparse(tools, isoPath, place);
  await chmod(place, 0o444);
  return place;
}

async function createSparseFile(file: string, sizeBytes: number): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.truncate(sizeBytes);
  } catch (error) {
    if (systemErrorCode(error) === 'EFBIG' || systemErrorCode(error) === 'EINVAL') {
      throw new Iso2RootfsError('USAGE', `the file system of ${file} cannot hold a disk of ${sizeBytes} bytes`, {
        hint: 'Give a smaller --disk-size.',
        cause: error,
      });
    }
    throw error;
  } finally {
    await handle.close();
  }
}

/** Moves the disk into the store; the workspace may be on another file system. */
async function moveFile(context: Context, source: string, destination: string): Promise<void> {
  try {
    await rename(source, destination);
  } catch (error) {
    if (systemErrorCode(error) !== 'EXDEV') throw error;
    await copySparse(context.tools, source, destination);
    await rm(source);
  }
}
