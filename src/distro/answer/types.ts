import type { Arch } from '../../media/types.js';
import type { DistroId, InstallerFamily } from '../types.js';

/** What an answer file is written for. A `RecognisedMedium` is one. */
export interface AnswerTarget {
  readonly distro: DistroId;
  readonly release: string;
  readonly arch: Arch;
  readonly family: InstallerFamily;
  readonly carriesPackages: boolean;
  readonly variant: string;
  /** Where known: lets a medium without packages still load the rest of its installer from itself. */
  readonly volumeId?: string | undefined;
}

/** Families that have an answer file of ours. */
export type AnswerFamily = Exclude<InstallerFamily, 'agama'>;

export interface ExtraFile {
  readonly name: string;
  readonly text: string;
}

/** An answer file and how the installer gets to read it. */
export interface RenderedAnswer {
  readonly family: AnswerFamily;
  /** `RHEL9`, `F40` (kickstart syntax versions), else the family's only one. */
  readonly dialect: string;
  /** Name that the kernel arguments refer to: `ks.cfg`, `preseed.cfg`, `user-data`, `autoinst.xml`. */
  readonly fileName: string;
  /** With the token's placeholder: see `insertToken`. */
  readonly text: string;
  /** Beside it in the same place: `meta-data`. */
  readonly extraFiles: readonly ExtraFile[];
  /** For the installer's kernel. */
  readonly kernelArguments: readonly string[];
  /** `initrd`: files at the root of the installer's initrd; `seed-iso`: a second CD labelled `cidata`. */
  readonly delivery: 'initrd' | 'seed-iso';
}

/** Something that makes an answer file unfit for an unattended build. */
export interface Finding {
  /** Counted from 1; 0 where something is missing from the whole file. */
  readonly line: number;
  readonly severity: 'error' | 'warning';
  readonly problem: string;
  readonly remedy: string;
}
