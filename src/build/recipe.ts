import type { AnswerOptions } from './answer-options.js';
import type { CgzRecipe } from './artifacts/plan.js';
import type { Output } from '../config/outputs.js';
import type { SelinuxChoice } from '../distro/netboot/selinux.js';
import type { Arch } from '../media/types.js';

export { OUTPUTS, type Output } from '../config/outputs.js';

/** What the user asked for. Immutable: stages add to it, none changes it. */
export interface Recipe {
  /** The ISO: a path or an http(s) URL. Undefined: distro and release name it, and the catalogue says where it is. */
  readonly iso?: string | undefined;
  /** What is wanted, as typed; checked against the medium. */
  readonly distro?: string | undefined;
  readonly release?: string | undefined;
  readonly arch?: Arch | undefined;
  /** Which medium of the release. Default: the catalogue's. */
  readonly variant?: string | undefined;
  /** SHA-256 that the ISO must have. */
  readonly expectedSha256?: string | undefined;
  /** True: an ISO that nobody publishes a checksum of is refused. */
  readonly requiresChecksum: boolean;
  /** True: nothing is fetched from the network. */
  readonly isOffline: boolean;
  /** What the generated answer file is asked for. */
  readonly answerOptions: AnswerOptions;
  /** The user's own answer file, in the place of the generated one. */
  readonly answerFilePath?: string | undefined;
  /** Default: `./<distro>-<release>-<arch>`. */
  readonly outputDirectory?: string | undefined;
  readonly outputs: readonly Output[];
  readonly cgz: CgzRecipe;
  /** What becomes of the SELinux setting of the installed system. */
  readonly selinux: SelinuxChoice;
  /** Most conversions at once with this cache: those beyond wait. Default: no bound but the memory of the host. */
  readonly jobs?: number | undefined;
  /** Default: what the catalogue says of the release, at least 4 GiB. */
  readonly memoryMiB?: number | undefined;
  readonly vcpus: number;
  /** Default: what the catalogue says of the release, at least 10 GiB. */
  readonly diskSizeBytes?: number | undefined;
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly libvirtUri: string;
  readonly acceleration: 'auto' | 'kvm' | 'tcg';
  /** Who reads the installed disk: the libguestfs appliance, or the host's own kernel. Both give the same. */
  readonly engine: 'guestfs' | 'mount';
  /**
   * `use` (default): what the cache has is taken. `only`: and nothing is built. `renew`: everything is made anew and replaces what the
   * cache has.
   */
  readonly cache: 'use' | 'only' | 'renew';
  /** False: an installation that had too little memory or disk is not tried again with more. */
  readonly mayRetry: boolean;
  /** True: after a failure the disk is kept beside the logs. */
  readonly keepsFailedDisk: boolean;
  /** True: after a failure the domain is left running until the build is interrupted. */
  readonly isDebugging: boolean;
  /** True: what is made or taken from the cache is booted first, unless that has been done. */
  readonly verifies: boolean;
}
