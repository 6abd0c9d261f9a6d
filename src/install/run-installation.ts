import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { InstallerFamily } from '../distro/types.js';
import { Iso2RootfsError, toIso2RootfsError } from '../errors.js';
import type { Emit } from '../events.js';
import type { Arch } from '../media/types.js';
import { freeBytes } from '../tools/space.js';
import type { RunningProgram } from '../tools/run.js';
import type { Toolbox } from '../tools/toolbox.js';
import { Virsh } from '../tools/virsh.js';
import { startVirtInstall } from '../tools/virt-install.js';
import { makeSeedIso } from '../tools/xorriso.js';
import { InstallationWatch } from './installation-watch.js';
import { leaveToPeople } from './leave-to-people.js';
import { SocketLog } from './socket-log.js';
import { toError, type Verdict } from './verdict.js';

export interface Installation {
  readonly tools: Toolbox;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly uri: string;
  readonly accelerator: 'kvm' | 'tcg';
  /** Name of the domain and of its storage pool. */
  readonly domain: string;
  readonly pool: string;
  /** Where everything lies that QEMU opens. */
  readonly mediaDirectory: string;
  readonly logDirectory: string;
  readonly arch: Arch;
  readonly family: InstallerFamily;
  /** Path of the ISO in the media directory. */
  readonly isoPath: string;
  /** Paths on the ISO. */
  readonly kernelPath: string;
  readonly initrdPath: string;
  readonly kernelArguments: readonly string[];
  /** The answer file and what goes with it, with the token in place. */
  readonly answerFiles: readonly { readonly name: string; readonly text: string }[];
  readonly delivery: 'initrd' | 'seed-iso';
  /** The nonce that the answer file's last step leaves on the console and on the disk, and how it is read there; undefined: there is none. */
  readonly token: string;
  readonly readToken: () => Promise<string | undefined>;
  readonly diskPath: string;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  /** True: after a failure the domain is left running until the signal comes. */
  readonly isDebugging: boolean;
}

/** Names in the log directory. */
export const CONSOLE_LOG = 'console.log';
export const INSTALLER_LOG = 'installer.log';

const CHECK_INTERVAL_MS = 500;
const SAMPLE_INTERVAL_MS = 2000;
/** How long after its virt-install a domain may still appear. */
const LATE_DOMAIN_MS = 5000;
/** A disk with less than this written to it holds no system. */
const LEAST_SYSTEM_BYTES = 4 * 1024 ** 2;

/**
 * Installs a medium into a disk. Returns when the installed system's success token has been seen; whatever happens, the domain and its
 * pool are gone then.
 * @throws Iso2RootfsError BUILD_FAILED, STALLED or TIMEOUT with the installer's own line; NO_SPACE; TOOL_FAILED when there is no domain
 */
export async function runInstallation(installation: Installation): Promise<void> {
  const { tools, mediaDirectory, logDirectory, uri, domain, pool } = installation;
  const watch = new InstallationWatch({
    family: installation.family,
    token: installation.token,
    timeoutMs: installation.timeoutMs,
    idleTimeoutMs: installation.idleTimeoutMs,
    emit: installation.emit,
  });
  const virsh = new Virsh(tools, uri);
  const consoleLog = path.join(logDirectory, CONSOLE_LOG);
  const consoleSocketPath = path.join(mediaDirectory, 'console.sock');
  const logSocketPath = path.join(mediaDirectory, 'installer-log.sock');
  const sockets: SocketLog[] = [];
  let program: RunningProgram | undefined;
  const watched = { wasDomainSeen: false };
  try {
    const { initrdFiles, seedIsoPath } = await placeAnswer(installation);
    sockets.push(await SocketLog.listen(consoleSocketPath, consoleLog, (chunk) => watch.feedConsole(chunk)));
    const installerLog = path.join(logDirectory, INSTALLER_LOG);
    sockets.push(await SocketLog.listen(logSocketPath, installerLog, (chunk) => watch.feedInstallerLog(chunk)));
    await virsh.createPool(pool, mediaDirectory);
    program = await startVirtInstall(tools, {
      ...installation,
      kernelArguments: bootArguments(installation),
      initrdFiles,
      seedIsoPath,
      consoleSocketPath,
      logSocketPath,
      nvramPath: path.join(mediaDirectory, 'nvram.fd'),
      network: 'user',
    });
    const verdict = await watchUntilEnd(installation, program, watch, virsh, watched, consoleLog);
    if (verdict !== undefined) throw toError(verdict, consoleLog);
    for (const socket of sockets) await socket.drain();
    await requireToken(installation, watch, consoleLog);
  } catch (error) {
    if (installation.isDebugging && program !== undefined && !installation.signal.aborted) {
      await leaveToPeople({ ...installation, virsh, console: sockets[0] }, toIso2RootfsError(error).message);
    }
    throw error;
  } finally {
    const cleaning = new Virsh(tools.forCleanUp(), uri);
    await program?.stop();
    if (installation.signal.aborted && program !== undefined && !watched.wasDomainSeen)
      await waitForLateDomain(cleaning, domain);
    await cleaning.removeDomain(domain);
    await cleaning.removePool(pool);
    for (const socket of sockets) await socket.close();
  }
}

