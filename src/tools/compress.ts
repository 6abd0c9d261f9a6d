import { availableParallelism } from 'node:os';
import { findProgram, type RunningProgram } from './run.js';
import type { Toolbox } from './toolbox.js';

export interface CompressorChoice {
  readonly compressor: 'gzip' | 'zstd' | 'xz';
  readonly level: number;
}

/**
 * Starts a compressor as a filter, or of a file. On all processors; the same input gives the same bytes whatever their number, and no name
 * and no time are in them. gzip is done by pigz where that is installed.
 */
export async function startCompressing(
  tools: Toolbox,
  { compressor, level }: CompressorChoice,
  file?: string,
): Promise<RunningProgram> {
  const [program, args] = await commandOf(tools, compressor, level);
  return tools.start(program, [...args, ...(file === undefined ? [] : ['--', file])], {
    stdin: file === undefined ? 'pipe' : 'closed',
    stdout: 'stream',
    reason: `compress with ${compressor}`,
  });
}

async function commandOf(
  tools: Toolbox,
  compressor: CompressorChoice['compressor'],
  level: number,
): Promise<[string, string[]]> {
  const processors = availableParallelism();
  switch (compressor) {
    case 'gzip': {
      const searchPath = [tools.toolsPath ?? '', process.env['PATH'] ?? ''].join(':');
      return (await findProgram('pigz', searchPath)) === undefined
        ? ['gzip', ['--no-name', '--stdout', `-${level}`]]
        : ['pigz', ['--no-name', '--stdout', '--processes', String(processors), `-${level}`]];
    }
    case 'zstd':
      return ['zstd', ['--quiet', '--stdout', `--threads=${processors}`, `-${level}`]];
    case 'xz':
      // The kernel knows no other check (Documentation/staging/xz.rst). One thread would make blocks of another size.
      return ['xz', ['--quiet', '--stdout', '--check=crc32', `--threads=${Math.max(2, processors)}`, `-${level}`]];
  }
}
