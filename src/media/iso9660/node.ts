import type { MediumEntry } from '../types.js';

export interface Extent {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** A file, directory or symlink of the image. */
export interface IsoNode {
  /** Relative, without a leading slash; empty for the root. */
  readonly path: string;
  readonly name: string;
  readonly type: MediumEntry['type'];
  readonly sizeBytes: number;
  /** In order; files of 4 GiB and more have several. */
  readonly extents: readonly Extent[];
  readonly linkTarget: string | undefined;
}

const TYPE_MASK = 0o170000;
const TYPES: Readonly<Record<number, IsoNode['type']>> = {
  0o100000: 'file',
  0o040000: 'directory',
  0o120000: 'symlink',
};

/** What a POSIX mode says it is; without Rock Ridge everything but directories is a file. */
export function typeOfMode(mode: number | undefined): IsoNode['type'] {
  return mode === undefined ? 'file' : (TYPES[mode & TYPE_MASK] ?? 'other');
}
