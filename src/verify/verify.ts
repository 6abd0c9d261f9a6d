import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError } from '../errors.js';
import type { Emit } from '../events.js';
import type { Accelerator } from '../tools/accelerator.js';
import { copySparse } from '../tools/copy.js';
import { PrivateNamespace } from '../tools/private-namespace.js';
import { platformOf, type Machine } from '../tools/qemu.js';
import type { Toolbox } from '../tools/toolbox.js';
import { findUefiFirmware, type UefiFirmware } from '../tools/uefi-firmware.js';
import { watchBoot, type BootOptions } from './boot.js';
import { layerWithProbe } from './disk-probe.js';
import { judge, type Expectation } from './judge.js';
import { EXPORT_NAME, mountScratchCopy, startNfsServer } from './nfs-server.js';
import { initrdFiles, joinArchives, packFiles, probeFiles } from './probe.js';
import type { Problem } from './problems.js';
import type { Report } from './report.js';

export type BootName = 'cgz' | 'nfsroot-read-only' | 'nfsroot-read-write' | 'disk';

/** What is to be booted: absolute paths. */
export interface ImageSet {
  readonly arch: string;
  readonly kernelPath: string;
  /** `uname -r` of it. */
  readonly kernelVersion: string;
  readonly initrdPath: string;
  readonly cgz?: {
    /** Archives that the kernel unpacks together. */
    readonly paths: readonly string[];
    readonly memoryMiB: number;
    /** The system lies in a squashfs image under an overlay, not as files in the archive. */
    readonly isOverlay: boolean;
    readonly sha256?: string;
  };
  readonly nfsroot?: string;
  /** A disk that boots by itself. */
  readonly disk?: { readonly path: string; readonly format: 'raw' | 'qcow2'; readonly sha256?: string };
  /** What the kernel is told besides its console; SERVER and PATH stand for the NFS server's. Default: nothing, and {@link NFS_ARGUMENTS}. */
  readonly kernelArguments?: {
    readonly initramfs: readonly string[];
    readonly nfsroot?: { readonly readOnly: readonly string[]; readonly readWrite: readonly string[] } | undefined;
  };
  /** Files that have a capability in the installed system. */
  readonly capabilityPaths: readonly string[];
}

export interface VerifyContext {
  readonly tools: Toolbox;
  readonly emit: Emit;
  /** An empty directory for what is only needed meanwhile. */
  readonly scratch: string;
  readonly accelerator: Accelerator;
  /** Of all machines. Default: what the manifest states for the cgz, 1 GiB for the others. */
  readonly memoryMiB?: number | undefined;
  /** Longest boot. Default: 5 minutes, 15 by emulation. */
  readonly timeoutMs?: number | undefined;
  /** Told of each boot when it has ended. */
  readonly onBoot?: ((result: BootResult) => void) | undefined;
}

export interface BootResult {
  readonly name: BootName;
  readonly passed: boolean;
  /** The worst first; told-only ones included. */
  readonly problems: readonly Problem[];
  readonly memoryMiB: number;
  /** Until the system said that it was up, or until we gave up. */
  readonly elapsedMs: number;
  readonly shutdownMs: number | undefined;
  readonly report: Report;
  readonly consoleTail: readonly string[];
  readonly consoleLog: string;
  /** The machine had less memory than the manifest states: a failure says nothing against the image. */
  readonly isBelowStated: boolean;
  /** Of the image, where it is a file. */
  readonly sha256: string | undefined;
}

/** A tmpfs, since nothing on the command line makes the kernel take a ramfs. */
const IN_TMPFS = { matches: /^tmpfs$/, description: 'a tmpfs' };
const IN_OVERLAY = { matches: /^overlayfs$/, description: 'an overlay in memory' };
/** Understood by initramfs-tools and, as the old form, by dracut. */
const NFS_ARGUMENTS = ['boot=nfs', 'root=/dev/nfs', 'nfsroot=SERVER:PATH', 'ip=dhcp'];
/** The host's loopback, as a guest on QEMU's user network sees it. */
const HOST_ADDRESS = '10.0.2.2';
const DEFAULT_MEMORY_MIB = 1024;
const VCPUS = 2;
const TIMEOUT_MS = { kvm: 5 * 60_000, tcg: 15 * 60_000 } as const;
const IN_MEMORY_ON_DISK = /^(?:tmpfs|ramfs|nfs|overlayfs|unknown.*)$/;

