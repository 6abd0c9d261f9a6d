import type { CompressorChoice } from './compress.js';
import type { RunningProgram } from './run.js';
import type { Toolbox } from './toolbox.js';

export interface SquashfsOptions {
  readonly imagePath: string;
  readonly compression: CompressorChoice;
  /** Written into the image in the place of the clock's. */
  readonly timeSeconds: number;
  /** An archive need not have the root itself, and squashfs-tools 4.5 do not look at it. */
  readonly root: { readonly mode: number; readonly uid: number; readonly gid: number };
}

/** Starts making a squashfs image of the tar archive that is written to its stdin. */
export async function startSquashing(tools: Toolbox, options: SquashfsOptions): Promise<RunningProgram> {
  const { imagePath, compression, timeSeconds, root } = options;
  const { compressor, level } = compression;
  return tools.start(
    // sqfstar of version 4.5 does not understand its own -Xcompression-level.
    'mksquashfs',
    [
      ...['-', imagePath, '-tar'],
      ...['-comp', compressor, ...(compressor === 'xz' ? [] : ['-Xcompression-level', String(level)])],
      ...['-mkfs-time', String(timeSeconds)],
      ...['-root-mode', root.mode.toString(8), '-root-uid', String(root.uid), '-root-gid', String(root.gid)],
      ...['-no-progress', '-quiet'],
    ],
    {
      stdin: 'pipe',
      reason: 'make squashfs images',
      hint: 'mksquashfs reads tar archives since version 4.5 of squashfs-tools.',
    },
  );
}
