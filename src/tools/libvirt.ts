import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError, systemErrorCode } from '../errors.js';
import { searchPath } from './host.js';
import { run } from './run.js';

export { defaultUri } from './libvirt-uri.js';

const VIRSH_TIMEOUT_MS = 30_000;

export interface LibvirtOptions {
  readonly toolsPath?: string | undefined;
  /** Default: our PATH. */
  readonly path?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface LibvirtConnection {
  readonly uri: string;
  readonly libvirtVersion: string | undefined;
  /** 'QEMU 7.2.22'; undefined when libvirt cannot tell, e.g. because QEMU is not installed. */
  readonly hypervisor: string | undefined;
}

/** Who QEMU runs as. */
export interface HypervisorUser {
  readonly uid: number;
  readonly gid: number;
}

export type Reachability =
  | { readonly isReachable: true }
  /** `obstacle`: the directory that may not be searched, or the file that may not be read. */
  | { readonly isReachable: false; readonly obstacle: string };

/**
 * Makes sure that libvirt answers.
 * @throws Iso2RootfsError LIBVIRT_UNREACHABLE, TOOL_MISSING without virsh.
 */
export async function checkConnection(uri: string, options: LibvirtOptions = {}): Promise<LibvirtConnection> {
  const text = await askVirsh(uri, ['version'], options);
  return {
    uri,
    libvirtVersion: /^Using library: libvirt (\S+)/m.exec(text)?.[1],
    hypervisor: /^Running hypervisor: (.+)$/m.exec(text)?.[1]?.trim(),
  };
}

/**
 * Who QEMU runs as on this connection, or undefined when it is the caller (a session) or libvirt does not say.
 * @throws Iso2RootfsError LIBVIRT_UNREACHABLE, TOOL_MISSING without virsh.
 */
export async function hypervisorUser(uri: string, options: LibvirtOptions = {}): Promise<HypervisorUser | undefined> {
  return parseHypervisorUser(await askVirsh(uri, ['capabilities'], options));
}

/** The base label of the security model `dac`: `+uid:+gid` (libvirt's qemuSecurityInit and virSecurityDACGetBaseLabel). */
export function parseHypervisorUser(capabilities: string): HypervisorUser | undefined {
  for (const [model] of capabilities.matchAll(/<secmodel>[^]*?<\/secmodel>/g)) {
    if (!/<model>dac<\/model>/.test(model)) continue;
    const label = /<baselabel[^>]*>\+?(\d+):\+?(\d+)<\/baselabel>/.exec(model);
    if (label !== null) return { uid: Number(label[1]), gid: Number(label[2]) };
  }
  return undefined;
}

/**
 * Whether a user may read a file or search a directory, and search all directories above it, by the permission bits. Neither ACLs nor the
 * user's other groups are looked at, so a no may be too strict. What does not exist yet is judged by its nearest parent that does.
 */
export async function canUserReach(target: string, uid: number, gid: number): Promise<Reachability> {
  if (uid === 0) return { isReachable: true };
  const resolved = path.resolve(target);
  const places = resolved.split('/').map((_, index, names) => names.slice(0, index + 1).join('/') || '/');
  for (const place of places) {
    let status;
    try {
      // Follows symlinks: their targets' own parents are not looked at.
      status = await stat(place);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return { isReachable: true };
      return { isReachable: false, obstacle: place };
    }
    const wanted = status.isDirectory() ? 1 : 4;
    const shift = status.uid === uid ? 6 : status.gid === gid ? 3 : 0;
    if (((status.mode >> shift) & wanted) === 0) return { isReachable: false, obstacle: place };
  }
  return { isReachable: true };
}

/** Whether libvirt knows a UEFI firmware for emulated guests of an architecture; there is none without the package that has it. */
export async function knowsUefi(uri: string, arch: string, options: LibvirtOptions = {}): Promise<boolean> {
  const wish = ['--virttype', 'qemu', '--arch', arch, '--machine', 'virt'];
  const capabilities = await askVirsh(uri, ['domcapabilities', ...wish], options);
  return /<enum name='firmware'>\s*(?:<value>\w+<\/value>\s*)*<value>efi<\/value>/.test(capabilities);
}

async function askVirsh(uri: string, command: readonly string[], options: LibvirtOptions): Promise<string> {
  try {
    const result = await run('virsh', ['--connect', uri, ...command], {
      env: { PATH: searchPath(options.toolsPath, options.path) },
      signal: options.signal,
      timeoutMs: VIRSH_TIMEOUT_MS,
      reason: 'talk to libvirt',
    });
    return result.stdout;
  } catch (error) {
    if (!(error instanceof Iso2RootfsError) || options.signal?.aborted) throw error;
    if (error.code !== 'TOOL_FAILED' && error.code !== 'TIMEOUT') throw error;
    const why = explainFailure(error);
    throw new Iso2RootfsError('LIBVIRT_UNREACHABLE', `libvirt does not answer at ${uri}: ${why}`, {
      hint: connectionRemedy(uri, why),
      data: { uri },
      cause: error,
    });
  }
}

function explainFailure(error: Iso2RootfsError): string {
  const tail: unknown = error.data?.['tail'];
  const lines = Array.isArray(tail) ? tail.map(String) : [];
  // virsh first says that it failed, then why.
  const reasons = lines
    .filter((line) => line.startsWith('error: '))
    .map((line) => line.slice('error: '.length))
    .filter((line) => line !== 'failed to connect to the hypervisor');
  return reasons.at(-1) ?? lines.at(-1) ?? error.message;
}

function connectionRemedy(uri: string, why: string): string {
  // Without polkit or its bus, libvirt can ask nobody whether a user may.
  if (/permission denied|authentication (unavailable|failed|cancelled)|access denied|polkit|system bus/i.test(why)) {
    return `Add your user to the group libvirt and log in again, or use qemu:///session instead of ${uri}.`;
  }
  if (/no connection driver available|unable to parse|invalid.*uri/i.test(why)) {
    return `Check the URI ${uri}, and that libvirt's QEMU driver is installed: bin/setup-host.`;
  }
  if (uri.startsWith('qemu:///system')) {
    return 'Start it: systemctl start libvirtd, or, where no systemd runs: virtlogd -d; libvirtd -d. bin/setup-host does either.';
  }
  return 'Check that libvirt is installed (bin/setup-host) and that LIBVIRT_DEFAULT_URI is right.';
}
