import { Iso2RootfsError } from '../../errors.js';
import { recogniseMedium } from '../../distro/recognise.js';
import type { RecognisedMedium } from '../../distro/types.js';
import { readMedium } from '../../media/read-medium.js';
import path from 'node:path';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';
import type { Fetched } from './fetch.js';

export interface Inspected {
  readonly medium: RecognisedMedium;
}

/** ISO -> what it is. */
export const inspect: Stage<Recipe & Fetched, Inspected> = {
  name: 'inspect',
  run: async (build, { emit }) => {
    const facts = await readMedium(build.iso.path);
    const medium = recogniseMedium(facts, { fileName: path.basename(build.iso.path) });
    checkAgainstRecipe(build, medium);
    if (medium.isExperimental) {
      emit({
        type: 'warning',
        message: `${medium.distro} ${medium.release} is experimental: nobody has verified it with a real medium yet`,
      });
    }
    return { medium };
  },
};

function checkAgainstRecipe(recipe: Recipe, medium: RecognisedMedium): void {
  const claims: readonly (readonly [string, string | undefined, string])[] = [
    ['distro', recipe.distro, medium.distro],
    ['release', recipe.release, medium.release],
    ['arch', recipe.arch, medium.arch],
  ];
  const contradictions = claims.filter(([, claimed, found]) => claimed !== undefined && !isSame(claimed, found));
  if (contradictions.length === 0) return;
  const asked = [recipe.distro, recipe.release, recipe.arch].filter((word) => word !== undefined).join(' ');
  throw new Iso2RootfsError(
    'UNSUPPORTED_DISTRO',
    `the command asks for ${asked}, but the medium is ${medium.distro} ${medium.release} ${medium.arch} (${medium.volumeId})`,
    { hint: `Leave ${contradictions.map(([name]) => `--${name}`).join(' and ')} out, or give the other ISO.` },
  );
}

function isSame(claimed: string, found: string): boolean {
  // `-r 9` is any 9.x; `-r 22.03-lts` is not 22.03-LTS-SP1.
  const [wanted, actual] = [claimed.toLowerCase(), found.toLowerCase()];
  return actual === wanted || actual.startsWith(`${wanted}.`);
}
