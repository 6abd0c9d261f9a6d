import { Config, Errors, run, settings, type Interfaces } from '@oclif/core';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Iso2RootfsError, toIso2RootfsError } from '../index.js';
import { suggest } from '../suggest.js';
import { showFailure } from './show-failure.js';

/**
 * Finds the command and runs it.
 * @param script URL of the file in bin/ that was started
 */
export async function runCommandLine(
  args: string[],
  script: string,
  options: { readonly development?: boolean },
): Promise<void> {
  const isJson = args.includes('--json');
  process.on('uncaughtException', (error) => {
    // A running display stands on the line.
    if (process.stderr.isTTY) process.stderr.write('\n');
    endBy(toIso2RootfsError(error), isJson);
    process.exit();
  });
  let commands: readonly string[] = [];
  try {
    const config = await (options.development === true ? loadSources(script) : Config.load(fileURLToPath(script)));
    commands = config.commandIDs.map((id) => id.replaceAll(':', ' '));
    await run(args, config);
  } catch (error) {
    if (error instanceof Errors.ExitError) {
      process.exitCode = error.oclif.exit ?? 0;
      return;
    }
    endBy(explainUnknownCommand(error, args, commands) ?? toIso2RootfsError(error), isJson);
  }
}

/** The commands of src/, as tsx loads them, instead of dist/; beside them there is no manifest, which would name those of dist/. */
async function loadSources(script: string): Promise<Config> {
  settings.debug = true;
  const root = fileURLToPath(new URL('..', script));
  const pjson = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as Interfaces.PJSON;
  return Config.load({
    root: path.join(root, 'src'),
    pjson: { ...pjson, oclif: { ...pjson.oclif, commands: './commands' } },
  });
}

function endBy(failure: Iso2RootfsError, isJson: boolean): void {
  showFailure(failure, isJson);
  process.exitCode = failure.exitStatus;
}

function explainUnknownCommand(
  error: unknown,
  args: readonly string[],
  commands: readonly string[],
): Iso2RootfsError | undefined {
  if (!(error instanceof Error) || !/^command .* not found$/.test(error.message)) return undefined;
  const flagsFrom = args.findIndex((argument) => argument.startsWith('-'));
  const words = flagsFrom === -1 ? args : args.slice(0, flagsFrom);
  const typed = words.join(' ');
  const near = suggest(typed, commands);
  const nearest = near.length > 0 ? near : suggest(words[0] ?? '', commands);
  return new Iso2RootfsError('USAGE', `there is no command '${typed}'`, {
    hint:
      nearest.length > 0
        ? `Did you mean ${nearest.map((command) => `iso2rootfs ${command}`).join(' or ')}?`
        : 'iso2rootfs --help lists the commands.',
  });
}
