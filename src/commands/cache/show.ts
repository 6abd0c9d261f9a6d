import { Args } from '@oclif/core';
import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../../cli/base-command.js';
import { formatBytes } from '../../cli/format.js';
import { formatTable } from '../../cli/table.js';
import { listEntries, resolveKey, showEntry, Store, type EntryDetails } from '../../index.js';

export default class CacheShow extends BaseCommand {
  static override summary = 'Show one entry of the cache: what its key was made of, and its files.';
  static override description = `A file that has more than one name is shared with an output directory by a hard link.

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = ['<%= config.bin %> cache show 7575ff99', '<%= config.bin %> cache show 7575ff99 --json'];
  static override args = {
    key: Args.string({ description: 'Key, or the beginning of one.', required: true }),
  };

  override async run(): Promise<EntryDetails> {
    const { args, flags } = await this.parse(CacheShow);
    const settings = await this.settings(flags);
    const store = await Store.open(settings['cache.directory']);
    const details = await showEntry(store, resolveKey(await listEntries(store), args.key));
    if (!this.jsonEnabled()) process.stdout.write(describe(details));
    return details;
  }
}

function describe(details: EntryDetails): string {
  const { kind, key, state, problems, distro, release, arch, isoSha256, committedAt, lastUsedAt } = details;
  const lines: (readonly [string, string])[] = [
    ['key', key],
    ['kind', kind],
    ['state', [state, ...problems].join('; ')],
    ['release', [distro ?? '-', release ?? '-', arch ?? '-'].join(' ')],
    ['ISO', isoSha256 ?? '-'],
    ['made', committedAt],
    ['last used', lastUsedAt],
    ['size', `${formatBytes(details.allocatedBytes)}; its removal frees ${formatBytes(details.freeableBytes)}`],
    ['directory', details.directory],
    ['key inputs', JSON.stringify(details.keyInputs)],
  ];
  const files = details.files.map(({ path, sizeBytes, allocatedBytes, sha256, names }) => [
    path,
    formatBytes(sizeBytes),
    formatBytes(allocatedBytes),
    String(names),
    sha256 ?? '-',
  ]);
  const facts = lines.map(([name, value]) => `${name.padEnd(12)}${value}\n`).join('');
  return `${facts}\n${formatTable(['FILE', 'SIZE', 'ALLOCATED', 'NAMES', 'SHA-256'], files)}`;
}
