import path from 'node:path';
import type { Catalog } from '../../catalog/load.js';
import { findRelease } from '../../catalog/names.js';
import { isSameRelease } from '../../distro/recognise-release.js';
import { recogniseMedium } from '../../distro/recognise.js';
import type { RecognisedMedium } from '../../distro/types.js';
import { Iso2RootfsError } from '../../errors.js';
import { readMedium } from '../../media/read-medium.js';
import type { Context } from '../context.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';
import { recallMedium, rememberMedium } from '../remembered-medium.js';
import type { Fetched } from './fetch.js';

export interface Inspected {
  readonly medium: RecognisedMedium;
}

/** ISO -> what it is. */
export const inspect: Stage<Recipe & { readonly catalog: Catalog } & Fetched, Inspected> = {
  name: 'inspect',
  run: async (build, context) => {
    const medium = await recognise(build, context);
    checkAgainstRecipe(build, medium);
    if (medium.isExperimental) {
      context.emit({
        type: 'warning',
        message: `${medium.distro} ${medium.release} is experimental: nobody has verified it with a real medium yet`,
      });
    }
    return { medium };
  },
};

async function recognise({ iso }: Fetched, { store }: Context): Promise<RecognisedMedium> {
  if (iso.path === undefined) {
    const remembered = await recallMedium(store, iso.sha256);
    if (remembered === undefined) throw new Iso2RootfsError('INTERNAL', `nothing is known of the ISO ${iso.sha256}`);
    return remembered;
  }
  // The name of a downloaded file is its hash; the publisher's is in the URL.
  const fileName = path.posix.basename(iso.source.startsWith('/') ? iso.source : new URL(iso.source).pathname);
  const medium = recogniseMedium(await readMedium(iso.path), { fileName });
  await rememberMedium(store, iso.sha256, medium);
  return medium;
}

function checkAgainstRecipe(recipe: Recipe & { readonly catalog: Catalog }, medium: RecognisedMedium): void {
  const claimed = canonicalClaim(recipe, medium);
  const contradictions = [
    claimed.distro !== undefined && claimed.distro !== medium.distro ? '--distro' : undefined,
    claimed.release !== undefined && !isSameRelease(medium.distro, claimed.release, medium.release)
      ? '--release'
      : undefined,
    recipe.arch !== undefined && recipe.arch !== medium.arch ? '--arch' : undefined,
  ].filter((flag) => flag !== undefined);
  if (contradictions.length === 0) return;
  const asked = [recipe.distro, recipe.release, recipe.arch].filter((word) => word !== undefined).join(' ');
  throw new Iso2RootfsError(
    'UNSUPPORTED_DISTRO',
    `the command asks for ${asked}, but the medium is ${medium.distro} ${medium.release} ${medium.arch} (${medium.volumeId})`,
    { hint: `Leave ${contradictions.join(' and ')} out, or give the other ISO.` },
  );
}

/** `-d alma -r 9`, `-d bookworm`: as the catalogue understands them; what it does not know is taken as typed. */
function canonicalClaim(
  { distro, release, catalog }: Recipe & { readonly catalog: Catalog },
  medium: RecognisedMedium,
): { readonly distro: string | undefined; readonly release: string | undefined } {
  if (distro === undefined) return { distro, release };
  const typed = distro.toLowerCase();
  const named = [...catalog.distributions.values()].find(
    ({ id, aliases = [] }) => id === typed || aliases.some((alias) => alias.toLowerCase() === typed),
  );
  // Without a release any one of the distribution will do.
  if (named !== undefined && release === undefined) return { distro: named.id, release };
  try {
    const found = findRelease(catalog, distro, release);
    return { distro: found.distribution.id, release: found.release };
  } catch (error) {
    if (!(error instanceof Iso2RootfsError) || error.code !== 'USAGE') throw error;
    return { distro: named?.id ?? typed, release: release ?? medium.release };
  }
}
