import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Catalog } from '../../catalog/load.js';
import { resolveRelease } from '../../catalog/resolve.js';
import type { ResolvedMedium } from '../../catalog/medium.js';
import {
  fetchPublishedChecksum,
  guessChecksumSources,
  type ChecksumSource,
} from '../../download/published-checksum.js';
import { Iso2RootfsError } from '../../errors.js';
import { readVolumeDescriptor } from '../../media/read-medium.js';
import { hostArch } from '../../tools/host.js';
import type { Context } from '../context.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';
import { recallMedium } from '../remembered-medium.js';
import { downloadIso, type DownloadPlan } from '../download-iso.js';

export interface Fetched {
  readonly iso: {
    /** Path or URL, for people. */
    readonly source: string;
    readonly sha256: string;
    /** Undefined: not transferred yet, since what is known of its hash may be enough. */
    readonly path: string | undefined;
    readonly plan?: DownloadPlan | undefined;
    /** Whether the publisher signed the checksum. `local`: nobody was asked. */
    readonly signature: 'verified' | 'unverified' | 'none' | 'local';
    /** The checksum was published, or given by the user. */
    readonly isChecksumKnown: boolean;
  };
}

/**
 * Path, URL or catalogue release -> the SHA-256 of its ISO, and the ISO itself unless its hash alone may be enough: the published checksum
 * (about 100 bytes) is looked up first, and an ISO that has been converted before is not transferred.
 */
export const fetch: Stage<Recipe & { readonly catalog: Catalog }, Fetched> = {
  name: 'fetch',
  run: async (recipe, context) => {
    const { iso } = recipe;
    if (iso !== undefined && !/^https?:\/\//i.test(iso)) {
      const file = /^file:\/\//i.test(iso) ? fileFromUrl(iso) : iso;
      return { iso: await readLocal(file, recipe, context) };
    }
    return { iso: await locateRemote(recipe, context) };
  },
};

function fileFromUrl(url: string): string {
  try {
    return decodeURIComponent(new URL(url).pathname);
  } catch (error) {
    throw new Iso2RootfsError('USAGE', `${url} is not a URL`, { cause: error });
  }
}

async function readLocal(file: string, recipe: Recipe, context: Context): Promise<Fetched['iso']> {
  const { store, emit, signal, stage } = context;
  // A file that is no ISO is refused before gigabytes of it are hashed.
  await readVolumeDescriptor(file);
  const resolved = await realpath(file);
  const { size: total } = await stat(resolved);
  const { sha256 } = await store.fileHashes.sha256(resolved, {
    signal,
    onProgress: (done) => emit({ type: 'progress', stage, unit: 'bytes', done, total }),
  });
  const expected = recipe.expectedSha256?.toLowerCase();
  if (expected !== undefined && expected !== sha256) {
    throw new Iso2RootfsError('CHECKSUM_MISMATCH', `${file} has the SHA-256 ${sha256}, not ${expected} as it should`, {
      hint: 'Download it again, or compare the sum with the one that the distribution publishes.',
    });
  }
  return { source: resolved, sha256, path: resolved, signature: 'local', isChecksumKnown: expected !== undefined };
}

/** Where an ISO is to be had, and who says what its checksum is. */
interface Origin {
  readonly urls: readonly [string, ...string[]];
  readonly sources: readonly ChecksumSource[];
  readonly catalogued?: ResolvedMedium;
}

function findOrigin(recipe: Recipe & { readonly catalog: Catalog }, { emit }: Context): Origin {
  if (recipe.iso !== undefined) {
    if (!URL.canParse(recipe.iso)) throw new Iso2RootfsError('USAGE', `${recipe.iso} is not a URL`);
    return { urls: [recipe.iso], sources: guessChecksumSources(recipe.iso) };
  }
  if (recipe.distro === undefined) {
    throw new Iso2RootfsError('USAGE', 'neither an ISO nor a distribution was given', {
      hint: "Give an ISO (-f PATH|URL), or a release (-d openeuler -r 22.03-lts); 'iso2rootfs list' shows all.",
    });
  }
  const { distro, release, variant, arch = hostArch() } = recipe;
  const catalogued = resolveRelease(recipe.catalog, { distro, release, arch, variant });
  const name = `${catalogued.distroName} ${catalogued.release}`;
  if (catalogued.isExperimental) {
    emit({ type: 'warning', message: `${name} is experimental: nobody has verified it with a real medium yet` });
  }
  if (catalogued.unverified.length > 0) {
    emit({
      type: 'warning',
      message: `the catalogue's ${catalogued.unverified.join(', ')} of ${name} could not be verified`,
    });
  }
  const [first, ...others] = catalogued.urls;
  if (first === undefined)
    throw new Iso2RootfsError('USAGE', `the catalogue has no URL for ${name}; give the ISO with -f`);
  return { urls: [first, ...others], sources: catalogued.checksum?.sources ?? guessChecksumSources(first), catalogued };
}

