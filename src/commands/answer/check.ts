import { Args, Flags } from '@oclif/core';
import { BaseCommand, EXIT_CODES_HELP } from '../../cli/base-command.js';
import { mediumFlags } from '../../cli/recipe-flags.js';
import { catalogDirectories, checkAnswer, type AnswerCheck } from '../../index.js';

export default class AnswerCheckCommand extends BaseCommand {
  static override summary = 'Check an answer file before a machine starts.';
  static override description = `What makes an unattended build fail (no power-off, graphical mode, no root access, several roots, no bootable layout...), each with its line
and what to do; and the syntax, where the field's own validator is installed (ksvalidator, debconf-set-selections, xmllint): on PATH, in an
active virtual environment, or in the .venv beside this program. The output says when none was. A kickstart file is held to be right when
any version of the syntax accepts it; with --distro and --release only the one of that release's installer counts.
A file that is not fit ends with exit status 65.

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> answer check my.ks',
    {
      description: 'As the installer of a release reads it',
      command: '<%= config.bin %> answer check my.ks -d rocky -r 9',
    },
  ];
  static override args = {
    file: Args.string({ required: true, description: 'Kickstart, preseed, autoinstall or AutoYaST file.' }),
  };

  static override flags = {
    distro: mediumFlags.distro,
    release: mediumFlags.release,
    'tools-path': Flags.string({ char: 'p', summary: 'Look for the validators there first.', helpValue: 'DIR' }),
  };

  override async run(): Promise<AnswerCheck> {
    const { args, flags } = await this.parse(AnswerCheckCommand);
    const settings = await this.settings({ 'tools-path': flags['tools-path'] });
    const check = await checkAnswer(args.file, {
      distro: flags.distro,
      release: flags.release,
      catalogDirectories: catalogDirectories(),
      toolsPath: settings['build.toolsPath'],
      signal: this.signal,
    });
    if (!check.isFit) process.exitCode = 65;
    if (!this.jsonEnabled()) {
      for (const { line, severity, problem, remedy } of check.findings) {
        process.stdout.write(`${check.file}${line === 0 ? '' : `:${line}`}: ${severity}: ${problem} -> ${remedy}\n`);
      }
      const syntax =
        check.validator === null
          ? `syntax not checked: ${check.syntaxNotChecked ?? ''}`
          : `syntax checked by ${check.validator}`;
      process.stdout.write(`${check.file}: ${check.family}, ${check.isFit ? 'fit' : 'not fit'} (${syntax})\n`);
    }
    return check;
  }
}
