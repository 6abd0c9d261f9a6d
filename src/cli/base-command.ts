import { setMaxListeners } from 'node:events';
import { Command, Errors, Flags, type Interfaces } from '@oclif/core';
import { loadConfig } from '../config/load-config.js';
import type { Settings } from '../config/settings.js';
import { ERROR_CODES, Iso2RootfsError, toIso2RootfsError, type Emit } from '../index.js';
import { createReporter } from './create-reporter.js';
import { InterruptionCounter } from './interruption-counter.js';
import type { Reporter } from './reporter.js';
import { showFailure } from './show-failure.js';

export { ENVIRONMENT_HELP, EXIT_CODES_HELP } from './help-sections.js';

/** What all commands share: `--json`, settings, errors in four lines, exit statuses, and an end by a signal that cleans up. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags: Interfaces.FlagInput = {
    'cache-dir': Flags.string({
      summary: 'Directory of the cache.',
      description: 'Default: $XDG_CACHE_HOME/iso2rootfs, for root /var/cache/iso2rootfs, else ~/.cache/iso2rootfs.',
      helpGroup: 'GLOBAL',
      helpValue: 'DIR',
    }),
  };

  readonly #abort = new AbortController();
  readonly #interruptions = new InterruptionCounter();
  #reporter: Reporter | undefined;
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    switch (this.#interruptions.count(signal, performance.now())) {
      case 'clean-up':
        this.#notify(`${signal}: cleaning up...`);
        this.#abort.abort(interruption(signal));
        return;
      case 'say-that-it-runs':
        this.#notify('Still cleaning up. Once more ends at once, and leaves what remains to the next run.');
        return;
      case 'leave':
        this.#reporter?.close();
        process.exit(ERROR_CODES.INTERRUPTED.exitStatus);
      // eslint-disable-next-line no-fallthrough -- process.exit does not return
      case 'nothing':
    }
  };

  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  protected get signal(): AbortSignal {
    return this.#abort.signal;
  }

  protected override async init(): Promise<void> {
    await super.init();
    setMaxListeners(0, this.#abort.signal);
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /**
   * The effective settings.
   * @param flags of this command, by name: each wins over the setting that has this flag (`memory`: `build.memory`). Leave those
   *   out that mean something else in this command; declare none of them with a default or a variable.
   * @throws Iso2RootfsError CONFIG_INVALID (a file or variable), PERMISSION (a file), USAGE (a flag).
   */
  protected async settings(flags: Readonly<Record<string, unknown>>): Promise<Settings> {
    return (await loadConfig({ flags })).values;
  }

  /** Starts showing what happens. */
  protected report(options: { readonly showsConsole?: boolean } = {}): Emit {
    this.#reporter = createReporter(options);
    return this.#reporter.emit;
  }

  #notify(message: string): void {
    if (this.#reporter === undefined) process.stderr.write(`${message}\n`);
    else this.#reporter.emit({ type: 'notice', message });
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    this.#reporter?.close();
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    await super.finally(error);
  }

  protected override async catch(error: Error & { exitCode?: number }): Promise<void> {
    // --help ends by an error of oclif's own; any other of its errors is about the command line.
    if (error instanceof Errors.ExitError) throw error;
    this.#reporter?.close();
    const failure =
      error instanceof Errors.CLIError
        ? new Iso2RootfsError('USAGE', plainMessage(error), {
            hint: `iso2rootfs ${this.id?.replaceAll(':', ' ') ?? ''} --help`,
          })
        : toIso2RootfsError(error);
    showFailure(failure, this.jsonEnabled());
    process.exitCode = failure.exitStatus;
    return Promise.resolve();
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function interruption(signal: NodeJS.Signals): Iso2RootfsError {
  const details = { hint: 'Run the same command again: what was finished is kept in the cache.' };
  if (signal === 'SIGTERM') return new Iso2RootfsError('TERMINATED', 'ended by SIGTERM', details);
  const message = signal === 'SIGHUP' ? 'the terminal has gone (SIGHUP)' : 'interrupted';
  return new Iso2RootfsError('INTERRUPTED', message, details);
}

function plainMessage(error: Error): string {
  return error.message.replace(/\s*See more help with --help/, '').trim();
}
