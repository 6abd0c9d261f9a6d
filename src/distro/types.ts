import type { Arch } from '../media/types.js';

/** Identifier of a distribution as typed after `-d`: lower case. */
export type DistroId =
  | 'openeuler'
  | 'debian'
  | 'ubuntu'
  | 'centos'
  | 'centos-stream'
  | 'rocky'
  | 'almalinux'
  | 'rhel'
  | 'oracle'
  | 'fedora'
  | 'opensuse-leap'
  | 'anolis'
  | 'kylin';

/** Which program on the medium installs it, and so which answer file it reads. */
export type InstallerFamily = 'anaconda' | 'debian-installer' | 'subiquity' | 'autoyast' | 'agama';

/** What a medium was recognised to be. */
export interface RecognisedMedium {
  readonly distro: DistroId;
  /** As typed after `-r`: lower case (`22.03-lts-sp3`, `12`, `9.6`). */
  readonly release: string;
  /** The exact version where `release` is coarser: `12.0.0` for `12`, `22.04.5` for `22.04`. */
  readonly version?: string;
  readonly arch: Arch;
  /** `dvd`, `netinst`, `minimal`, `boot`, `everything`, `live-server`... */
  readonly variant: string;
  readonly family: InstallerFamily;
  readonly volumeId: string;
  /** Path of the boot kernel on the medium. */
  readonly kernelPath: string;
  /** Path of the boot initrd on the medium. */
  readonly initrdPath: string;
  /** False: the installation needs a network repository. */
  readonly carriesPackages: boolean;
  /** Not verified by a real installation of this distribution. */
  readonly isExperimental: boolean;
  /** Why we think so, one sentence per fact, for `inspect`. */
  readonly evidence: readonly string[];
}
