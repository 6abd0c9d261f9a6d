import type { Arch } from '../media/types.js';
import type { Catalog } from './load.js';
import { archesOf, describeMedium, variantsOf, type ResolvedMedium } from './medium.js';
import { findArch, findRelease, findVariant, releasesOf } from './names.js';

export interface ReleaseRequest {
  /** As typed: any case, an alias, with or without the release (`openEuler`, `debian 12`, `bookworm`, `stream9`). */
  readonly distro: string;
  /** As typed (`22.03-LTS_SP3`, `noble`, `9`); may be left out where {@link distro} says it. */
  readonly release?: string | undefined;
  /** As typed (`x86_64`, `amd64`, `arm64`). */
  readonly arch: string;
  /** Default: the distribution's. */
  readonly variant?: string | undefined;
}

/**
 * Finds the medium that a request names.
 * @throws Iso2RootfsError USAGE when there is none, with what comes near and what there is.
 */
export function resolveRelease(catalog: Catalog, request: ReleaseRequest): ResolvedMedium {
  const { distribution, release } = findRelease(catalog, request.distro, request.release);
  const what = `${distribution.name} ${release}`;
  const arch = findArch(request.arch, archesOf(distribution, release), what);
  const variants = variantsOf(distribution, release, arch);
  const variant = findVariant(request.variant ?? distribution.defaultVariant, variants, `${what} ${arch}`);
  return describeMedium(distribution, release, arch, variant);
}

export interface ListedRelease {
  readonly distro: string;
  readonly distroName: string;
  readonly release: string;
  readonly aliases: readonly string[];
  readonly arches: readonly Arch[];
  /** Of all arches together. */
  readonly variants: readonly string[];
  readonly endOfLife: string | undefined;
  readonly isExperimental: boolean;
  /** Of the default medium. */
  readonly unverified: readonly string[];
}

/** Every release of the catalogue: by distribution, then oldest first. */
export function listReleases(catalog: Catalog): ListedRelease[] {
  const ids = [...catalog.distributions.keys()].sort();
  return ids.flatMap((id) => {
    const distribution = catalog.distributions.get(id);
    if (distribution === undefined) return [];
    return releasesOf(distribution).map((release): ListedRelease => {
      const arches = archesOf(distribution, release);
      const media = arches.map((arch) => {
        const variants = variantsOf(distribution, release, arch);
        const shown = variants.includes(distribution.defaultVariant) ? distribution.defaultVariant : variants[0];
        return {
          variants,
          medium: shown === undefined ? undefined : describeMedium(distribution, release, arch, shown),
        };
      });
      return {
        distro: id,
        distroName: distribution.name,
        release,
        aliases: distribution.releases[release]?.aliases ?? [],
        arches,
        variants: [...new Set(media.flatMap(({ variants }) => variants))],
        endOfLife: distribution.releases[release]?.endOfLife,
        isExperimental: media.some(({ medium }) => medium?.isExperimental ?? false),
        unverified: [...new Set(media.flatMap(({ medium }) => medium?.unverified ?? []))],
      };
    });
  });
}
