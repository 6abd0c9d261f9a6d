import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, rename, rm, stat, symlink } from 'node:fs/promises';
import { totalmem } from 'node:os';
import path from 'node:path';
import { insertToken, TOKEN_PATH } from '../distro/answer/index.js';
import { Iso2RootfsError, systemErrorCode, toIso2RootfsError } from '../errors.js';
import { CONSOLE_LOG, INSTALLER_LOG, runInstallation } from '../install/run-installation.js';
import { copySparse } from '../tools/copy.js';
import { readFileFromMountedDisk } from '../tools/disk/mount-disk.js';
import { readFileFromDisk } from '../tools/guestfish.js';
import { requireSpace } from '../tools/space.js';
import type { Toolbox } from '../tools/toolbox.js';
import {
  enlarge,
  lackedResource,
  tellAttempts,
  wordResource,
  type AttemptRecord,
  type AttemptSizes,
} from './attempts.js';
import type { Context } from './context.js';
import type { Recipe } from './recipe.js';
import type { Answered } from './stages/answer.js';
import type { Inspected } from './stages/inspect.js';
import type { Preflighted } from './stages/preflight.js';

type Installable = Recipe & Inspected & Answered & Preflighted;

export interface InstalledDisk {
  /** In the media directory. */
  readonly diskPath: string;
  readonly token: string;
  readonly memoryMiB: number;
  readonly attempts: AttemptRecord[];
}

const MOST_ATTEMPTS = 2;

/**
 * Installs a medium into a new disk; once more with more when there was too little memory or disk. The time limit is for both together.
 * @param mediaDirectory where everything lies that QEMU opens: a directory for each attempt is made in it
 */
export async function installDisk(
  build: Installable,
  context: Context,
  isoPath: string,
  mediaDirectory: string,
): Promise<InstalledDisk> {
  const attempts: AttemptRecord[] = [];
  const endsAt = performance.now() + build.timeoutMs;
  let sizes: AttemptSizes = build.sizes;
  let directory = await makeAttemptDirectory(mediaDirectory, 1);
  await placeIso(isoPath, directory, build, context);
  for (let number = 1; ; number += 1) {
    try {
      const token = await installOnce({ ...build, timeoutMs: endsAt - performance.now() }, context, sizes, directory);
      const { memoryMiB } = sizes;
      return { diskPath: diskIn(directory), token, memoryMiB, attempts: [...attempts, sizes] };
    } catch (error) {
      attempts.push({ ...sizes, failure: describeFailure(error) });
      // Who debugs looks into the first failure; there is nothing to be done once more after that.
      const isLast = !build.mayRetry || build.isDebugging || context.signal.aborted || number === MOST_ATTEMPTS;
      const larger = isLast ? undefined : enlarge(sizes, error, { memoryBytes: totalmem() });
      if (larger === undefined) {
        if (build.keepsFailedDisk) await keepDisk(context, diskIn(directory), error);
        throw tellAttempts(error, attempts, build.mayRetry);
      }
      const what = wordResource(lackedResource(error) ?? 'disk', larger);
      context.emit({
        type: 'warning',
        message: `${describeFailure(error).message.replace(/\.$/, '')}. Trying once more with ${what}.`,
      });
      await setLogsAside(context.workspace.logDirectory, number);
      const next = await makeAttemptDirectory(mediaDirectory, number + 1);
      await rename(path.join(directory, ISO), path.join(next, ISO));
      await rm(directory, { recursive: true, force: true });
      [directory, sizes] = [next, larger];
    }
  }
}

const ISO = 'install.iso';
const DISK = 'disk.raw';

function diskIn(directory: string): string {
  return path.join(directory, DISK);
}

async function makeAttemptDirectory(mediaDirectory: string, number: number): Promise<string> {
  const directory = path.join(mediaDirectory, `attempt-${number}`);
  await mkdir(directory);
  await chmod(directory, 0o711);
  return directory;
}