/** Boots every image of a set, one after the other, and says what came of each. None of them is changed. */
export async function verifyImages(images: ImageSet, context: VerifyContext): Promise<BootResult[]> {
  await mkdir(context.scratch, { recursive: true, mode: 0o700 });
  const results: BootResult[] = [];
  if (images.cgz !== undefined) results.push(await bootCgz(images, images.cgz, context));
  if (images.nfsroot !== undefined) results.push(...(await bootNfsroot(images, images.nfsroot, context)));
  if (images.disk !== undefined) results.push(await bootDisk(images, images.disk, context));
  return results;
}

async function bootCgz(
  images: ImageSet,
  cgz: NonNullable<ImageSet['cgz']>,
  context: VerifyContext,
): Promise<BootResult> {
  const initrdPath = path.join(context.scratch, 'initramfs-with-probe');
  const facts = factsOf(images);
  const probe = cgz.isOverlay ? await initrdFiles({ ...facts, withOverlay: false }) : await probeFiles(facts);
  // In front: whatever the image has of the same name stays as it is.
  await joinArchives([packFiles(probe), ...cgz.paths], initrdPath);
  const kernel = {
    path: images.kernelPath,
    initrdPath,
    arguments: [consoleArgument(images), ...(images.kernelArguments?.initramfs ?? [])],
  };
  const root = cgz.isOverlay ? IN_OVERLAY : IN_TMPFS;
  const parts = { kernel, network: 'isolated' } as const;
  return bootAndJudge('cgz', images, parts, cgz.memoryMiB, { root, needsCapabilities: true }, context);
}

type MachineParts = Pick<Machine, 'kernel' | 'disk' | 'firmware' | 'network'>;