async function locateRemote(recipe: Recipe & { readonly catalog: Catalog }, context: Context): Promise<Fetched['iso']> {
  const { store, emit } = context;
  const origin = findOrigin(recipe, context);
  const [url] = origin.urls;
  const published = await findChecksum(recipe, origin, context);
  const common = {
    source: url,
    signature: published?.signature ?? ('none' as const),
    isChecksumKnown: published !== undefined,
  };
  if (published !== undefined) {
    const { sha256 } = published;
    const plan: DownloadPlan = { urls: origin.urls, expectedSha256: sha256, expectedSizeBytes: published.sizeBytes };
    const shelved = await store.shelf.findIso(sha256);
    if (shelved !== undefined) return { ...common, sha256, path: shelved.path };
    // The ISO is not needed as long as its hash says everything.
    if ((await recallMedium(store, sha256)) !== undefined) return { ...common, sha256, path: undefined, plan };
    refuseWithoutIso(recipe, url);
    return { ...common, sha256, path: (await downloadIso(plan, context)).path };
  }
  refuseWithoutIso(recipe, url);
  if (recipe.requiresChecksum) {
    throw new Iso2RootfsError(
      'CHECKSUM_MISMATCH',
      `nobody publishes a checksum of ${url} where we look, and one is required`,
      {
        hint: 'Give it with --sha256 HEX, or leave --require-checksum out.',
      },
    );
  }
  emit({
    type: 'warning',
    message: `NO CHECKSUM of ${path.posix.basename(new URL(url).pathname)} is published where we look: nothing proves that the download is genuine. Give --sha256 HEX if you know it.`,
  });
  const plan: DownloadPlan = { urls: origin.urls };
  const downloaded = await downloadIso(plan, context);
  return { ...common, sha256: downloaded.sha256, path: downloaded.path };
}

function refuseWithoutIso({ cache, isOffline }: Recipe, url: string): void {
  if (cache !== 'only' && !isOffline) return;
  throw new Iso2RootfsError('NOT_CACHED', `the cache has nothing made of ${url}`, {
    hint:
      cache === 'only'
        ? "'iso2rootfs build' with the same flags makes it."
        : 'Run the command again without --offline.',
  });
}

interface KnownChecksum {
  readonly sha256: string;
  readonly sizeBytes?: number | undefined;
  readonly signature: 'verified' | 'unverified' | 'none';
}

/** The checksum that the user gave, the publisher gives, or, offline, the one last seen. */
async function findChecksum(recipe: Recipe, origin: Origin, context: Context): Promise<KnownChecksum | undefined> {
  const { store, emit, signal } = context;
  if (recipe.expectedSha256 !== undefined) return { sha256: recipe.expectedSha256.toLowerCase(), signature: 'none' };
  const [url] = origin.urls;
  if (recipe.isOffline) return store.shelf.recallChecksum(url);
  try {
    const published = await fetchPublishedChecksum({
      sources: origin.sources,
      isoUrl: url,
      signingKey: origin.catalogued?.signingKey,
      signal,
      emit,
    });
    if (published === undefined) return undefined;
    const { sha256, sizeBytes, fromUrl, signature } = published;
    await store.shelf.rememberChecksum({
      url,
      sha256,
      fromUrl,
      signature,
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
    });
    return { sha256, sizeBytes, signature };
  } catch (error) {
    if (!(error instanceof Iso2RootfsError) || error.code !== 'NETWORK') throw error;
    const seen = await store.shelf.recallChecksum(url);
    if (seen === undefined || (await recallMedium(store, seen.sha256)) === undefined) throw error;
    emit({
      type: 'warning',
      message: `${error.message}; using the checksum that was seen on ${seen.seenAt.slice(0, 10)}`,
    });
    return seen;
  }
}
