import type { Distribution } from './schema.js';

export interface Catalog {
  /** By id. */
  readonly distributions: ReadonlyMap<string, Distribution>;
  /** The files that it was read from, in the order of reading: a later one overrides an earlier one. */
  readonly files: readonly string[];
}
