import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../../cli/base-command.js';
import { formatBytes, printable } from '../../cli/format.js';
import { Iso2RootfsError, listEntries, resolveKey, Store, verifyEntries, type Verification } from '../../index.js';

export default class CacheVerify extends BaseCommand {
  static override summary = 'Read the cache again and take out of use what has changed.';
  static override description = `Every file is hashed and compared with its SHA-256 of when it was stored. An object of which a byte has changed is marked as damaged
and used no more: the next build replaces it. One whose files have been touched but hold what they held is mended.

One line for each entry on stdout:
  intact    every byte is as it was
  mended    the times of files had changed, their content had not
  damaged   with the files and what is wrong with them
  busy      another process is making or removing it

The exit status is 74 (INTEGRITY) when something is damaged.

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> cache verify',
    { description: 'One entry', command: '<%= config.bin %> cache verify 7575ff99' },
  ];
  static override strict = false;
  static override usage = 'cache verify [KEY...] [--json] [--cache-dir DIR]';

  override async run(): Promise<readonly Verification[]> {
    const { argv, flags } = await this.parse(CacheVerify);
    const settings = await this.settings(flags);
    const store = await Store.open(settings['cache.directory']);
    const all = await listEntries(store);
    const entries = argv.length === 0 ? all : argv.map((key) => resolveKey(all, String(key)));
    const emit = this.report();
    const startedAt = performance.now();
    emit({ type: 'stage-start', stage: 'verify' });
    const verifications = await verifyEntries(store, entries, {
      signal: this.signal,
      onProgress: (done) => emit({ type: 'progress', stage: 'verify', unit: 'bytes', done }),
      onVerified: (verification) => {
        if (!this.jsonEnabled()) process.stdout.write(`${describe(verification)}\n`);
      },
    });
    emit({ type: 'stage-done', stage: 'verify', elapsedMs: performance.now() - startedAt });
    const damaged = verifications.filter(({ outcome }) => outcome === 'damaged');
    if (damaged.length > 0) {
      throw new Iso2RootfsError(
        'INTEGRITY',
        `${damaged.length} of ${verifications.length} entries of the cache ${damaged.length === 1 ? 'is' : 'are'} damaged: ${damaged.map((one) => `${one.kind} ${one.key.slice(0, 12)} (${one.problems.join(', ')})`).join('; ')}`,
        {
          stage: 'verify',
          hint: 'The next build makes them anew; iso2rootfs cache prune removes them now. Check the disk if this happens again.',
          data: { verifications },
        },
      );
    }
    return verifications;
  }
}

function describe({ outcome, kind, key, problems, checkedBytes }: Verification): string {
  const what = `${outcome.padEnd(8)} ${kind.padEnd(6)} ${key.slice(0, 12)}`;
  return printable(`${what} ${problems.length > 0 ? problems.join(', ') : `(${formatBytes(checkedBytes)})`}`);
}
