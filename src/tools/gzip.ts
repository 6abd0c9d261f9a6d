import { availableParallelism } from 'node:os';
import type { RunningProgram } from './run.js';
import type { Toolbox } from './toolbox.js';
import { findProgram } from './run.js';

/** Starts the fastest gzip there is (pigz, else gzip) as a filter. No name, no time stamp: same input, same bytes. */
export async function startGzip(tools: Toolbox): Promise<RunningProgram> {
  const searchPath = process.env['PATH'] ?? '';
  const hasPigz = (await findProgram('pigz', searchPath)) !== undefined;
  const [program, args] = hasPigz
    ? ['pigz', ['--no-name', '--stdout', '--processes', String(availableParallelism()), '-6']]
    : ['gzip', ['--no-name', '--stdout', '-6']];
  return tools.start(program, args, { stdin: 'pipe', stdout: 'stream', reason: 'compress initramfs.cgz' });
}
