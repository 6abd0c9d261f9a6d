/** Starts machines in QEMU directly, without libvirt: for boots that are watched and thrown away. */
import { access, constants } from 'node:fs/promises';
import { Iso2RootfsError } from '../errors.js';
import type { Accelerator } from './accelerator.js';
import { searchPath } from './host.js';
import { emulatorPrograms } from './requirements.js';
import { findProgram } from './run.js';

export interface Machine {
  readonly arch: string;
  readonly accelerator: Accelerator;
  readonly memoryMiB: number;
  readonly vcpus: number;
  /** Direct kernel boot; undefined: the firmware boots the disk. */
  readonly kernel?: { readonly path: string; readonly initrdPath: string; readonly arguments: readonly string[] };
  /** A disk image; what is written to it is forgotten. `firmwarePath`: see {@link findFirmware}. */
  readonly disk?: {
    readonly path: string;
    readonly format: 'raw' | 'qcow2';
    readonly firmwarePath?: string | undefined;
  };
  /** `isolated`: the guest gets an address by DHCP and reaches nobody. `host`: it reaches the host's loopback as 10.0.2.2. */
  readonly network: 'isolated' | 'host';
  /** Where the second serial port writes. */
  readonly reportPath: string;
}

/** A machine of an architecture. */
export interface Platform {
  readonly machine: string;
  readonly emulatedCpu: string;
  /** The guest's names of its serial ports. */
  readonly console: string;
  readonly reportPort: string;
  /** Places of a firmware that boots disks (Debian, Fedora, SUSE); undefined: QEMU brings its own. */
  readonly firmwares?: readonly string[];
}

/** Without enrolled keys of secure boot; images of any size that `-bios` takes. */
const UEFI = [
  '/usr/share/qemu-efi-aarch64/QEMU_EFI.fd',
  '/usr/share/edk2/aarch64/QEMU_EFI.fd',
  '/usr/share/qemu/qemu-uefi-aarch64.bin',
];

const PLATFORMS: Readonly<Record<string, Platform>> = {
  x86_64: { machine: 'pc', emulatedCpu: 'max', console: 'ttyS0', reportPort: 'ttyS1' },
  // The machine has one PL011: the second port is a 16550 on the PCI bus.
  // `max` signs pointers, which takes an emulator several times as long.
  aarch64: { machine: 'virt', emulatedCpu: 'cortex-a72', console: 'ttyAMA0', reportPort: 'ttyS0', firmwares: UEFI },
};

/** @throws Iso2RootfsError TOOL_MISSING for an architecture that we start no machines of. */
export function platformOf(arch: string): Platform {
  const platform = PLATFORMS[arch];
  if (platform === undefined) throw new Iso2RootfsError('TOOL_MISSING', `no machine for ${arch} is known`);
  return platform;
}

/** QEMU's arguments: the console is its stdout. */
export function machineArguments(machine: Machine): string[] {
  const { arch, accelerator, kernel, disk } = machine;
  const platform = platformOf(arch);
  const isolated = machine.network === 'isolated' ? ',restrict=on' : '';
  return [
    ...[
      '-machine',
      `${platform.machine},accel=${accelerator}`,
      '-cpu',
      accelerator === 'kvm' ? 'host' : platform.emulatedCpu,
    ],
    ...['-m', `${machine.memoryMiB}M`, '-smp', String(machine.vcpus)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-serial', 'stdio', '-chardev', `file,id=report,path=${quoteOption(machine.reportPath)}`],
    ...(arch === 'aarch64' ? ['-device', 'pci-serial,chardev=report'] : ['-serial', 'chardev:report']),
    ...['-netdev', `user,id=network${isolated}`, '-device', 'virtio-net-pci,netdev=network'],
    ...['-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random'],
    ...(kernel === undefined
      ? []
      : ['-kernel', kernel.path, '-initrd', kernel.initrdPath, '-append', kernel.arguments.join(' ')]),
    ...(disk?.firmwarePath === undefined ? [] : ['-bios', disk.firmwarePath]),
    ...(disk === undefined
      ? []
      : ['-drive', `file=${quoteOption(disk.path)},format=${disk.format},if=virtio,snapshot=on,discard=unmap`]),
  ];
}

/** A comma ends a value in QEMU's options, unless it is doubled. */
function quoteOption(value: string): string {
  return value.replaceAll(',', ',,');
}

/**
 * @returns the path of the QEMU for guests of an architecture
 * @throws Iso2RootfsError TOOL_MISSING
 */
export async function findQemu(arch: string, toolsPath?: string): Promise<string> {
  for (const program of emulatorPrograms(arch)) {
    const found = await findProgram(program, searchPath(toolsPath));
    if (found !== undefined) return found;
  }
  throw new Iso2RootfsError('TOOL_MISSING', `no QEMU for ${arch} is installed (needed to boot the image)`, {
    hint: "'iso2rootfs doctor' names the package that has it.",
    data: { tool: `qemu-system-${arch}` },
  });
}

/**
 * @returns the firmware that a machine of an architecture boots a disk with; undefined: QEMU brings its own
 * @throws Iso2RootfsError TOOL_MISSING
 */
export async function findFirmware(arch: string): Promise<string | undefined> {
  const { firmwares } = platformOf(arch);
  if (firmwares === undefined) return undefined;
  for (const place of firmwares) {
    const isReadable = await access(place, constants.R_OK).then(
      () => true,
      () => false,
    );
    if (isReadable) return place;
  }
  throw new Iso2RootfsError('TOOL_MISSING', `no UEFI firmware for ${arch} is installed (needed to boot a disk)`, {
    hint: 'Install qemu-efi-aarch64 (Debian, Ubuntu), edk2-aarch64 (Fedora, EL, openEuler) or qemu-uefi-aarch64 (SUSE).',
    data: { files: firmwares },
  });
}

/** Words before a command that make the kernel end it when this process dies, however that happens (prctl(2), PR_SET_PDEATHSIG). */
export const DIES_WITH_US = ['setpriv', '--pdeathsig', 'KILL'] as const;
