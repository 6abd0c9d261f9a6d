import { setMaxListeners } from 'node:events';
import { Command, Errors, Flags, type Interfaces } from '@oclif/core';
import { loadConfig } from '../config/load-config.js';
import { SETTING_NAMES, variableOf, type Settings } from '../config/settings.js';
import { ERROR_CODES, Iso2RootfsError, toIso2RootfsError, type Emit } from '../index.js';
import { createReporter } from './create-reporter.js';
import { InterruptionCounter } from './interruption-counter.js';
import type { Reporter } from './reporter.js';
import { showFailure } from './show-failure.js';

export const EXIT_CODES_HELP = `EXIT STATUS
  0    success
  1    the installation ran and failed (BUILD_FAILED)
  64   bad flags or arguments
  65   the input data are wrong (CHECKSUM_MISMATCH, NOT_INSTALL_MEDIA, UNSUPPORTED_DISTRO, ANSWER_FILE_INVALID)
  66   the input does not exist (ISO_NOT_FOUND, NOT_CACHED)
  69   something needed is unavailable (TOOL_MISSING, TOOL_TOO_OLD, LIBVIRT_UNREACHABLE, APPLIANCE_UNAVAILABLE)
  70   a bug, or a tool that failed for no reason we know (INTERNAL, TOOL_FAILED)
  73   the output directory is not ours to replace (OUTPUT_EXISTS)
  74   storage (NO_SPACE, INTEGRITY)
  75   trying again later is right (NETWORK, LOCKED)
  77   permission
  78   a configuration file is wrong (CONFIG_INVALID)
  124  the installer did not finish, or nothing moved (TIMEOUT, STALLED)
  130  SIGINT, 143 SIGTERM, after the clean-up`;

export const ENVIRONMENT_HELP = `ENVIRONMENT
${SETTING_NAMES.map((name) => `  ${variableOf(name).padEnd(38)}${name}`).join('\n')}
  Each stands for the setting beside it: iso2rootfs config --help.
  LIBVIRT_DEFAULT_URI, XDG_CACHE_HOME, XDG_CONFIG_HOME, NO_COLOR and TERM have their usual meaning.
  SUPERMIN_KERNEL  kernel of the libguestfs appliance, where /boot has none that can be read`;

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
        this.#abort.abort(
          signal === 'SIGTERM'
            ? new Iso2RootfsError('TERMINATED', 'ended by SIGTERM')
            : new Iso2RootfsError(
                'INTERRUPTED',
                signal === 'SIGHUP' ? 'the terminal has gone (SIGHUP)' : 'interrupted',
              ),
        );
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
    // --help and --version end by an error of oclif's own.
    if (error instanceof Errors.ExitError) throw error;
    this.#reporter?.close();
    const failure = isUsageError(error)
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

/** oclif's parser errors: they carry the parse that failed. */
function isUsageError(error: Error): boolean {
  return error instanceof Errors.CLIError && 'parse' in error;
}

function plainMessage(error: Error): string {
  return error.message.replace(/\nSee more help with --help$/, '').trim();
}
