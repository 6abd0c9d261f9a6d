import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../../cli/base-command.js';
import { printable } from '../../cli/format.js';
import { answerFlags, installationFlags, isoFlags, mediumFlags } from '../../cli/recipe-flags.js';
import { toRecipe } from '../../cli/to-recipe.js';
import { catalogDirectories, explainMiss, type Explanation } from '../../index.js';

export default class CacheExplain extends BaseCommand {
  static override summary =
    'Say whether a build would find its result in the cache and, if not, what differs from what there is.';
  static override description = `Give the flags that the build is given. The key of a result is made of the ISO's SHA-256, the answer file, the architecture and the
size of the disk; where the ISO came from, memory, processors, timeouts and the output directory are no part of it.

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> cache explain -f openEuler-22.03-LTS-x86_64-dvd.iso',
    '<%= config.bin %> cache explain -d openeuler -r 22.03-lts --packages vim --disk-size 20G',
  ];
  static override flags = {
    ...mediumFlags,
    ...isoFlags,
    ...answerFlags,
    'disk-size': installationFlags['disk-size'],
  };

  override async run(): Promise<Explanation> {
    const { flags } = await this.parse(CacheExplain);
    const settings = await this.settings(flags);
    const explanation = await explainMiss(toRecipe(flags, 'use', settings), {
      cacheDirectory: settings['cache.directory'],
      catalogDirectories: catalogDirectories(),
      signal: this.signal,
      emit: this.report(),
    });
    if (!this.jsonEnabled()) process.stdout.write(describe(explanation));
    return explanation;
  }
}

function describe({ medium, key, state, problems, hasDisk, nearest }: Explanation): string {
  const name = `${medium.distro} ${medium.release} ${medium.arch}`;
  const lines: string[] = [];
  if (state === 'complete') lines.push(`hit: ${name} is in the cache (key ${key.slice(0, 12)})`);
  else {
    lines.push(`miss: ${name} with the key ${key.slice(0, 12)} is ${state === 'missing' ? 'not in the cache' : state}`);
    lines.push(...problems.map((problem) => `  ${problem}`));
    if (hasDisk) lines.push('its installed disk is in the cache: a build converts it and installs nothing');
    if (nearest === undefined) lines.push('the cache has no other conversion to compare with');
    else {
      const release = [nearest.distro, nearest.release, nearest.arch].filter((part) => part !== undefined).join(' ');
      lines.push(`the nearest is ${nearest.key.slice(0, 12)} (${release}, made ${nearest.committedAt.slice(0, 16)}):`);
      lines.push(...nearest.differences.map(({ part, words }) => `  ${part}: ${words}`));
    }
  }
  return lines.map((line) => `${printable(line)}\n`).join('');
}
