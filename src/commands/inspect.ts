import { Args, Flags } from '@oclif/core';
import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../cli/base-command.js';
import { toRecipe } from '../cli/to-recipe.js';
import { catalogDirectories, inspectMedium, type Inspection } from '../index.js';

export default class Inspect extends BaseCommand {
  static override summary = 'Say what an install medium is, and why we think so.';
  static override description = `A file is read without mounting it, and without root. A URL is downloaded into the cache, where a build finds it, unless its published
checksum is that of a medium we have seen.

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> inspect openEuler-22.03-LTS-x86_64-dvd.iso',
    '<%= config.bin %> inspect --json some.iso',
  ];
  static override args = { iso: Args.string({ required: true, description: 'The ISO: a path or an http(s) URL.' }) };
  static override flags = {
    sha256: Flags.string({ summary: 'SHA-256 that the ISO must have.', helpValue: 'HEX' }),
    offline: Flags.boolean({ summary: 'Fetch nothing.', allowNo: true }),
  };

  override async run(): Promise<Inspection> {
    const { args, flags } = await this.parse(Inspect);
    const settings = await this.settings(flags);
    const inspection = await inspectMedium(toRecipe({ iso: args.iso, sha256: flags.sha256 }, 'use', settings), {
      cacheDirectory: settings['cache.directory'],
      catalogDirectories: catalogDirectories(),
      signal: this.signal,
      emit: this.report(),
    });
    if (!this.jsonEnabled()) {
      const { medium, sha256 } = inspection;
      const facts: readonly (readonly [string, string])[] = [
        ['distro', medium.distro],
        ['release', medium.release],
        ['arch', medium.arch],
        ['variant', medium.variant],
        ['installer', medium.family],
        ['volume id', medium.volumeId],
        ['kernel', medium.kernelPath],
        ['initrd', medium.initrdPath],
        ['packages', medium.carriesPackages ? 'on the medium' : 'from a network repository'],
        ['sha256', sha256],
        ...(medium.isExperimental
          ? [['note', 'experimental: nobody has verified it with a real medium'] as const]
          : []),
      ];
      for (const [name, value] of facts) process.stdout.write(`${`${name}:`.padEnd(11)}${value}\n`);
      process.stdout.write('because:\n');
      for (const sentence of medium.evidence) process.stdout.write(`  - ${sentence}\n`);
    }
    return inspection;
  }
}
