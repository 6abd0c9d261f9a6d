import { Iso2RootfsError, toIso2RootfsError, type ErrorCode } from '../errors.js';
import { kvmRemedy, probeKvm, type Accelerator } from '../tools/accelerator.js';
import { checkApplianceCanStart, launchAppliance, type ApplianceCheck } from '../tools/appliance.js';
import {
  checkPrograms,
  programErrorCode,
  programRemedy,
  toolVersions,
  type ProgramCheck,
} from '../tools/check-program.js';
import { canMountDisks } from '../tools/disk/mount-disk.js';
import { hostArch } from '../tools/host.js';
import type { Engine } from '../tools/requirements.js';
import {
  canUserReach,
  checkConnection,
  defaultUri,
  hypervisorUser,
  knowsUefi,
  type LibvirtOptions,
} from '../tools/libvirt.js';
import { formatBytes, freeBytes } from '../tools/space.js';

export interface DoctorCheck {
  readonly name: string;
  /** `failed`: a build cannot start. `warning`: it can, but slower or elsewhere than wished. */
  readonly status: 'ok' | 'warning' | 'failed';
  /** What is there: a version and a path, a number of bytes, what is wrong. */
  readonly found: string;
  /** Completes 'needed to ...'. */
  readonly neededFor: string;
  readonly remedy?: string;
  /** Of a failed check: the code of the error that a build would end with. */
  readonly code?: ErrorCode;
}

export interface DoctorReport {
  readonly checks: readonly DoctorCheck[];
  readonly canBuild: boolean;
  readonly accelerator: Accelerator;
  /** Versions of the programs that are there, by name, for the manifest. */
  readonly toolVersions: Readonly<Record<string, string>>;
}

/** A directory (it need not exist yet) that must have room. */
export interface DoctorPlace {
  readonly path: string;
  readonly neededBytes: number;
  /** With less than this nothing can be built; between the two is a warning. Default: all that is needed. */
  readonly leastBytes?: number;
  /** Completes 'needed to ...'. */
  readonly neededFor: string;
}

