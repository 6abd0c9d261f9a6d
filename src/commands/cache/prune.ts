import { Flags } from '@oclif/core';
import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../../cli/base-command.js';
import { formatBytes } from '../../cli/format.js';
import { pruneCache, Store, type PruneReport } from '../../index.js';

export default class CachePrune extends BaseCommand {
  static override summary = 'Bring the cache within its bounds and remove what dead builds have left.';
  static override description = `An entry is removed as soon as one bound says so; without bounds only what is no good any more goes:

  - conversions, disks and ISOs beyond --max-size (least recently used first), --max-age and --keep-last;
  - damaged and changed entries, which no build uses;
  - of builds whose process is gone: processes, domains, storage pools, workspaces, staged files;
  - logs of failed builds and partial downloads after 30 days.

The size is what removal would give back: files that an output directory shares by a hard link do not count, and what would free nothing
is not removed for the sake of --max-size. Nothing is touched that another process is making, reading or copying out, and no domain that
does not belong to this cache.

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    { description: 'What would go', command: '<%= config.bin %> cache prune --max-size 50G --dry-run' },
    {
      description: 'The last two of each release, nothing older than a month',
      command: '<%= config.bin %> cache prune --keep-last 2 --max-age 30d',
    },
  ];
  static override flags = {
    'max-size': Flags.string({ summary: 'Largest size of the cache, e.g. 50G; none for no bound.', helpValue: 'SIZE' }),
    'max-age': Flags.string({ summary: 'Longest time since the last use, e.g. 30d.', helpValue: 'TIME' }),
    'keep-last': Flags.string({
      summary: 'How many conversions, and how many disks, are left of each release and architecture.',
      helpValue: 'N',
    }),
    'dry-run': Flags.boolean({ char: 'n', summary: 'Remove nothing; say what would be removed.' }),
    connect: Flags.string({ summary: 'libvirt to look for lost domains at.', helpValue: 'URI' }),
  };

  override async run(): Promise<PruneReport> {
    const { flags } = await this.parse(CachePrune);
    const settings = await this.settings(flags);
    const report = await pruneCache(await Store.open(settings['cache.directory']), {
      policy: {
        maxSizeBytes: settings['cache.maxSize'],
        maxAgeMs: settings['cache.maxAge'],
        keepLast: settings['cache.keepLast'],
      },
      isDryRun: flags['dry-run'],
      libvirtUri: settings['libvirt.uri'],
      toolsPath: settings['build.toolsPath'],
      signal: this.signal,
      emit: this.report(),
    });
    if (!this.jsonEnabled()) process.stdout.write(describe(report));
    return report;
  }
}

function describe(report: PruneReport): string {
  const verb = report.isDryRun ? 'would remove' : 'removed';
  const lines = [
    ...report.deadBuilds.map((id) => `${verb} dead build ${id}`),
    ...report.lostGuests.map((name) => `${verb} ${name}`),
    ...report.leftovers.map((file) => `${verb} ${file}`),
    ...report.removed.map(
      ({ kind, key, reason, freedBytes }) =>
        `${verb} ${kind} ${key.slice(0, 12)}: ${reason} (${formatBytes(freedBytes)})`,
    ),
    ...report.inUse.map(({ kind, key }) => `in use: ${kind} ${key.slice(0, 12)}`),
    `${report.isDryRun ? 'would free' : 'freed'} ${formatBytes(report.freedBytes)}, ${formatBytes(report.leftBytes)} left`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}
