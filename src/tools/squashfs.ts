import type { CompressorChoice } from './compress.js';
import type { RunningProgram } from './run.js';
import type { Toolbox } from './toolbox.js';

export interface SquashfsOptions {
  readonly imagePath: string;
  readonly compression: CompressorChoice;
  /** Written into the image in the place of the clock's; what is newer becomes as old. */
  readonly timeSeconds: number;
  /** squashfs-tools 4.5 do not look at the root that is in an archive: it becomes root's. */
  readonly rootMode: number;
}

/** Starts making a squashfs image of the tar archive that is written to its stdin. */
export async function startSquashing(tools: Toolbox, options: SquashfsOptions): Promise<RunningProgram> {
  const { imagePath, compression, timeSeconds, rootMode } = options;
  const { compressor, level } = compression;
  return tools.start(
    // sqfstar of version 4.5 does not understand its own -Xcompression-level.
    'mksquashfs',
    [
      ...['-', imagePath, '-tar'],
      ...['-comp', compressor, ...(compressor === 'xz' ? [] : ['-Xcompression-level', String(level)])],
      ...['-root-mode', rootMode.toString(8)],
      ...['-no-progress', '-quiet'],
    ],
    {
      stdin: 'pipe',
      // In the place of -mkfs-time: it is the root's time, too, which is none of the archive's.
      env: { SOURCE_DATE_EPOCH: String(timeSeconds) },
      reason: 'make squashfs images',
      hint: 'mksquashfs reads tar archives since version 4.5 of squashfs-tools.',
    },
  );
}
