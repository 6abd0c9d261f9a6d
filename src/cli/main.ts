import { PROGRAM_VERSION } from '../index.js';
import { outliveReaders } from './outlive-readers.js';

/** What stands for itself where a command is expected, and the short forms that oclif does not know. */
const NO_COMMAND: Readonly<Record<string, string>> = {
  '--help': '--help',
  '-h': '--help',
  '--version': '--version',
  '-v': '--version',
};

/** `build` is the command when the first argument is a flag. */
export function withDefaultCommand(args: readonly string[]): string[] {
  const [first, ...rest] = args;
  if (first === undefined || !first.startsWith('-')) return [...args];
  const itself = NO_COMMAND[first];
  return itself === undefined ? ['build', ...args] : [itself, ...rest];
}

/**
 * Runs the command line.
 * @param script URL of the file in bin/ that was started
 */
export async function main(script: string, options: { readonly development?: boolean } = {}): Promise<void> {
  outliveReaders();
  const args = withDefaultCommand(process.argv.slice(2));
  if (args.length === 1 && args[0] === '--version') {
    // As oclif says it, which takes longer to load than this to say.
    process.stdout.write(`iso2rootfs/${PROGRAM_VERSION} ${process.platform}-${process.arch} node-${process.version}\n`);
    return;
  }
  // oclif would load 47 files to check the version of Node.js for itself; ours asks for a newer one anyway.
  process.env['OCLIF_DISABLE_ENGINE_WARNING'] ??= '1';
  const { runCommandLine } = await import('./command-line.js');
  await runCommandLine(args, script, options);
}
