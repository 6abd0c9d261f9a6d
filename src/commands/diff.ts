import { Args, Flags } from '@oclif/core';
import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../cli/base-command.js';
import { printable } from '../cli/format.js';
import { diffOutputs, formatDiff, type DiffReport } from '../index.js';

export default class Diff extends BaseCommand {
  static override summary = 'Say what is different in two systems.';
  static override description = `LEFT and RIGHT are each an output directory, a key of the cache or its beginning, an archive (rootfs.tar, also compressed;
initramfs.cgz; a squashfs image), or a directory with a file system in it. What became of LEFT in RIGHT:
  Packages            added, removed, changed; from packages.json, else from the database of dpkg or rpm in the tree
  Kernel              that is booted, else those that are installed
  Enabled services    units that something starts, and masked ones
  Setuid, capabilities
  Size by directory   the 20 largest changes, three levels deep
  Files               added, removed, changed in type, mode, owner, content, target, attributes; not in the time alone

What differs in any two installations of the same (logs, caches, machine-id, generated indexes, the package database itself) is counted, and
listed with --all. --json has all of it (up to 20000 files).

Reading a directory needs the right to read all its files: run as root. Nothing of a system is run.

The exit status is 0 whether they differ or not; with --exit-code it is 1 when they do (but in what is volatile), as of diff(1).

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> diff ./openeuler-22.03-lts-x86_64 ./openeuler-22.03-lts-sp3-x86_64',
    {
      description: 'Two objects of the cache, for a merge request',
      command: '<%= config.bin %> diff 7575ff99 a03c11de --format markdown',
    },
    {
      description: 'What a machine has changed in its root since',
      command: '<%= config.bin %> diff ./out/rootfs.tar /srv/nfs/machine-1 --all --exit-code',
    },
  ];
  static override args = {
    left: Args.string({ required: true, description: 'The one to compare with.' }),
    right: Args.string({ required: true, description: 'The other one.' }),
  };
  static override flags = {
    format: Flags.option({
      summary: 'How to write it. Default: text; --json is json.',
      options: ['text', 'markdown', 'json'] as const,
    })(),
    all: Flags.boolean({ summary: 'List all files, and those that differ in any two installations.' }),
    'exit-code': Flags.boolean({ summary: 'End with status 1 when there is a difference.' }),
    'tools-path': Flags.string({ char: 'p', summary: 'Look for programs there first.', helpValue: 'DIR' }),
  };

  override async run(): Promise<DiffReport> {
    const { args, flags } = await this.parse(Diff);
    const { format, all, 'exit-code': wantsExitCode, ...others } = flags;
    const settings = await this.settings(others);
    const report = await diffOutputs({
      left: args.left,
      right: args.right,
      cacheDirectory: settings['cache.directory'],
      toolsPath: settings['build.toolsPath'],
      signal: this.signal,
      emit: this.report(),
    });
    if (!this.jsonEnabled()) {
      const text = await formatDiff(report, { format: format ?? 'text', showsAll: all });
      process.stdout.write(format === 'json' ? text : printable(text));
    }
    if (wantsExitCode && report.isDifferent) process.exitCode = 1;
    return report;
  }
}
