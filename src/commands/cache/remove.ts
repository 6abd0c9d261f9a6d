import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../../cli/base-command.js';
import { formatBytes } from '../../cli/format.js';
import { Iso2RootfsError, listEntries, removeEntry, resolveKey, Store } from '../../index.js';

interface Removed {
  readonly kind: string;
  readonly key: string;
  readonly freedBytes: number;
}

export default class CacheRemove extends BaseCommand {
  static override summary = 'Remove entries of the cache.';
  static override description = `All keys are looked up before the first entry is removed. An entry that another process is making or copying out stays (75, LOCKED).
Output directories are not touched: a file that one shares with the cache lives on there.

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> cache remove 7575ff99',
    { description: 'Several', command: '<%= config.bin %> cache remove 7575ff99 08c1' },
  ];
  static override strict = false;
  static override usage = 'cache remove KEY... [--json] [--cache-dir DIR]';

  override async run(): Promise<Removed[]> {
    const { argv, flags } = await this.parse(CacheRemove);
    if (argv.length === 0) {
      throw new Iso2RootfsError('USAGE', 'no key was given', { hint: "'iso2rootfs cache list' shows the keys." });
    }
    const settings = await this.settings(flags);
    const store = await Store.open(settings['cache.directory']);
    const all = await listEntries(store);
    const entries = [...new Set(argv.map((key) => resolveKey(all, String(key))))];
    const removed: Removed[] = [];
    for (const entry of entries) {
      const { kind, key, freeableBytes: freedBytes } = entry;
      if (!(await removeEntry(store, entry))) {
        throw new Iso2RootfsError('LOCKED', `${kind} ${key.slice(0, 12)} is in use`, {
          hint: 'Another iso2rootfs makes it or copies it out: try again when that has ended.',
          data: { removed },
        });
      }
      removed.push({ kind, key, freedBytes });
      if (!this.jsonEnabled()) {
        process.stdout.write(`removed ${kind} ${key.slice(0, 12)} (${formatBytes(freedBytes)} freed)\n`);
      }
    }
    return removed;
  }
}
