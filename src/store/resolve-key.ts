import { Iso2RootfsError } from '../errors.js';
import type { StoreEntry } from './inventory.js';

/**
 * The entry whose key is, or alone begins with, what was given.
 * @throws Iso2RootfsError NOT_CACHED when there is none, USAGE when several begin so
 */
export function resolveKey(entries: readonly StoreEntry[], prefix: string): StoreEntry {
  const wanted = prefix.toLowerCase();
  const found = entries.filter(({ key }) => key === wanted);
  const matching = found.length > 0 ? found : entries.filter(({ key }) => wanted !== '' && key.startsWith(wanted));
  const [first] = matching;
  if (first === undefined) {
    throw new Iso2RootfsError('NOT_CACHED', `the cache has nothing with the key ${prefix}`, {
      hint: "'iso2rootfs cache list' shows what there is.",
    });
  }
  if (matching.length > 1) {
    throw new Iso2RootfsError('USAGE', `${matching.length} keys begin with ${prefix}`, {
      hint: `Give more of it: ${matching.map(({ kind, key }) => `${key.slice(0, prefix.length + 6)} (${kind})`).join(', ')}.`,
      data: { keys: matching.map(({ key }) => key) },
    });
  }
  return first;
}
