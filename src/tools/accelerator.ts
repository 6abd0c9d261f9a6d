/** Whether KVM works is found out by starting a tiny guest: /dev/kvm may exist, and even open, on a host where no guest runs. */
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Iso2RootfsError } from '../errors.js';
import { hostArch, searchPath } from './host.js';
import { PROBE_MESSAGE, probeGuest } from './probe-image.js';
import { emulatorPrograms } from './requirements.js';
import { findProgram, run } from './run.js';

const DEFAULT_TIMEOUT_MS = 10_000;
const RECORD_FORMAT = 1;
const RECORD_NAME = 'kvm-probe.json';

export type Accelerator = 'kvm' | 'tcg';

export interface ProbeOptions {
  /** Architecture of the guest. Default: the host's. */
  readonly arch?: string;
  readonly toolsPath?: string | undefined;
  /** Default: our PATH. */
  readonly path?: string;
  readonly signal?: AbortSignal | undefined;
  /** Where the answer is remembered until the host boots again: `<stateDirectory>/kvm-probe.json`. Default: not at all. */
  readonly stateDirectory?: string | undefined;
  /** Longest run of the guest, which takes a fraction of a second even under TCG. Default: 10 s. */
  readonly timeoutMs?: number;
}

export interface ProbeResult {
  readonly works: boolean;
  /** What is wrong, or how we know that it works. */
  readonly why: string;
}

/** Finds out, by starting one unless that has been done since the host booted, whether a guest runs under KVM. */
export async function probeKvm(options: ProbeOptions = {}): Promise<ProbeResult> {
  const arch = options.arch ?? hostArch();
  if (arch !== hostArch()) {
    return { works: false, why: `the guest is ${arch} and the host ${hostArch()}` };
  }
  const device = await describeDevice();
  if (device === undefined) return { works: false, why: '/dev/kvm does not exist' };
  const emulator = await findEmulator(arch, options);
  if (emulator === undefined) return { works: false, why: `no QEMU for ${arch} is installed` };
  // The answer is another one after a change of the device's permissions, our groups, or QEMU.
  const subject = [await bootId(), arch, emulator, device, process.getuid?.(), process.getgroups?.().join(',')].join(
    ' ',
  );
  const recordPath = options.stateDirectory === undefined ? undefined : path.join(options.stateDirectory, RECORD_NAME);
  const known = recordPath === undefined ? undefined : await readRecord(recordPath, subject);
  if (known !== undefined) return known;
  const result = await startProbe('kvm', { ...options, arch });
  if (recordPath !== undefined) await writeRecord(recordPath, subject, result);
  return result;
}

/** Starts the tiny guest under KVM or TCG and looks for what it says. Never throws but for an abort. */
export async function startProbe(accelerator: Accelerator, options: ProbeOptions = {}): Promise<ProbeResult> {
  const arch = options.arch ?? hostArch();
  const guest = probeGuest(arch);
  const emulator = await findEmulator(arch, options);
  if (guest === undefined) return { works: false, why: `there is no test guest for ${arch}` };
  if (emulator === undefined) return { works: false, why: `no QEMU for ${arch} is installed` };
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-probe-'));
  try {
    const imagePath = path.join(directory, 'probe.img');
    await writeFile(imagePath, guest.image);
    const { stdout } = await run(
      emulator,
      [
        ...['-accel', accelerator, '-cpu', accelerator === 'kvm' ? 'host' : 'max'],
        ...guest.machineArguments(imagePath),
        ...['-m', '64', '-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio', '-no-reboot'],
      ],
      // A QEMU that aborts may leave a core file where it runs.
      { cwd: directory, signal: options.signal, timeoutMs, signalPauseMs: 1000 },
    );
    return stdout.includes(PROBE_MESSAGE)
      ? { works: true, why: 'a test guest ran' }
      : { works: false, why: 'a test guest ended without having run' };
  } catch (error) {
    if (options.signal?.aborted) throw error;
    return { works: false, why: explainFailure(error, timeoutMs) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Decides what guests run on.
 * @returns the reason as a sentence for the user where TCG is used.
 * @throws Iso2RootfsError KVM_UNAVAILABLE when KVM is demanded and does not work.
 */
export async function chooseAccelerator(
  wish: 'auto' | Accelerator,
  options: ProbeOptions = {},
): Promise<{ accelerator: Accelerator; reason: string }> {
  if (wish === 'tcg') return { accelerator: 'tcg', reason: 'Software emulation (TCG) was asked for.' };
  const { works, why } = await probeKvm(options);
  if (works) return { accelerator: 'kvm', reason: `KVM works: ${why}.` };
  if (wish === 'kvm') {
    throw new Iso2RootfsError('KVM_UNAVAILABLE', `KVM does not work: ${why}`, { hint: kvmRemedy(why), data: { why } });
  }
  return {
    accelerator: 'tcg',
    reason: `KVM does not work here (${why}): guests run by software emulation (TCG), which takes many times longer.`,
  };
}

export function kvmRemedy(why: string): string {
  if (/permission denied/i.test(why)) return 'Add your user to the group kvm, log in again, or use --accel auto.';
  if (why.includes('does not exist')) {
    return 'Enable virtualization in the firmware or in the outer hypervisor and load kvm_intel or kvm_amd, or use --accel auto.';
  }
  return 'Use --accel auto, or a host (or an outer hypervisor) whose KVM runs guests.';
}

async function findEmulator(arch: string, options: ProbeOptions): Promise<string | undefined> {
  const directories = searchPath(options.toolsPath, options.path);
  for (const program of emulatorPrograms(arch)) {
    const found = await findProgram(program, directories);
    if (found !== undefined) return found;
  }
  return undefined;
}

function explainFailure(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Iso2RootfsError)) return error instanceof Error ? error.message : String(error);
  if (error.code === 'TIMEOUT') return `a test guest did not run within ${timeoutMs / 1000} s`;
  const tail: unknown = error.data?.['tail'];
  const lines = Array.isArray(tail) ? tail.map(String) : [];
  // QEMU's first complaint is the cause; what follows (an assertion, the next accelerator) is the consequence.
  const first = lines.find((line) => !/warning:/i.test(line));
  return first === undefined ? error.message : first.replace(/^.*?qemu[\w.-]*: (?:error: )?/, '').trim();
}

/** Undefined when there is no device. */
async function describeDevice(): Promise<string | undefined> {
  try {
    const { mode, uid, gid, ctimeMs } = await stat('/dev/kvm');
    return [mode.toString(8), uid, gid, ctimeMs].join(':');
  } catch {
    return undefined;
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

async function readRecord(recordPath: string, subject: string): Promise<ProbeResult | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(recordPath, 'utf8'));
    if (typeof record !== 'object' || record === null) return undefined;
    const { format, subject: recorded, works, why } = record as Record<string, unknown>;
    if (format !== RECORD_FORMAT || recorded !== subject) return undefined;
    return typeof works === 'boolean' && typeof why === 'string' ? { works, why } : undefined;
  } catch {
    return undefined;
  }
}

/** That it cannot be written costs ten seconds next time, and is no reason to fail. */
async function writeRecord(recordPath: string, subject: string, result: ProbeResult): Promise<void> {
  const temporary = `${recordPath}.${process.pid}.new`;
  try {
    await mkdir(path.dirname(recordPath), { recursive: true });
    await writeFile(temporary, `${JSON.stringify({ format: RECORD_FORMAT, subject, ...result })}\n`);
    await rename(temporary, recordPath);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}