async function bootNfsroot(images: ImageSet, nfsroot: string, context: VerifyContext): Promise<BootResult[]> {
  const namespace = await PrivateNamespace.create(context.tools);
  try {
    // The programs' sockets and state, which the host may have as well.
    await namespace.run('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
    const exported = await mountScratchCopy(namespace, nfsroot, path.join(context.scratch, 'nfsroot'));
    const results: BootResult[] = [];
    for (const access of ['RO', 'RW'] as const) results.push(await bootExport(access, exported));
    return results;
  } finally {
    await namespace.dispose();
  }

  async function bootExport(access: 'RO' | 'RW', exported: string): Promise<BootResult> {
    const isReadOnly = access === 'RO';
    const scratch = path.join(context.scratch, access);
    const server = await startNfsServer(namespace, exported, { access, scratch });
    try {
      const initrdPath = path.join(scratch, 'initrd-with-probe');
      const files = await initrdFiles({ ...factsOf(images), withOverlay: isReadOnly });
      await joinArchives([images.initrdPath, packFiles(files)], initrdPath);
      const stated = images.kernelArguments?.nfsroot?.[isReadOnly ? 'readOnly' : 'readWrite'];
      const root = (stated ?? [...NFS_ARGUMENTS, isReadOnly ? 'ro' : 'rw']).map((argument) =>
        argument.replace('SERVER', HOST_ADDRESS).replace(/PATH$/, EXPORT_NAME + nfsOptionsOf(argument)),
      );
      const kernel = { path: images.kernelPath, initrdPath, arguments: [consoleArgument(images), ...root] };
      return await bootAndJudge(
        isReadOnly ? 'nfsroot-read-only' : 'nfsroot-read-write',
        images,
        { kernel, network: 'host' },
        DEFAULT_MEMORY_MIB,
        {
          root: isReadOnly
            ? { matches: /^overlayfs$/, description: 'an overlay over NFS' }
            : { matches: /^nfs$/, description: 'NFS' },
          // Neither NFSv3 nor nfs-ganesha carries security.capability.
          needsCapabilities: false,
        },
        context,
        namespace,
      );
    } finally {
      await server.stop();
    }
  }
}

/** Options that let the kernel say after 20 s that a server does not answer; with initramfs-tools' own (retrans=10) that takes minutes. */
function nfsOptionsOf(argument: string): string {
  return argument.startsWith('nfsroot=') ? ',timeo=100,retrans=1' : '';
}

async function bootDisk(
  images: ImageSet,
  disk: NonNullable<ImageSet['disk']>,
  context: VerifyContext,
): Promise<BootResult> {
  const root = { matches: new RegExp(`^(?!${IN_MEMORY_ON_DISK.source.slice(1)})`), description: 'a disk' };
  const firmware = await prepareFirmware(images, context);
  const layer = await layerWithProbe(context.tools, disk, factsOf(images), context);
  const parts = { disk: { path: layer, format: 'qcow2' }, firmware, network: 'isolated' } as const;
  return bootAndJudge('disk', images, parts, DEFAULT_MEMORY_MIB, { root, needsCapabilities: true }, context);
}

/** The variables are a copy that is thrown away: a system may write there what it boots next. */
async function prepareFirmware(
  { arch }: ImageSet,
  { tools, scratch }: VerifyContext,
): Promise<UefiFirmware | undefined> {
  const { needsUefi, machine } = platformOf(arch);
  if (!needsUefi) return undefined;
  const { code, variables } = await findUefiFirmware(arch, machine);
  const own = path.join(scratch, `firmware-variables.${variables.format}`);
  await copySparse(tools, variables.path, own);
  await chmod(own, 0o600);
  return { code, variables: { ...variables, path: own } };
}

async function bootAndJudge(
  name: BootName,
  images: ImageSet,
  parts: MachineParts,
  memoryMiB: number,
  expected: Omit<Expectation, 'kernelVersion'>,
  context: VerifyContext,
  starter: Pick<PrivateNamespace, 'start'> = context.tools,
): Promise<BootResult> {
  const { tools, emit, accelerator } = context;
  const machine: Machine = {
    ...parts,
    arch: images.arch,
    accelerator,
    memoryMiB: context.memoryMiB ?? memoryMiB,
    vcpus: VCPUS,
    reportPath: path.join(context.scratch, `report-${name}`),
  };
  const consoleLog = path.join(tools.logDirectory, `verify-${name}.log`);
  const options: BootOptions = {
    start: async (program, args, more) => starter.start(program, args, more),
    consoleLog,
    timeoutMs: context.timeoutMs ?? TIMEOUT_MS[accelerator],
    toolsPath: tools.toolsPath,
    emit,
  };
  emit({ type: 'phase', stage: 'verify', phase: `booting ${name} with ${machine.memoryMiB} MiB` });
  const outcome = await watchBoot(machine, options);
  const problems = judge(outcome, { ...expected, kernelVersion: images.kernelVersion });
  const result: BootResult = {
    name,
    passed: problems.every(({ isFatal }) => !isFatal),
    problems,
    memoryMiB: machine.memoryMiB,
    elapsedMs: outcome.elapsedMs,
    shutdownMs: outcome.shutdownMs,
    report: outcome.report,
    consoleTail: outcome.consoleTail,
    consoleLog,
    isBelowStated: machine.memoryMiB < memoryMiB,
    sha256: name === 'cgz' ? images.cgz?.sha256 : name === 'disk' ? images.disk?.sha256 : undefined,
  };
  context.onBoot?.(result);
  return result;
}

function consoleArgument({ arch }: ImageSet): string {
  return `console=${platformOf(arch).console}`;
}

function factsOf({ arch, capabilityPaths }: ImageSet): { port: string; capabilityPaths: readonly string[] } {
  return { port: platformOf(arch).reportPort, capabilityPaths };
}

/** @throws Iso2RootfsError VERIFY_FAILED naming the worst problem of each image that did not pass */
export function requirePassed(results: readonly BootResult[]): void {
  const failed = results.filter(({ passed }) => !passed);
  const [first] = failed;
  const worst = first?.problems.find(({ isFatal }) => isFatal);
  if (first === undefined || worst === undefined) return;
  const messages = failed.map(({ name, problems }) => `${name}: ${problems.find(({ isFatal }) => isFatal)?.message}`);
  throw new Iso2RootfsError('VERIFY_FAILED', messages.join('; '), {
    hint: worst.hint,
    stage: 'verify',
    log: first.consoleLog,
    data: { problems: failed.map(({ name, problems }) => ({ image: name, problems })), console: first.consoleTail },
  });
}
