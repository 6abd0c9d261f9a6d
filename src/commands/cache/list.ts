import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../../cli/base-command.js';
import { formatBytes } from '../../cli/format.js';
import { formatTable } from '../../cli/table.js';
import { listEntries, Store, type StoreEntry } from '../../index.js';

export default class CacheList extends BaseCommand {
  static override summary = 'Show what the cache keeps: conversions, installed disks and downloaded ISOs.';
  static override description = `The last used comes first.

  KEY      as much of it as names it; every command takes a beginning of a key that no other key has
  KIND     object (a conversion), disk (an installed disk) or iso
  SIZE     blocks that it takes on the disk
  FREES    what its removal gives back: files that an output directory shares by a hard link stay as long as that directory
  STATE    complete; changed (a file has been written to since) or damaged: neither is used, the next build makes it anew

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> cache list',
    {
      description: 'Keys of what is no good any more',
      command: `<%= config.bin %> cache list --json | jq -r '.[] | select(.state != "complete").key'`,
    },
  ];

  override async run(): Promise<StoreEntry[]> {
    const { flags } = await this.parse(CacheList);
    const settings = await this.settings(flags);
    const entries = await listEntries(await Store.open(settings['cache.directory']));
    if (!this.jsonEnabled()) {
      const rows = entries.map((entry) => [
        entry.key.slice(0, 12),
        entry.kind,
        [entry.distro ?? '-', entry.release ?? '-', entry.arch ?? '-'].join(' '),
        formatBytes(entry.allocatedBytes),
        formatBytes(entry.freeableBytes),
        entry.lastUsedAt.slice(0, 16).replace('T', ' '),
        entry.state,
      ]);
      process.stdout.write(formatTable(['KEY', 'KIND', 'RELEASE', 'SIZE', 'FREES', 'LAST USED (UTC)', 'STATE'], rows));
    }
    return entries;
  }
}
