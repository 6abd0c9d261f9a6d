/** Every program that a build runs: what for, since which version, and in which package it is. */
import { hostArch, type HostFamily } from './host.js';

/** Who reads and prepares an installed disk: an appliance of libguestfs', or this host's kernel. */
export type Engine = 'guestfs' | 'mount';

export interface Requirement {
  /** Programs that can do the job, best first. A path is looked for as it is. */
  readonly programs: readonly string[];
  /** Completes 'needed to ...'. */
  readonly reason: string;
  /** A build runs without it, perhaps slower. */
  readonly isOptional?: boolean;
  /** Only builds with this engine need it. */
  readonly engine?: Engine;
  readonly minimalVersion?: { readonly version: string; readonly because: string };
  /** Default: `--version`. */
  readonly versionArguments?: readonly string[];
  /** It is not asked for its version: it would rather start than say it. */
  readonly saysNoVersion?: boolean;
  /** Finds the version in what the program prints; its first group. Default: the first number with a dot in it. */
  readonly versionPattern?: RegExp;
  /** What to say when a program is there but its output does not match {@link versionPattern}. Default: that is no problem. */
  readonly problemWithoutVersion?: string;
  readonly packages: Readonly<Record<HostFamily, string>>;
}

const samePackage = (name: string): Requirement['packages'] => ({ debian: name, redhat: name, suse: name });

const GUESTFS_TOOLS = samePackage('guestfs-tools');

const GUESTFISH: Requirement['packages'] = { debian: 'guestfish', redhat: 'libguestfs', suse: 'libguestfs' };

/** Package of QEMU for a guest's architecture. */
function qemuPackages(arch: string): Requirement['packages'] {
  return arch === 'aarch64'
    ? { debian: 'qemu-system-arm', redhat: 'qemu-system-aarch64', suse: 'qemu-arm' }
    : { debian: 'qemu-system-x86', redhat: 'qemu-kvm', suse: 'qemu-x86' };
}

/** Programs that may be QEMU for guests of `arch`; EL and openEuler have only the host's own architecture, under another name. */
export function emulatorPrograms(arch: string, host: string = hostArch()): readonly string[] {
  return [`qemu-system-${arch}`, ...(arch === host ? ['qemu-kvm', '/usr/libexec/qemu-kvm'] : [])];
}

/** @param arch architecture of the guest. Default: the host's. */
export function requirementsFor(arch: string = hostArch(), engine: Engine = 'guestfs'): readonly Requirement[] {
  return allRequirements(arch).map((requirement) =>
    requirement.engine === undefined || requirement.engine === engine
      ? requirement
      : { ...requirement, isOptional: true },
  );
}

