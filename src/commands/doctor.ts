import { Flags } from '@oclif/core';
import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../cli/base-command.js';
import { predictPlaces, runDoctor, type DoctorReport } from '../index.js';

const MARKS = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' } as const;

export default class Doctor extends BaseCommand {
  static override summary = 'Check whether this machine can convert an ISO, and say what to do where it cannot.';
  static override description = `One line for each program (its version, what it is needed for), libvirt, KVM (by starting a tiny guest), the libguestfs
appliance and the free space; below it what to do.

Exit status 69 says that a build cannot start.

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> doctor',
    {
      description: 'Start the libguestfs appliance for real (20 to 60 s without KVM)',
      command: '<%= config.bin %> doctor --thorough',
    },
  ];
  static override flags = {
    arch: Flags.string({
      char: 'a',
      summary: 'Architecture of the guests. Default: that of this machine.',
      options: ['x86_64', 'aarch64'],
    }),
    thorough: Flags.boolean({ summary: 'Start the libguestfs appliance for real.' }),
    'tools-path': Flags.string({ char: 'p', summary: 'Look for the virt-* tools there first.', helpValue: 'DIR' }),
    accel: Flags.string({ summary: 'What a build would be told.', options: ['auto', 'kvm', 'tcg'] }),
    connect: Flags.string({ summary: 'libvirt to use.', helpValue: 'URI' }),
  };

  override async run(): Promise<DoctorReport> {
    const { flags } = await this.parse(Doctor);
    const settings = await this.settings(flags);
    const cache = settings['cache.directory'];
    const report = await runDoctor({
      ...(flags.arch === undefined ? {} : { arch: flags.arch }),
      engine: settings['build.engine'],
      libvirtUri: settings['libvirt.uri'],
      accelerator: settings['build.accel'],
      toolsPath: settings['build.toolsPath'],
      mediaDirectory: cache,
      isThorough: flags.thorough,
      signal: this.signal,
      places: await predictPlaces({
        cacheDirectory: cache,
        outputDirectory: process.cwd(),
        outputs: settings['build.outputs'],
      }),
    });
    if (!report.canBuild) process.exitCode = 69;
    if (!this.jsonEnabled()) {
      for (const { name, status, found, neededFor, remedy } of report.checks) {
        process.stdout.write(`${MARKS[status]} ${name}: ${found} (to ${neededFor})\n`);
        if (remedy !== undefined) process.stdout.write(`        -> ${remedy}\n`);
      }
      process.stdout.write(report.canBuild ? 'A build can start.\n' : 'A build cannot start.\n');
    }
    return report;
  }
}