function describeFailure(error: unknown): { outcome: string; message: string } {
  const { message, code, data } = toIso2RootfsError(error);
  const outcome = data?.['outcome'];
  return { outcome: typeof outcome === 'string' ? outcome : code, message };
}

/** So that the logs of the next attempt are not mixed with those of this one: `console.log` -> `console-attempt-1.log`. */
async function setLogsAside(logDirectory: string, number: number): Promise<void> {
  for (const name of [CONSOLE_LOG, INSTALLER_LOG]) {
    const aside = name.replace(/\.log$/, `-attempt-${number}.log`);
    await rename(path.join(logDirectory, name), path.join(logDirectory, aside)).catch(() => undefined);
  }
}

/** Keeps what a failed installation has written; one that was interrupted has not failed. */
async function keepDisk(context: Context, diskPath: string, failure: unknown): Promise<void> {
  if (failure instanceof Iso2RootfsError && ['INTERRUPTED', 'TERMINATED'].includes(failure.code)) return;
  const kept = path.join(context.workspace.logDirectory, DISK);
  try {
    await moveFile(context.tools.forCleanUp(), diskPath, kept);
    context.emit({ type: 'notice', message: `The disk of the failed installation is kept: ${kept}` });
  } catch (error) {
    // The failure of the installation is what the user has to hear of.
    const why = error instanceof Error ? error.message : String(error);
    context.emit({ type: 'warning', message: `The disk of the failed installation could not be kept: ${why}` });
  }
}

/** @returns the token that the installed system carries */
async function installOnce(
  build: Installable,
  context: Context,
  sizes: AttemptSizes,
  mediaDirectory: string,
): Promise<string> {
  const { machine, medium, answer } = build;
  const { tools, emit, signal, workspace } = context;
  const token = randomBytes(16).toString('hex');
  const diskPath = diskIn(mediaDirectory);
  await createSparseFile(diskPath, sizes.diskSizeBytes);
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
    isoPath: path.join(mediaDirectory, ISO),
    kernelPath: medium.kernelPath,
    initrdPath: medium.initrdPath,
    kernelArguments: answer.kernelArguments,
    answerFiles: [{ name: answer.fileName, text: insertToken(answer.text, token) }, ...answer.extraFiles],
    delivery: answer.delivery,
    token,
    readToken: async () =>
      build.engine === 'mount'
        ? readFileFromMountedDisk(tools, diskPath, workspace.directory, TOKEN_PATH)
        : readFileFromDisk(tools, diskPath, TOKEN_PATH),
    diskPath,
    memoryMiB: sizes.memoryMiB,
    vcpus: build.vcpus,
    timeoutMs: build.timeoutMs,
    idleTimeoutMs: build.idleTimeoutMs,
    isDebugging: build.isDebugging,
  });
  return token;
}

/** The ISO under a name in the media directory: a link, or a copy where QEMU's user could not follow it. */
async function placeIso(
  isoPath: string,
  mediaDirectory: string,
  { machine }: Preflighted,
  { tools, emit }: Context,
): Promise<void> {
  const place = path.join(mediaDirectory, ISO);
  if (await machine.canHypervisorReach(isoPath)) {
    await symlink(isoPath, place);
    return;
  }
  emit({ type: 'notice', message: `The hypervisor's user may not read ${isoPath}: a copy is made for it.` });
  const { size } = await stat(isoPath);
  await requireSpace(mediaDirectory, size, 'a copy of the ISO that the hypervisor can read');
  await copySparse(tools, isoPath, place);
  await chmod(place, 0o444);
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

/** Moves a disk; the workspace may be on another file system than the store. */
export async function moveFile(tools: Toolbox, source: string, destination: string): Promise<void> {
  try {
    await rename(source, destination);
  } catch (error) {
    if (systemErrorCode(error) !== 'EXDEV') throw error;
    await copySparse(tools, source, destination);
    await rm(source);
  }
}
