/** Starts machines in QEMU directly, without libvirt: for boots that are watched and thrown away. */
import { Iso2RootfsError } from '../errors.js';
import type { Accelerator } from './accelerator.js';
import { searchPath } from './host.js';
import { emulatorPrograms } from './requirements.js';
import { findProgram } from './run.js';
import type { FlashFile, UefiFirmware } from './uefi-firmware.js';

export interface Machine {
  readonly arch: string;
  readonly accelerator: Accelerator;
  readonly memoryMiB: number;
  readonly vcpus: number;
  /** UEFI with variables of the machine's own; undefined: what the machine has by itself. */
  readonly firmware?: UefiFirmware | undefined;
  /** Direct kernel boot; undefined: the firmware boots the disk. */
  readonly kernel?: { readonly path: string; readonly initrdPath: string; readonly arguments: readonly string[] };
  /** A disk image; what is written to it is forgotten. */
  readonly disk?: { readonly path: string; readonly format: 'raw' | 'qcow2' };
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
  /** It has no firmware by itself that boots a disk. */
  readonly needsUefi: boolean;
}

/** Why not only `max`: see virt-install.ts. */
const PLATFORMS: Readonly<Record<string, Platform>> = {
  x86_64: { machine: 'pc', emulatedCpu: 'max,la57=off', console: 'ttyS0', reportPort: 'ttyS1', needsUefi: false },
  // The machine has one PL011: the second port is a 16550 on the PCI bus.
  // `max` signs pointers, which takes an emulator several times as long.
  aarch64: { machine: 'virt', emulatedCpu: 'cortex-a72', console: 'ttyAMA0', reportPort: 'ttyS0', needsUefi: true },
};

/** @throws Iso2RootfsError TOOL_MISSING for an architecture that we start no machines of. */
export function platformOf(arch: string): Platform {
  const platform = PLATFORMS[arch];
  if (platform === undefined) throw new Iso2RootfsError('TOOL_MISSING', `no machine for ${arch} is known`);
  return platform;
}

/** QEMU's arguments: the console is its stdout. */
export function machineArguments(machine: Machine): string[] {
  const { arch, accelerator, firmware, kernel, disk } = machine;
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
    ...(firmware === undefined
      ? []
      : [...flash(0, firmware.code, 'readonly=on'), ...flash(1, firmware.variables, 'readonly=off')]),
    ...(kernel === undefined
      ? []
      : ['-kernel', kernel.path, '-initrd', kernel.initrdPath, '-append', kernel.arguments.join(' ')]),
    ...(disk === undefined
      ? []
      : ['-drive', `file=${quoteOption(disk.path)},format=${disk.format},if=virtio,snapshot=on,discard=unmap`]),
  ];
}

function flash(unit: number, { path, format }: FlashFile, access: string): string[] {
  return ['-drive', `if=pflash,unit=${unit},format=${format},${access},file=${quoteOption(path)}`];
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

/** Words before a command that make the kernel end it when this process dies, however that happens (prctl(2), PR_SET_PDEATHSIG). */
export const DIES_WITH_US = ['setpriv', '--pdeathsig', 'KILL'] as const;
