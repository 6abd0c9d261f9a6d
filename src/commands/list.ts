import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../cli/base-command.js';
import { formatTable } from '../cli/table.js';
import { catalogDirectories, listCatalog, type CachedRelease } from '../index.js';

export default class List extends BaseCommand {
  static override summary = 'Show the distributions and releases of the catalogue, and which of them are in the cache.';
  static override description = `Your own catalogue files in /etc/iso2rootfs/distros.d and $XDG_CONFIG_HOME/iso2rootfs/distros.d (*.yaml) extend and override ours.

A star before an architecture: the cache has it. Notes: experimental (nobody has verified it with a real medium), unverified (what of the
catalogue entry could not be checked with its publisher), EOL (the day after which it is not maintained).

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = ['<%= config.bin %> list', '<%= config.bin %> list --json'];

  override async run(): Promise<CachedRelease[]> {
    const { flags } = await this.parse(List);
    const settings = await this.settings(flags);
    const releases = await listCatalog({
      cacheDirectory: settings['cache.directory'],
      catalogDirectories: catalogDirectories(),
    });
    if (!this.jsonEnabled()) {
      const rows = releases.map((listed) => [
        listed.distro,
        [listed.release, ...listed.aliases.map((alias) => `(${alias})`)].join(' '),
        listed.arches.map((arch) => (listed.cachedArches.includes(arch) ? `*${arch}` : arch)).join(' '),
        listed.variants.join(' '),
        describeNotes(listed),
      ]);
      process.stdout.write(formatTable(['DISTRO', 'RELEASE', 'ARCHES', 'MEDIA', 'NOTES'], rows));
    }
    return releases;
  }
}

function describeNotes({ isExperimental, unverified, endOfLife }: CachedRelease): string {
  return [
    isExperimental ? 'experimental' : '',
    unverified.length > 0 ? `unverified: ${unverified.join(' ')}` : '',
    endOfLife === undefined ? '' : `EOL ${endOfLife}`,
  ]
    .filter((note) => note !== '')
    .join(', ');
}