/**
 * What the installer's kernel is started with.
 *
 * - On a busy host an emulated timer misses its ticks, and the kernel, which waits for ten of them, panics: "IO-APIC + timer doesn't work".
 *   It does.
 * - In cmdline mode Anaconda ends its machine ten seconds after an error. In text mode it shows the error and stays, for whoever debugs.
 */
export function bootArguments({
  kernelArguments,
  accelerator,
  arch,
  isDebugging,
}: Pick<Installation, 'kernelArguments' | 'accelerator' | 'arch' | 'isDebugging'>): readonly string[] {
  const asked = isDebugging ? kernelArguments.filter((argument) => argument !== 'inst.cmdline') : kernelArguments;
  return accelerator === 'tcg' && arch === 'x86_64' ? [...asked, 'no_timer_check'] : asked;
}

/** Watches until virt-install has ended (undefined) or there is a verdict. */
async function watchUntilEnd(
  installation: Installation,
  program: RunningProgram,
  watch: InstallationWatch,
  virsh: Virsh,
  watched: { wasDomainSeen: boolean },
  consoleLog: string,
): Promise<Verdict | undefined> {
  const { domain, diskPath, signal } = installation;
  const end = new AbortController();
  const ended = program.done.then(
    () => end.abort(),
    () => end.abort(),
  );
  let sampledAt = -Infinity;
  for (;;) {
    await Promise.race([pause(CHECK_INTERVAL_MS), ended]);
    signal.throwIfAborted();
    const verdict = watch.check();
    if (verdict !== undefined) return verdict;
    // virt-install's own failure (no domain) is thrown here; its success says nothing.
    if (end.signal.aborted) {
      await program.done;
      return undefined;
    }
    if (performance.now() - sampledAt < SAMPLE_INTERVAL_MS) continue;
    sampledAt = performance.now();
    const { state, isPausedByIoError, activity } = await virsh.sample(domain);
    if (state !== 'gone') watched.wasDomainSeen = true;
    if (isPausedByIoError) throw await fullDisk(diskPath, watch.tail, consoleLog);
    if (state === 'running') {
      watch.feedActivity({
        blockBytes: activity.blockBytes,
        netBytes: activity.netBytes,
        cpuTimeNs: activity.cpuNs,
      });
    }
  }
}

/** libvirt goes on creating a domain whose virt-install was ended meanwhile. */
async function waitForLateDomain(virsh: Virsh, domain: string): Promise<void> {
  const until = performance.now() + LATE_DOMAIN_MS;
  while (performance.now() < until && !(await virsh.listDomains()).includes(domain)) await pause(CHECK_INTERVAL_MS);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function fullDisk(diskPath: string, tail: readonly string[], log: string): Promise<Iso2RootfsError> {
  const available = await freeBytes(diskPath);
  const { blocks, size } = await stat(diskPath);
  const needed = size - blocks * 512;
  return new Iso2RootfsError(
    'NO_SPACE',
    `the guest could not write its disk: up to ${needed} more bytes are needed for ${diskPath}, ${available} are available`,
    {
      hint: 'Free some space there, or put the cache elsewhere with --cache-dir.',
      log,
      data: { neededBytes: needed, availableBytes: available, console: tail },
    },
  );
}

/** Success is the token: on the console, or else on the disk. */
async function requireToken(installation: Installation, watch: InstallationWatch, consoleLog: string): Promise<void> {
  const early = watch.conclude();
  if (early !== undefined && !watch.tokenSeen) throw toError(early, consoleLog);
  if (watch.tokenSeen) return;
  const { blocks } = await stat(installation.diskPath);
  if (blocks * 512 >= LEAST_SYSTEM_BYTES) {
    if ((await installation.readToken())?.trim() === installation.token) return;
  }
  throw toError(watch.finish(), consoleLog);
}

async function placeAnswer(
  installation: Installation,
): Promise<{ readonly initrdFiles: readonly string[]; readonly seedIsoPath?: string }> {
  const { mediaDirectory, answerFiles, delivery, tools } = installation;
  const files: string[] = [];
  for (const { name, text } of answerFiles) {
    const file = path.join(mediaDirectory, name);
    // May hold the hash of a password: only virt-install reads it.
    await writeFile(file, text, { mode: 0o600, flag: 'wx' });
    files.push(file);
  }
  if (delivery === 'initrd') return { initrdFiles: files };
  const seedIsoPath = path.join(mediaDirectory, 'seed.iso');
  await makeSeedIso(tools, { files, volumeId: 'cidata', destination: seedIsoPath });
  return { initrdFiles: [], seedIsoPath };
}
