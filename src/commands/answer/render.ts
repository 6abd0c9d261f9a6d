import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../../cli/base-command.js';
import { generatedAnswerFlags, isoFlags, mediumFlags } from '../../cli/recipe-flags.js';
import { toRecipe } from '../../cli/to-recipe.js';
import { catalogDirectories, renderAnswer, type RenderedAnswer } from '../../index.js';

export default class AnswerRender extends BaseCommand {
  static override summary = 'Print the answer file that a build would use.';
  static override description = `Of a release of the catalogue (-d, -r), or of a medium (-f). @ISO2ROOTFS_TOKEN@ stands for the nonce by which a build knows that its installation came to
its end; it is filled in just before the installation.

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> answer render -d openeuler -r 22.03-lts > openeuler.ks',
    '<%= config.bin %> answer render -d debian -r 12 --packages vim,rsync',
  ];
  static override flags = { ...mediumFlags, iso: isoFlags.iso, ...generatedAnswerFlags };

  override async run(): Promise<RenderedAnswer> {
    const { flags } = await this.parse(AnswerRender);
    const settings = await this.settings(flags);
    const rendered = await renderAnswer(toRecipe(flags, 'use', settings), {
      cacheDirectory: settings['cache.directory'],
      catalogDirectories: catalogDirectories(),
      signal: this.signal,
      emit: this.report(),
    });
    if (!this.jsonEnabled()) process.stdout.write(rendered.text);
    return rendered;
  }
}
