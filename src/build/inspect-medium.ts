import { loadCatalog } from '../catalog/load.js';
import type { RecognisedMedium } from '../distro/types.js';
import { Pipeline } from './pipeline.js';
import type { Recipe } from './recipe.js';
import { fetch } from './stages/fetch.js';
import { inspect } from './stages/inspect.js';
import { withContext, type BuildOptions } from './build.js';

export interface Inspection {
  readonly source: string;
  readonly sha256: string;
  readonly medium: RecognisedMedium;
}

/** Says what a medium is and why. A URL is downloaded onto the store's shelf, unless its published checksum is known already. */
export async function inspectMedium(recipe: Recipe, options: BuildOptions): Promise<Inspection> {
  const catalog = await loadCatalog({ userDirectories: options.catalogDirectories ?? [] });
  const pipeline = Pipeline.from<Recipe & { readonly catalog: typeof catalog }>().stage(fetch).stage(inspect);
  return withContext(recipe, options, async (context) => {
    const { iso, medium } = await pipeline.run({ ...recipe, catalog }, context);
    return { source: iso.source, sha256: iso.sha256, medium };
  });
}
