import { readdir } from 'node:fs/promises';
import { loadCatalog } from '../catalog/load.js';
import { listReleases, type ListedRelease } from '../catalog/resolve.js';
import { isSameRelease } from '../distro/recognise-release.js';
import type { DistroId } from '../distro/types.js';
import { systemErrorCode } from '../errors.js';
import type { Arch } from '../media/types.js';
import { Store, type StoredObject } from '../store/store.js';

export interface CachedRelease extends ListedRelease {
  /** Arches of which the cache has a conversion. */
  readonly cachedArches: readonly Arch[];
}

/** Every release of the catalogue, and which of them the cache has. */
export async function listCatalog(options: {
  readonly cacheDirectory: string;
  readonly catalogDirectories?: readonly string[];
}): Promise<CachedRelease[]> {
  const catalog = await loadCatalog({ userDirectories: options.catalogDirectories ?? [] });
  const cached = await describeObjects(options.cacheDirectory);
  return listReleases(catalog).map((listed) => ({
    ...listed,
    cachedArches: listed.arches.filter((arch) =>
      cached.some(
        (object) =>
          object.distro === listed.distro &&
          object.arch === arch &&
          isSameRelease(object.distro, listed.release, object.release),
      ),
    ),
  }));
}

interface ObjectIdentity {
  readonly distro: DistroId;
  readonly release: string;
  readonly arch: string;
}

async function describeObjects(cacheDirectory: string): Promise<ObjectIdentity[]> {
  const store = await Store.open(cacheDirectory);
  const keys = await readdir(store.layout.objects).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'EACCES') return [];
    throw error;
  });
  const objects = await Promise.all(keys.map(async (key) => store.find('object', key)));
  return objects
    .filter((object): object is StoredObject => object !== undefined)
    .map(({ record: { facts } }) => ({
      distro: String(facts['distro']) as DistroId,
      release: String(facts['release']),
      arch: String(facts['arch']),
    }));
}
