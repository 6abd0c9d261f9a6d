import { Args } from '@oclif/core';
import { BaseCommand, EXIT_CODES_HELP } from '../../cli/base-command.js';
import { checkAnswer, type AnswerCheck } from '../../index.js';

export default class AnswerCheckCommand extends BaseCommand {
  static override summary = 'Check an answer file before a machine starts.';
  static override description = `What makes an unattended build fail (no power-off, graphical mode, no root access, several roots, no bootable layout...), each with its line
and what to do; and the syntax, where the field's own validator is installed (ksvalidator, debconf-set-selections, xmllint).
A file that is not fit ends with exit status 65.

${EXIT_CODES_HELP}`;
  static override examples = ['<%= config.bin %> answer check my.ks'];
  static override args = {
    file: Args.string({ required: true, description: 'Kickstart, preseed, autoinstall or AutoYaST file.' }),
  };

  override async run(): Promise<AnswerCheck> {
    const { args } = await this.parse(AnswerCheckCommand);
    const check = await checkAnswer(args.file, { signal: this.signal });
    if (!check.isFit) process.exitCode = 65;
    if (!this.jsonEnabled()) {
      for (const { line, severity, problem, remedy } of check.findings) {
        process.stdout.write(`${check.file}${line === 0 ? '' : `:${line}`}: ${severity}: ${problem} -> ${remedy}\n`);
      }
      const syntax =
        check.validator === undefined ? 'syntax not checked: no validator is installed' : `syntax: ${check.validator}`;
      process.stdout.write(`${check.file}: ${check.family}, ${check.isFit ? 'fit' : 'not fit'} (${syntax})\n`);
    }
    return check;
  }
}
