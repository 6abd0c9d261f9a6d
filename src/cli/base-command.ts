import { setMaxListeners } from 'node:events';
import { Command, Errors, Flags, type Interfaces } from '@oclif/core';
import { Iso2RootfsError, toIso2RootfsError, type Emit } from '../index.js';
import { printable } from './format.js';
import { createReporter, type Reporter } from './reporter.js';

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

/** What all commands share: `--json`, errors in four lines, exit statuses, and an end by SIGINT or SIGTERM that cleans up. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags: Interfaces.FlagInput = {
    'cache-dir': Flags.directory({
      summary: 'Directory of the cache.',
      description: 'Default: $XDG_CACHE_HOME/iso2rootfs, for root /var/cache/iso2rootfs, else ~/.cache/iso2rootfs.',
      env: 'ISO2ROOTFS_CACHE_DIR',
      helpGroup: 'GLOBAL',
      helpValue: 'DIR',
    }),
  };

  readonly #abort = new AbortController();
  #reporter: Reporter | undefined;
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (this.#abort.signal.aborted) return;
    process.stderr.write(`${signal}: cleaning up...\n`);
    this.#abort.abort(
      signal === 'SIGTERM'
        ? new Iso2RootfsError('TERMINATED', 'ended by SIGTERM')
        : new Iso2RootfsError('INTERRUPTED', 'interrupted'),
    );
  };

  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  protected get signal(): AbortSignal {
    return this.#abort.signal;
  }

  protected override async init(): Promise<void> {
    await super.init();
    setMaxListeners(0, this.#abort.signal);
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
    process.on('SIGHUP', this.#onSignal);
  }

  /** Starts showing what happens. */
  protected report(options: { readonly showsConsole?: boolean } = {}): Emit {
    this.#reporter = createReporter(options);
    return this.#reporter.emit;
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    this.#reporter?.close();
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
    process.off('SIGHUP', this.#onSignal);
    await super.finally(error);
  }

  protected override async catch(error: Error & { exitCode?: number }): Promise<void> {
    // --help and --version end by an error of oclif's own.
    if (error instanceof Errors.ExitError) throw error;
    this.#reporter?.close();
    const failure = isUsageError(error)
      ? new Iso2RootfsError('USAGE', plainMessage(error), { hint: `iso2rootfs ${this.id ?? ''} --help` })
      : toIso2RootfsError(error);
    showFailure(failure, this.jsonEnabled());
    process.exitCode = failure.exitStatus;
    return Promise.resolve();
  }
}

/** oclif's parser errors: they carry the parse that failed. */
function isUsageError(error: Error): boolean {
  return error instanceof Errors.CLIError && 'parse' in error;
}

function plainMessage(error: Error): string {
  return error.message.replace(/\nSee more help with --help$/, '').trim();
}

/** The four lines of every failure on stderr; with `--json` an object on stdout as well. */
export function showFailure(failure: Iso2RootfsError, isJson: boolean): void {
  if (isJson) process.stdout.write(`${JSON.stringify({ error: failure.toJSON() }, undefined, 2)}\n`);
  const lines = [
    `Error: ${printable(failure.message)} (${failure.code})`,
    `Stage: ${failure.stage ?? 'before the first stage'}`,
    `Try this: ${printable(failure.hint ?? 'iso2rootfs --help')}`,
    `Log: ${failure.log ?? 'none'}`,
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
}
