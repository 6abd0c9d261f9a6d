import { Iso2RootfsError } from '../errors.js';
import { compareVersions } from '../packages/compare-versions.js';

export { compareVersions } from '../packages/compare-versions.js';

/** A kernel and the initrd of the same version. */
export interface BootPair {
  readonly version: string;
  /** File names in /boot. */
  readonly kernel: string;
  readonly initrd: string;
}

/** The names of one version's kernel; the first that there is can be started by boot loaders. SUSE has `vmlinux-VERSION.gz` for debuggers. */
const KERNEL_NAMES = [/^vmlinuz-(.+)$/, /^Image-(.+)$/, /^zImage-(.+)$/, /^vmlinux-(.+)$/];
const INITRD_NAMES = [/^initramfs-(.+)\.img$/, /^initrd\.img-(.+)$/, /^initrd-(.+?)(?:\.img)?$/];
/** Kernels and initrds that are there for emergencies or debugging, and files that only accompany a kernel. */
const NEVER = /rescue|kdump|crash|[+.-]debug$|\.(?:hmac|sig|old|bak|gz|xz|zst|bz2|dpkg-\w+|rpm\w+)$/i;

function versionOf(name: string, patterns: readonly RegExp[]): string | undefined {
  if (NEVER.test(name)) return undefined;
  for (const pattern of patterns) {
    const version = pattern.exec(name)?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}

function preference(kernel: string): number {
  return KERNEL_NAMES.findIndex((name) => name.test(kernel));
}

/**
 * The newest kernel of /boot, never a rescue or kdump one, and its initrd.
 * @param names file names in /boot
 * @throws Iso2RootfsError BUILD_FAILED, listing what /boot holds, when there is no kernel or none of its initrds has its version
 */
export function chooseBootPair(names: readonly string[]): BootPair {
  const kernels = names
    .map((name) => ({ name, version: versionOf(name, KERNEL_NAMES) }))
    .filter((kernel): kernel is { name: string; version: string } => kernel.version !== undefined)
    .sort((a, b) => compareVersions(b.version, a.version) || preference(a.name) - preference(b.name));
  const newest = kernels[0];
  const holds = `/boot holds: ${names.length === 0 ? 'nothing' : [...names].sort().join(', ')}`;
  const hint =
    'Look at the package selection and at the %post scripts of the answer file: they decide what /boot holds.';
  if (newest === undefined) {
    throw new Iso2RootfsError('BUILD_FAILED', `the installed system has no kernel; ${holds}`, { hint });
  }
  const initrd = names.find((name) => versionOf(name, INITRD_NAMES) === newest.version);
  if (initrd === undefined) {
    throw new Iso2RootfsError(
      'BUILD_FAILED',
      `the newest kernel, ${newest.name}, has no initrd of its version; ${holds}`,
      {
        hint,
      },
    );
  }
  return { version: newest.version, kernel: newest.name, initrd };
}
