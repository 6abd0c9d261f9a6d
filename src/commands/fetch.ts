import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../cli/base-command.js';
import { answerFlags, installationFlags, isoFlags, mediumFlags, outputFlags } from '../cli/recipe-flags.js';
import { toRecipe } from '../cli/to-recipe.js';
import { build, catalogDirectories, type Manifest } from '../index.js';

export default class Fetch extends BaseCommand {
  static override summary = 'Take a root filesystem from the cache; never build one.';
  static override description = `The published checksum of the ISO is looked up (about 100 bytes; not with --offline), and with it the result in the cache. The ISO
is not transferred, and nothing is installed. Outputs that the cache does not have yet (--cgz-kind squashfs, oci...) are made of those that
it has. Flags that are part of the key (packages, sizes of the disk...) must be those of the build.

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> fetch -d openeuler -r 22.03-lts -o /srv/os/openeuler',
    {
      description: 'In parts, without network',
      command: '<%= config.bin %> fetch -d openeuler -r 22.03-lts --offline --outputs cgz,kernel',
    },
  ];
  static override flags = {
    ...mediumFlags,
    ...isoFlags,
    ...outputFlags,
    ...answerFlags,
    'disk-size': installationFlags['disk-size'],
  };

  override async run(): Promise<Manifest & { output: string; isFromCache: boolean }> {
    const { flags } = await this.parse(Fetch);
    const settings = await this.settings(flags);
    const result = await build(toRecipe(flags, 'only', settings), {
      cacheDirectory: settings['cache.directory'],
      catalogDirectories: catalogDirectories(),
      signal: this.signal,
      emit: this.report(),
    });
    if (!this.jsonEnabled()) process.stdout.write(`${result.outputDirectory}\n`);
    return { ...result.manifest, output: result.outputDirectory, isFromCache: result.isFromCache };
  }
}
