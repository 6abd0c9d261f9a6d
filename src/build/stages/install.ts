import { randomBytes } from 'node:crypto';
import { chmod, open, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError, systemErrorCode } from '../../errors.js';
import { insertToken, TOKEN_PATH } from '../../distro/answer/index.js';
import { runInstallation } from '../../install/run-installation.js';
import { copySparse } from '../../tools/copy.js';
import { requireSpace } from '../../tools/space.js';
import type { Context } from '../context.js';
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
  };
}

/** An installation writes at least this much; a store that has less is full before it begins. */
const LEAST_INSTALLATION_BYTES = 300 * 1024 ** 2;

/** ISO and answer file -> installed disk; from the store when these have been installed before. */
export const install: Stage<Ready, Installed> = {
  name: 'install',
  run: async (build, context) => {
    const { store } = context;
    const { key } = build.keys.disk;
    // Another conversion of the same installation may be under way.
    const lock = await store.lock(key, { wait: true, signal: context.signal });
    try {
      return { disk: await findOrInstall(build, context) };
    } finally {
      await lock?.release();
    }
  },
};

type Ready = Recipe & Fetched & Inspected & Answered & Preflighted;

async function findOrInstall(build: Ready, context: Context): Promise<Installed['disk']> {
  const { store, emit } = context;
  const key = build.keys.disk;
  const known = build.isCacheUsed ? await store.find('disk', key.key) : undefined;
  if (known !== undefined) {
    await store.touch(known);
    emit({ type: 'notice', message: 'This medium has been installed before: its disk is in the cache.' });
    return describeDisk(path.join(known.directory, 'disk.raw'), String(known.record.facts['token']));
  }
  await requireSpace(store.layout.root, LEAST_INSTALLATION_BYTES, 'the installed disk');
  const token = randomBytes(16).toString('hex');
  const { machine } = build;
  const mediaDirectory = await context.workspace.createMediaDirectory(machine.canHypervisorReach);
  const diskPath = path.join(mediaDirectory, 'disk.raw');
  await createSparseFile(diskPath, build.diskSizeBytes);
  await runInstallation({
    tools: context.tools,
    emit,
    signal: context.signal,
    uri: machine.libvirtUri,
    accelerator: machine.accelerator,
    domain: context.workspace.domain,
    pool: context.workspace.pool,
    mediaDirectory,
    logDirectory: context.workspace.logDirectory,
    arch: build.medium.arch,
    family: build.medium.family,
    isoPath: await placeIso(build.iso.path, mediaDirectory, build, context),
    kernelPath: build.medium.kernelPath,
    initrdPath: build.medium.initrdPath,
    kernelArguments: build.answer.kernelArguments,
    answerFiles: [
      { name: build.answer.fileName, text: insertToken(build.answer.text, token) },
      ...build.answer.extraFiles,
    ],
    delivery: build.answer.delivery,
    tokenPath: TOKEN_PATH,
    token,
    diskPath,
    memoryMiB: build.memoryMiB,
    vcpus: build.vcpus,
    timeoutMs: build.timeoutMs,
    idleTimeoutMs: build.idleTimeoutMs,
  });
  const staging = await store.createStagingDirectory(context.workspace.id);
  await moveFile(context, diskPath, path.join(staging, 'disk.raw'));
  const stored = await store.commit({
    kind: 'disk',
    key: key.key,
    keyInputs: key.inputs,
    isoSha256: build.iso.sha256,
    facts: { token, distro: build.medium.distro, release: build.medium.release, arch: build.medium.arch },
    stagingDirectory: staging,
  });
  return describeDisk(path.join(stored.directory, 'disk.raw'), token);
}

/** The ISO under a name in the media directory: a link, or a copy where QEMU's user could not follow it. */
async function placeIso(
  isoPath: string,
  mediaDirectory: string,
  { machine, iso }: Preflighted & Fetched,
  { tools, emit }: Context,
): Promise<string> {
  const place = path.join(mediaDirectory, 'install.iso');
  if (await machine.canHypervisorReach(isoPath)) {
    await symlink(isoPath, place);
    return place;
  }
  emit({ type: 'notice', message: `The hypervisor's user may not read ${isoPath}: a copy is made for it.` });
  await requireSpace(mediaDirectory, iso.sizeBytes, 'a copy of the ISO that the hypervisor can read');
  await copySparse(tools, isoPath, place);
  await chmod(place, 0o444);
  return place;
}

async function describeDisk(diskPath: string, token: string): Promise<Installed['disk']> {
  const { blocks } = await stat(diskPath);
  return { path: diskPath, token, allocatedBytes: blocks * 512 };
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
