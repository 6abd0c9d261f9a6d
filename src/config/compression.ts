import { Iso2RootfsError } from '../errors.js';

export const COMPRESSORS = ['gzip', 'zstd', 'xz'] as const;
export type Compressor = (typeof COMPRESSORS)[number];

export interface Compression {
  readonly compressor: Compressor;
  readonly level: number;
}

/** Levels of the programs. zstd's from 20 on need more memory to unpack than a kernel has at hand. */
const LEVELS: Readonly<Record<Compressor, { least: number; most: number; usual: number }>> = {
  // gzip 6 takes half as long again for 1 % less.
  gzip: { least: 1, most: 9, usual: 5 },
  zstd: { least: 1, most: 19, usual: 9 },
  xz: { least: 0, most: 9, usual: 6 },
};

/** For people: the default level of each, and those that it has. */
export function describeLevels(): string {
  return COMPRESSORS.map((name) => {
    const { least, most, usual } = LEVELS[name];
    return `${name} ${usual} (of ${least} to ${most})`;
  }).join(', ');
}

/** @throws Iso2RootfsError USAGE for a level that the compressor does not have */
export function compressionOf(compressor: Compressor, level?: number): Compression {
  const { least, most, usual } = LEVELS[compressor];
  if (level === undefined) return { compressor, level: usual };
  if (level >= least && level <= most) return { compressor, level };
  throw new Iso2RootfsError('USAGE', `--compress-level ${level}: ${compressor} has the levels ${least} to ${most}`, {
    hint: `Give one of them, or leave it out: ${usual} is the default.`,
  });
}

export const USUAL_COMPRESSION = compressionOf('gzip');
