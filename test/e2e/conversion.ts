/**
 * The one conversion that most e2e tests look at, made under the circumstances that are hard on it: its cache is in a directory that
 * QEMU's user may not enter, a build of the same medium was killed before, one of another medium is running, and two processes are started
 * together.
 */
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { RunningIso2Rootfs, type Ended } from '../contract/cli/program.js';
import { manifestSchema, type Manifest } from '../../src/build/manifest.js';
import { listDomains, listUnfinished, listWorkspaces, newOnHost, surveyHost } from './host-state.js';
import { makeMedium } from './medium.js';

/** Enough for the stand-in installer, and less than the default for the sake of the machine; some tests convert several at once. */
export const GUEST = ['--memory', '2G', '--jobs', '4'];
/** Where it is not about who reads the disk: a minute less of emulation. */
export const WITHOUT_APPLIANCE = [...GUEST, '--engine', 'mount'];

export interface SharedConversion {
  /** 0700, below /var/tmp. */
  readonly directory: string;
  readonly cacheDirectory: string;
  readonly medium: string;
  readonly outputs: readonly [string, string];
  readonly twins: readonly [Ended, Ended];
  readonly manifest: Manifest;
  /** The build that was killed by SIGKILL while it installed. */
  readonly killed: {
    readonly id: string;
    readonly leftBehind: readonly string[];
    readonly leftAfterNextRun: readonly string[];
  };
  /** The build of another medium that ran all the time, and was ended by SIGTERM. */
  readonly bystander: {
    readonly id: string;
    readonly wasRunning: boolean;
    readonly domainWasThere: boolean;
    readonly end: Ended;
    readonly left: readonly string[];
  };
  /** The store's copy of the disk as the installer left it. */
  readonly installedDisk: string;
}

let shared: Promise<SharedConversion> | undefined;
let directory: string | undefined;
const running: RunningIso2Rootfs[] = [];

/** The same conversion for all who ask. */
export function convertOnce(): Promise<SharedConversion> {
  shared ??= convert();
  return shared;
}

after('remove the shared conversion', async function () {
  this.timeout(120_000);
  for (const program of running) {
    if (!program.hasEnded) program.kill('SIGTERM');
    await program.done;
  }
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

function start(args: readonly string[], cacheDirectory: string): RunningIso2Rootfs {
  const program = new RunningIso2Rootfs(args, { env: { ISO2ROOTFS_CACHE_DIR: cacheDirectory } });
  running.push(program);
  return program;
}

/** Starts a build and waits until its guest installs. */
export async function startInstalling(
  args: readonly string[],
  cacheDirectory: string,
): Promise<{ program: RunningIso2Rootfs; id: string }> {
  const known = new Set(await listWorkspaces(cacheDirectory));
  const program = start(args, cacheDirectory);
  await program.says(/^install: /m);
  const id = (await listWorkspaces(cacheDirectory)).find((name) => !known.has(name));
  if (id === undefined) throw new Error('the build has no workspace');
  for (;;) {
    if ((await listDomains()).some((domain) => domain.endsWith(id))) return { program, id };
    if (program.hasEnded) throw new Error(`it ended before its domain was there:\n${program.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

async function convert(): Promise<SharedConversion> {
  directory = await mkdtemp('/var/tmp/e2e-iso2rootfs-');
  const cacheDirectory = path.join(directory, 'cache');
  await mkdir(cacheDirectory, { mode: 0o700 });
  const medium = await makeMedium(path.join(directory, 'medium.iso'));
  const silent = await makeMedium(path.join(directory, 'silent.iso'), 'silent');
  const before = await surveyHost();

  const bystander = await startInstalling(
    ['-f', silent, '-o', path.join(directory, 'of-bystander'), ...GUEST, '--idle-timeout', '2h'],
    cacheDirectory,
  );
  const { program: victim, id: victimId } = await startInstalling(
    ['-f', medium, '-o', path.join(directory, 'of-victim'), ...GUEST],
    cacheDirectory,
  );
  await victim.says(/installing/i);
  victim.kill('SIGKILL');
  await victim.done;
  const leftBehind = (await newOnHost(before, cacheDirectory, [bystander.id])).concat(
    await listUnfinished(cacheDirectory),
  );

  const outputs = [path.join(directory, 'first'), path.join(directory, 'second')] as const;
  const [first, second] = [
    start(['-f', medium, '-o', outputs[0], ...GUEST], cacheDirectory),
    start(['-d', 'openEuler', '-r', '22.03-LTS', '-f', medium, '-o', outputs[1], ...GUEST], cacheDirectory),
  ];
  const twins = [await first.done, await second.done] as const;
  const wasRunning = !bystander.program.hasEnded;
  const domainWasThere = (await listDomains()).some((name) => name.endsWith(bystander.id));
  const leftAfterNextRun = (await newOnHost(before, cacheDirectory, [bystander.id])).concat(
    (await listUnfinished(cacheDirectory)).filter((name) => !name.includes(bystander.id)),
  );
  bystander.program.kill('SIGTERM');
  const end = await bystander.program.done;
  const left = (await newOnHost(before, cacheDirectory)).concat(await listUnfinished(cacheDirectory));
  for (const twin of twins) if (twin.status !== 0) throw new Error(`status ${String(twin.status)}:\n${twin.stderr}`);

  const manifest = manifestSchema.parse(JSON.parse(await readFile(path.join(outputs[0], 'manifest.json'), 'utf8')));
  return {
    directory,
    cacheDirectory,
    medium,
    outputs,
    twins,
    manifest,
    killed: { id: victimId, leftBehind, leftAfterNextRun },
    bystander: { id: bystander.id, wasRunning, domainWasThere, end, left },
    installedDisk: await findDisk(cacheDirectory),
  };
}

async function findDisk(cacheDirectory: string): Promise<string> {
  const disks = path.join(cacheDirectory, 'v1', 'disks');
  const names = await readdir(disks);
  const [name] = names;
  if (name === undefined || names.length !== 1)
    throw new Error(`the store has ${names.length} installed disks, not one`);
  return path.join(disks, name, 'disk.raw');
}
