import { Args, Flags } from '@oclif/core';
import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../cli/base-command.js';
import { printable } from '../cli/format.js';
import { auditDirectory, Iso2RootfsError, type AuditReport, type ExcusedGroup, type Finding } from '../index.js';

const MAX_SHOWN = 200;

export default class Audit extends BaseCommand {
  static override summary = 'Compare the outputs in a directory with each other and with the record of the guest.';
  static override description = `rootfs.tar (or a compressed one), nfsroot/, rootfs.squashfs, initramfs.cgz (with modules.cgz) and guest-record.gz, as many of them as
there are, are compared entry by entry with the first of them: type, mode, numeric owner, size, SHA-256 of the content, time of modification,
targets of links, which names are one file, device numbers, capabilities, ACLs, SELinux labels, other extended attributes. guest-record.gz is
what the installed system's own file system said when its disk was read, by another way than the archives; it has no content.

Every difference is listed, one line each on stdout. What has to be is excused by name and only counted: what a format cannot hold (a cgz has no
extended attributes and no fractions of seconds), and what the manifest lists as changed on purpose (changes). An output that is not there is
said, and is no error. --json has both, and of the excused ones the paths.

Reading nfsroot needs the right to read all its files: run as root. No cache is needed, nothing is changed, and memory does not grow with the
sizes of files.

The exit status is 1 (AUDIT_FAILED) when there is a difference without excuse; with --json it is in error.data.

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> audit ./openeuler-22.03-lts-x86_64',
    {
      description: 'What a cgz has lost, by path',
      command: "<%= config.bin %> audit ./rocky-9-x86_64 --json | jq '.excused[] | {aspect, excuse, paths}'",
    },
  ];
  static override args = {
    directory: Args.string({ required: true, description: 'A directory that build or fetch wrote.' }),
  };
  static override flags = {
    'tools-path': Flags.string({ char: 'p', summary: 'Look for programs there first.', helpValue: 'DIR' }),
  };

  override async run(): Promise<AuditReport> {
    const { args, flags } = await this.parse(Audit);
    const settings = await this.settings(flags);
    const report = await auditDirectory({
      directory: args.directory,
      toolsPath: settings['build.toolsPath'],
      signal: this.signal,
      emit: this.report(),
    });
    if (!this.jsonEnabled()) process.stdout.write(describeReport(report));
    if (report.findingCount > 0) {
      const [reference] = report.trees;
      throw new Iso2RootfsError(
        'AUDIT_FAILED',
        `${report.findingCount} ${report.findingCount === 1 ? 'difference' : 'differences'} without excuse in ${args.directory}`,
        {
          stage: 'audit',
          hint: `What differs from ${reference?.name ?? 'the others'} has been changed since it was made, or was made wrongly: fetch or build it again.`,
          data: { ...report },
        },
      );
    }
    return report;
  }
}

function describeReport({ trees, absent, findings, findingCount, excused }: AuditReport): string {
  const lines = [
    ...trees.map(
      ({ name, entries }, index) => `${index === 0 ? 'reference' : 'compared '}  ${name}: ${entries} entries`,
    ),
    ...absent.map((name) => `not there  ${name}`),
    ...excused.map(describeExcused),
    ...findings.slice(0, MAX_SHOWN).map(describeFinding),
    ...(findingCount > MAX_SHOWN ? [`...and ${findingCount - MAX_SHOWN} more: --json lists up to 10000`] : []),
    findingCount === 0 ? 'clean: every difference is excused' : `${findingCount} without excuse`,
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function describeExcused({ leftName, rightName, aspect, excuse, count }: ExcusedGroup): string {
  return `excused    ${rightName} and ${leftName}: ${aspect} of ${count} ${count === 1 ? 'entry' : 'entries'}: ${excuse}`;
}

function describeFinding({ path, aspect, leftName, left, rightName, right }: Finding): string {
  return `DIFFERENT  ${path}: ${aspect}: ${leftName}: ${left}; ${rightName}: ${right}`;
}