function allRequirements(arch: string): readonly Requirement[] {
  return [
    {
      programs: ['virt-install'],
      reason: 'run the installer in a guest',
      // virt-manager, commit 67703ec7a of 2020-09-14.
      minimalVersion: { version: '3.0.0', because: 'it has the option --osinfo since then' },
      packages: { debian: 'virtinst', redhat: 'virt-install', suse: 'virt-install' },
    },
    {
      programs: ['virsh'],
      reason: 'watch and end the guest',
      packages: { debian: 'libvirt-clients', redhat: 'libvirt-client', suse: 'libvirt-client' },
    },
    {
      programs: ['libvirtd', 'virtqemud'],
      reason: 'serve a local libvirt connection',
      isOptional: true,
      packages: { debian: 'libvirt-daemon-system', redhat: 'libvirt-daemon-kvm', suse: 'libvirt-daemon-qemu' },
    },
    {
      programs: emulatorPrograms(arch),
      reason: `run ${arch} guests`,
      versionPattern: /version (\d+(?:\.\d+)+)/,
      packages: qemuPackages(arch),
    },
    {
      programs: ['qemu-img'],
      reason: 'let libguestfs open disks, and write qcow2 images',
      versionPattern: /version (\d+(?:\.\d+)+)/,
      packages: { debian: 'qemu-utils', redhat: 'qemu-img', suse: 'qemu-tools' },
    },
    {
      // virt-install reads ISOs with isoinfo up to 3.2 and with xorriso from 4.0 on (virtinst/install/urlfetcher.py).
      programs: ['xorriso', 'isoinfo'],
      reason: 'let virt-install read the kernel off the ISO',
      packages: samePackage('xorriso'),
    },
    {
      programs: ['virt-sparsify'],
      engine: 'guestfs',
      reason: 'give unused blocks of the disk back',
      // virt-sparsify(1), IN-PLACE SPARSIFICATION.
      minimalVersion: { version: '1.26', because: 'it has the option --in-place since then' },
      packages: GUESTFS_TOOLS,
    },
    {
      programs: ['guestfish'],
      engine: 'guestfs',
      reason: 'read the file system out of the disk',
      // guestfs-release-notes-1.32(1): new parameters of guestfs_tar_out.
      minimalVersion: { version: '1.32', because: 'its tar-out writes xattrs, SELinux labels and ACLs since then' },
      packages: GUESTFISH,
    },
    {
      programs: ['sfdisk'],
      engine: 'mount',
      reason: 'find the file systems of a disk (--engine mount)',
      packages: { debian: 'fdisk', redhat: 'util-linux', suse: 'util-linux' },
    },
    {
      programs: ['ip'],
      engine: 'mount',
      reason: 'keep mounts and servers apart from those of the host (--engine mount, verify)',
      versionArguments: ['-V'],
      versionPattern: /iproute2-(\d+(?:\.\d+)+)/,
      packages: { debian: 'iproute2', redhat: 'iproute', suse: 'iproute2' },
    },
    {
      programs: ['virt-tar-out'],
      reason: 'repeat by hand what a build asks guestfish for',
      isOptional: true,
      packages: GUESTFISH,
    },
    {
      programs: ['tar'],
      reason: 'unpack the root file system with its attributes',
      versionPattern: /\(GNU tar\) (\d+(?:\.\d+)+)/,
      problemWithoutVersion: 'it is not GNU tar',
      // NEWS of GNU tar, 1.27: support for extended attributes, SELinux and POSIX ACLs.
      minimalVersion: { version: '1.27', because: 'it keeps xattrs and ACLs since then' },
      packages: samePackage('tar'),
    },
    {
      programs: ['pigz', 'gzip'],
      reason: 'compress initramfs.cgz (pigz uses all processors)',
      packages: samePackage('pigz'),
    },
    ...(['zstd', 'xz', 'lz4', 'bzip2'] as const).map((program) => ({
      programs: [program],
      reason:
        program === 'zstd' || program === 'xz'
          ? `compress with ${program}, and look into initrds that are compressed with it`
          : `look into initrds that are compressed with ${program}`,
      isOptional: true,
      // lz4 1.9 says "v1.9.4"; bzip2 says its version only with --help, and would wait for input with --version.
      ...(program === 'bzip2' ? { versionArguments: ['--help'] } : {}),
      packages: program === 'xz' ? { debian: 'xz-utils', redhat: 'xz', suse: 'xz' } : samePackage(program),
    })),
    {
      programs: ['mksquashfs'],
      reason: 'make squashfs images',
      isOptional: true,
      versionArguments: ['-version'],
      versionPattern: /version (\d+(?:\.\d+)+)/,
      // CHANGES of squashfs-tools: 4.5 of 2021-07-22.
      minimalVersion: { version: '4.5', because: 'it reads tar archives since then' },
      packages: { debian: 'squashfs-tools', redhat: 'squashfs-tools', suse: 'squashfs' },
    },
    {
      programs: ['flock'],
      reason: 'lock the store against other builds',
      packages: samePackage('util-linux'),
    },
    {
      programs: ['cp'],
      reason: 'copy disks without filling their holes',
      versionPattern: /\(GNU coreutils\) (\d+(?:\.\d+)+)/,
      problemWithoutVersion: 'it is not the one of GNU coreutils',
      packages: samePackage('coreutils'),
    },
    {
      programs: ['python3'],
      reason: 'run virt-install, which is written in it',
      packages: samePackage('python3'),
    },
    {
      programs: ['ganesha.nfsd'],
      reason: 'verify an nfsroot by booting it',
      isOptional: true,
      versionArguments: ['-v'],
      versionPattern: /Release = V?(\d+(?:\.\d+)+)/,
      packages: samePackage('nfs-ganesha-vfs'),
    },
    {
      programs: ['rpcbind'],
      reason: 'verify an nfsroot by booting it',
      isOptional: true,
      saysNoVersion: true,
      packages: samePackage('rpcbind'),
    },
    {
      programs: ['rpm'],
      reason: 'list the packages of systems that have rpm',
      isOptional: true,
      packages: samePackage('rpm'),
    },
    {
      programs: ['cpio'],
      reason: 'look into initramfs.cgz by hand',
      isOptional: true,
      versionPattern: /cpio\) (\d+(?:\.\d+)+)/,
      packages: samePackage('cpio'),
    },
  ];
}

/** Compares versions by their numbers: 1.9 < 1.10. Negative, zero or positive like a sort's comparison. */
export function compareVersions(left: string, right: string): number {
  const numbers = (version: string): number[] => (version.match(/\d+/g) ?? []).map(Number);
  const [a, b] = [numbers(left), numbers(right)];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
