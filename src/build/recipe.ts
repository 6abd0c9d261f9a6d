import type { Arch } from '../media/types.js';

export const OUTPUTS = ['tar', 'nfsroot', 'cgz', 'kernel'] as const;
export type Output = (typeof OUTPUTS)[number];

/** What the user asked for. Immutable: stages add to it, none changes it. */
export interface Recipe {
  /** The ISO: a path. */
  readonly iso: string;
  /** What the user says that it is; checked against the medium. */
  readonly distro?: string | undefined;
  readonly release?: string | undefined;
  readonly arch?: Arch | undefined;
  /** SHA-256 that the ISO must have. */
  readonly expectedSha256?: string | undefined;
  /** The user's own answer file. */
  readonly answerFilePath?: string | undefined;
  /** Default: `./<distro>-<release>-<arch>`. */
  readonly outputDirectory?: string | undefined;
  readonly outputs: readonly Output[];
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly diskSizeBytes: number;
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly libvirtUri: string;
  readonly acceleration: 'auto' | 'kvm' | 'tcg';
  /** False: convert anew even if the cache has it. */
  readonly isCacheUsed: boolean;
}