export interface DoctorOptions {
  /** Architecture of the guests. Default: the host's. */
  readonly arch?: string;
  /** What the other engine needs is optional. Default: `guestfs`. */
  readonly engine?: Engine;
  /** Default: {@link defaultUri}. */
  readonly libvirtUri?: string;
  /** Default: `auto`. */
  readonly accelerator?: 'auto' | Accelerator;
  readonly toolsPath?: string | undefined;
  readonly places?: readonly DoctorPlace[];
  /** Where QEMU's user would open disks and media; not reaching it is a warning. */
  readonly mediaDirectory?: string;
  /** Where the KVM probe's answer is remembered until the host boots again. */
  readonly stateDirectory?: string | undefined;
  /** Starts the libguestfs appliance for real. Default: false. */
  readonly isThorough?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Looks at all that a build needs of this machine. What is wrong is in the report: it throws only for an abort. */
export async function runDoctor(options: DoctorOptions = {}): Promise<DoctorReport> {
  const search = { toolsPath: options.toolsPath, signal: options.signal };
  const programs = await checkPrograms(options.arch ?? hostArch(), search, options.engine);
  const { accelerator, check: kvm } = await checkKvm(options);
  const checks = [...programs.map(reportProgram), ...(await checkLibvirt(options)), kvm];
  checks.push(reportAppliance('appliance', await checkApplianceCanStart(search), options.engine));
  if (options.isThorough) checks.push(reportAppliance('appliance start', await launchAppliance(accelerator, search)));
  for (const place of options.places ?? []) checks.push(await checkSpace(place));
  return {
    checks,
    canBuild: checks.every((check) => check.status !== 'failed'),
    accelerator,
    toolVersions: toolVersions(programs),
  };
}

/** @throws Iso2RootfsError with the code of the first check that failed, naming all of them. */
export function requireHealthy({ checks }: DoctorReport): void {
  const failed = checks.filter((check) => check.status === 'failed');
  const [first] = failed;
  if (first === undefined) return;
  throw new Iso2RootfsError(
    first.code ?? 'INTERNAL',
    failed.map((check) => `${check.name}: ${check.found} (needed to ${check.neededFor})`).join('; '),
    {
      hint: [...new Set(failed.flatMap((check) => check.remedy ?? []))].join(' '),
      data: { failed: failed.map((check) => check.name) },
    },
  );
}

function reportProgram(program: ProgramCheck): DoctorCheck {
  const { name, reason: neededFor } = program;
  if (program.ok) {
    const found = [program.version, program.path].filter((part) => part !== undefined).join(', ');
    return { name, status: 'ok', found, neededFor };
  }
  const report = { name, found: program.problem ?? '', neededFor, remedy: programRemedy([program]) };
  return program.isOptional
    ? { ...report, status: 'warning' }
    : { ...report, status: 'failed', code: programErrorCode(program) };
}

async function checkLibvirt(options: DoctorOptions): Promise<DoctorCheck[]> {
  const uri = options.libvirtUri ?? defaultUri();
  const search = { toolsPath: options.toolsPath, signal: options.signal };
  const about = { name: 'libvirt', neededFor: 'run the installer in a guest' };
  try {
    const { libvirtVersion, hypervisor } = await checkConnection(uri, search);
    if (hypervisor === undefined) {
      return [
        {
          ...about,
          status: 'failed',
          found: `${uri} answers, but knows no QEMU`,
          remedy: 'Install QEMU (bin/setup-host) and restart libvirtd.',
          code: 'LIBVIRT_UNREACHABLE',
        },
      ];
    }
    const found = `${libvirtVersion ?? 'unknown version'}, ${hypervisor} at ${uri}`;
    const reach = options.mediaDirectory === undefined ? [] : [await checkReach(uri, options.mediaDirectory, options)];
    const arch = options.arch ?? hostArch();
    // An x86 guest is started by its BIOS, which QEMU brings along.
    const firmware = arch === 'aarch64' ? [await checkFirmware(uri, arch, search)] : [];
    return [{ ...about, status: 'ok', found }, ...firmware, ...reach];
  } catch (error) {
    if (options.signal?.aborted) throw error;
    const { code, message, hint } = toIso2RootfsError(error);
    return [{ ...about, status: 'failed', found: message, remedy: hint ?? 'Run bin/setup-host.', code }];
  }
}

async function checkFirmware(uri: string, arch: string, search: LibvirtOptions): Promise<DoctorCheck> {
  const about = { name: 'UEFI firmware', neededFor: `start ${arch} guests` };
  if (await knowsUefi(uri, arch, search)) return { ...about, status: 'ok', found: `libvirt has one for ${arch}` };
  return {
    ...about,
    status: 'failed',
    found: `libvirt knows none for ${arch}`,
    remedy:
      'Install it: qemu-efi-aarch64 (Debian, Ubuntu), edk2-aarch64 (Fedora, EL, openEuler) or qemu-uefi-aarch64 (SUSE).',
    code: 'TOOL_MISSING',
  };
}

async function checkReach(uri: string, directory: string, options: DoctorOptions): Promise<DoctorCheck> {
  const about = { name: 'media directory', neededFor: "let QEMU's user open disks and media" };
  const user = await hypervisorUser(uri, { toolsPath: options.toolsPath, signal: options.signal });
  if (user === undefined) return { ...about, status: 'ok', found: `${directory}, QEMU runs as this user` };
  const reach = await canUserReach(directory, user.uid, user.gid);
  if (reach.isReachable) return { ...about, status: 'ok', found: `${directory}, QEMU runs as user ${user.uid}` };
  return {
    ...about,
    status: 'warning',
    found: `QEMU's user ${user.uid} may not pass through ${reach.obstacle}: disks and media are put elsewhere while installing`,
    remedy: `Choose another cache directory, or allow it: chmod o+x ${reach.obstacle}`,
  };
}

async function checkKvm(options: DoctorOptions): Promise<{ accelerator: Accelerator; check: DoctorCheck }> {
  const about = { name: 'KVM', neededFor: 'run guests at full speed' };
  const wish = options.accelerator ?? 'auto';
  if (wish === 'tcg') {
    return {
      accelerator: 'tcg',
      check: { ...about, status: 'ok', found: 'not used: software emulation was asked for' },
    };
  }
  const { works, why } = await probeKvm({
    ...(options.arch === undefined ? {} : { arch: options.arch }),
    toolsPath: options.toolsPath,
    stateDirectory: options.stateDirectory,
    signal: options.signal,
  });
  if (works) return { accelerator: 'kvm', check: { ...about, status: 'ok', found: why } };
  const report = { ...about, found: `does not work: ${why}`, remedy: kvmRemedy(why) };
  return wish === 'kvm'
    ? { accelerator: 'kvm', check: { ...report, status: 'failed', code: 'KVM_UNAVAILABLE' } }
    : {
        accelerator: 'tcg',
        check: {
          ...report,
          status: 'warning',
          found: `${report.found}; guests are emulated, many times slower`,
          remedy: await withEngine(report.remedy),
        },
      };
}

/** What helps beside KVM itself: the disk can be read without a guest. */
async function withEngine(remedy: string): Promise<string> {
  return (await canMountDisks()) ? `${remedy} Without it, --engine mount reads disks many times faster.` : remedy;
}

function reportAppliance(name: string, result: ApplianceCheck, engine: Engine = 'guestfs'): DoctorCheck {
  const about = { name, neededFor: 'look into disks' };
  if (result.ok) return { ...about, status: 'ok', found: result.found };
  const report = { ...about, found: result.problem, remedy: result.remedy };
  return engine === 'mount'
    ? { ...report, status: 'warning' }
    : { ...report, status: 'failed', code: 'APPLIANCE_UNAVAILABLE' };
}

async function checkSpace({
  path,
  neededBytes,
  neededFor,
  leastBytes = neededBytes,
}: DoctorPlace): Promise<DoctorCheck> {
  const about = { name: `space at ${path}`, neededFor };
  try {
    const availableBytes = await freeBytes(path);
    const found = `${formatBytes(availableBytes)} free, ${formatBytes(neededBytes)} needed`;
    if (availableBytes >= neededBytes) return { ...about, status: 'ok', found };
    const missing = formatBytes(neededBytes - availableBytes);
    const remedy = `Free ${missing} there, or choose another place.`;
    if (availableBytes >= leastBytes) return { ...about, status: 'warning', found, remedy };
    return { ...about, status: 'failed', found, remedy, code: 'NO_SPACE' };
  } catch (error) {
    const { code, message } = toIso2RootfsError(error);
    return { ...about, status: 'failed', found: message, remedy: 'Choose another place.', code };
  }
}
