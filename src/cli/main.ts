import { Errors, flush, run, settings } from '@oclif/core';
import { Iso2RootfsError, toIso2RootfsError } from '../index.js';
import { showFailure } from './base-command.js';

const NO_COMMAND = new Set(['--help', '-h', '--version', '-v']);

/** `build` is the command when the first argument is a flag. */
export function withDefaultCommand(args: readonly string[]): string[] {
  const [first] = args;
  return first !== undefined && first.startsWith('-') && !NO_COMMAND.has(first) ? ['build', ...args] : [...args];
}

/**
 * Runs the command line.
 * @param directory URL of the file in bin/ that was started
 */
export async function main(directory: string, options: { readonly development?: boolean } = {}): Promise<void> {
  // A reader that has gone (`iso2rootfs list | head -1`) is no failure of ours.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
      throw error;
    });
  }
  const args = withDefaultCommand(process.argv.slice(2));
  try {
    if (options.development === true) settings.debug = true;
    await run(args, directory);
    await flush();
  } catch (error) {
    if (error instanceof Errors.ExitError) {
      process.exitCode = error.oclif.exit ?? 0;
      return;
    }
    const isUnknownCommand = error instanceof Error && /command .* not found/.test(error.message);
    const failure = isUnknownCommand
      ? new Iso2RootfsError('USAGE', error.message, { hint: 'iso2rootfs --help' })
      : toIso2RootfsError(error);
    showFailure(failure, args.includes('--json'));
    process.exitCode = failure.exitStatus;
  }
}
