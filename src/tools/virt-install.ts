import type { RunningProgram } from './run.js';
import type { Toolbox } from './toolbox.js';
import type { Arch } from '../media/types.js';

export interface VirtInstallOptions {
  readonly uri: string;
  readonly domain: string;
  readonly arch: Arch;
  readonly accelerator: 'kvm' | 'tcg';
  readonly memoryMiB: number;
  readonly vcpus: number;
  /** Path of the ISO as QEMU will open it. */
  readonly isoPath: string;
  /** Paths of the boot kernel and initrd inside the ISO. */
  readonly kernelPath: string;
  readonly initrdPath: string;
  readonly kernelArguments: readonly string[];
  /** Files that are put at the root of the initrd, under their own names. */
  readonly initrdFiles: readonly string[];
  /** A second CD-ROM, e.g. a NoCloud seed. */
  readonly seedIsoPath?: string | undefined;
  readonly diskPath: string;
  /** Where the firmware of a machine that has UEFI keeps its variables; libvirt makes the file and leaves it. */
  readonly nvramPath: string;
  /** UNIX socket that we listen on; QEMU connects when it starts, so that no byte of the console is lost. */
  readonly consoleSocketPath: string;
  /** The same for Anaconda's log (virtio-serial port `org.fedoraproject.anaconda.log.0`). */
  readonly logSocketPath: string;
  readonly network: 'user' | 'none';
}

/**
 * QEMU must be able to read the ISO as it is: libvirt is told not to chown it. The install medium is always the second disk: virt-install
 * puts it before every other CD-ROM.
 */
const NO_RELABEL = [
  '--xml',
  'xpath.set=./devices/disk[2]/source/seclabel/@model,xpath.value=dac',
  '--xml',
  'xpath.set=./devices/disk[2]/source/seclabel/@relabel,xpath.value=no',
];

/**
 * Distributions for x86_64 demand ever newer processors. Those for aarch64 run on the oldest, and emulating the newest means to compute the
 * signatures of pointers in software: a kernel boots in the fourfold time. Page tables of five levels are left out as libguestfs leaves
 * them out where it emulates (lib/launch-libvirt.c: a workaround for https://bugzilla.redhat.com/2082806).
 */
const EMULATED_CPUS: Readonly<Record<Arch, string>> = {
  x86_64: 'mode=maximum,disable=la57',
  aarch64: 'cortex-a72',
};

export function virtInstallArguments(options: VirtInstallOptions): string[] {
  const isKvm = options.accelerator === 'kvm';
  return [
    '--connect',
    options.uri,
    '--name',
    options.domain,
    '--transient',
    '--virt-type',
    isKvm ? 'kvm' : 'qemu',
    '--arch',
    options.arch,
    // A CD-ROM on AHCI: every installer since 2012 can read it, while newer kernels have dropped the IDE of the older machine type.
    ...(options.arch === 'x86_64' ? ['--machine', 'q35'] : ['--boot', firmware(options.nvramPath)]),
    '--cpu',
    isKvm ? 'host-passthrough' : EMULATED_CPUS[options.arch],
    '--memory',
    String(options.memoryMiB),
    '--vcpus',
    String(options.vcpus),
    '--osinfo',
    'detect=on,require=off',
    '--disk',
    `path=${escapeOption(options.diskPath)},format=raw,bus=virtio,cache=unsafe,discard=unmap`,
    ...(options.seedIsoPath === undefined
      ? []
      : ['--disk', `path=${escapeOption(options.seedIsoPath)},device=cdrom,readonly=on`]),
    '--location',
    `location=${escapeOption(options.isoPath)},kernel=${escapeOption(options.kernelPath)},initrd=${escapeOption(options.initrdPath)}`,
    ...options.initrdFiles.flatMap((file) => ['--initrd-inject', file]),
    '--extra-args',
    options.kernelArguments.join(' '),
    '--network',
    options.network,
    '--graphics',
    'none',
    '--serial',
    `unix,source.path=${escapeOption(options.consoleSocketPath)},source.mode=connect`,
    '--channel',
    `unix,source.path=${escapeOption(options.logSocketPath)},source.mode=connect,target.type=virtio,target.name=org.fedoraproject.anaconda.log.0`,
    '--rng',
    '/dev/urandom',
    '--memballoon',
    'none',
    '--events',
    'on_reboot=destroy,on_crash=destroy,on_poweroff=destroy',
    ...NO_RELABEL,
    '--noautoconsole',
    '--wait',
    '-1',
  ];
}

/**
 * UEFI, which is all that aarch64 has. Of firmwares whose secure boot has keys enrolled libvirt would take the first, and such a one refuses
 * the medium's kernel when QEMU hands it over directly.
 */
function firmware(nvramPath: string): string {
  return `uefi,firmware.feature0.name=secure-boot,firmware.feature0.enabled=no,nvram=${escapeOption(nvramPath)}`;
}

/** virt-install splits option strings at commas, as a POSIX shell does at blanks: quotes and backslashes have a meaning, too. */
function escapeOption(value: string): string {
  return /[,'"\\]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value;
}

/** Starts virt-install; it ends when the domain is gone. Its exit status says nothing about the installation. */
export async function startVirtInstall(tools: Toolbox, options: VirtInstallOptions): Promise<RunningProgram> {
  return tools.start('virt-install', virtInstallArguments(options), {
    reason: 'install the medium into a disk',
    hint: 'Read the log; virt-install says there what it did not like.',
  });
}
