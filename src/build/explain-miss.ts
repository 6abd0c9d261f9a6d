import { loadCatalog } from '../catalog/load.js';
import { findNearest, type KeyDifference } from '../store/compare-keys.js';
import { describeChange } from '../store/inventory.js';
import { namesIn } from '../store/files.js';
import { findChanges, readDamage, readRecord, type ObjectRecord } from '../store/record.js';
import type { Store } from '../store/store.js';
import { formatBytes } from '../tools/space.js';
import { withContext, type BuildOptions } from './build.js';
import { Pipeline } from './pipeline.js';
import type { Recipe } from './recipe.js';
import { answer } from './stages/answer.js';
import { fetch } from './stages/fetch.js';
import { inspect } from './stages/inspect.js';

export interface Explanation {
  readonly medium: { readonly distro: string; readonly release: string; readonly arch: string };
  readonly key: string;
  readonly keyInputs: Readonly<Record<string, unknown>>;
  /** `missing`: it was never made, or removed. Only `complete` is used. */
  readonly state: 'complete' | 'changed' | 'damaged' | 'missing';
  /** What is wrong with the object, where there is one. */
  readonly problems: readonly string[];
  /** True: a build would convert, but not install. */
  readonly hasDisk: boolean;
  /** On a miss: the object whose key differs least. */
  readonly nearest:
    | {
        readonly key: string;
        readonly distro: string | undefined;
        readonly release: string | undefined;
        readonly arch: string | undefined;
        readonly committedAt: string;
        readonly differences: readonly (KeyDifference & { readonly words: string })[];
      }
    | undefined;
}

/** Says whether a build with this recipe would be a hit in the cache and, where not, what of the key differs from what there is. */
export async function explainMiss(recipe: Recipe, options: BuildOptions): Promise<Explanation> {
  const catalog = await loadCatalog({ userDirectories: options.catalogDirectories ?? [] });
  const identify = Pipeline.from<Recipe & { readonly catalog: typeof catalog }>()
    .stage(fetch)
    .stage(inspect)
    .stage(answer);
  return withContext(recipe, options, async (context) => {
    const { store } = context;
    const { medium, keys } = await identify.run({ ...recipe, catalog }, context);
    const { key, inputs } = keys.object;
    const { distro, release, arch } = medium;
    const { state, problems } = await describeState(store, key);
    return {
      medium: { distro, release, arch },
      key,
      keyInputs: inputs,
      state,
      problems,
      hasDisk: (await store.find('disk', keys.disk.key)) !== undefined,
      nearest: state === 'complete' ? undefined : await describeNearest(store, key, inputs),
    };
  });
}

async function describeState(store: Store, key: string): Promise<Pick<Explanation, 'state' | 'problems'>> {
  const directory = store.directoryOf('object', key);
  const record = await readRecord(directory, 'object', key);
  if (record === undefined) {
    const damage = await readDamage(directory);
    return { state: damage === undefined ? 'missing' : 'damaged', problems: damage ?? [] };
  }
  const changes = await findChanges(directory, record);
  return { state: changes.length > 0 ? 'changed' : 'complete', problems: changes.map(describeChange) };
}

async function describeNearest(
  store: Store,
  wantedKey: string,
  inputs: Readonly<Record<string, unknown>>,
): Promise<Explanation['nearest']> {
  const records: ObjectRecord[] = [];
  for (const key of await namesIn(store.layout.objects)) {
    if (key === wantedKey) continue;
    const record = await readRecord(store.directoryOf('object', key), 'object', key);
    if (record !== undefined) records.push(record);
  }
  const nearest = findNearest(inputs, records);
  if (nearest === undefined) return undefined;
  const { key, committedAt, facts } = nearest.record;
  const fact = (name: string): string | undefined => (typeof facts[name] === 'string' ? facts[name] : undefined);
  return {
    key,
    distro: fact('distro'),
    release: fact('release'),
    arch: fact('arch'),
    committedAt,
    differences: nearest.differences.map((difference) => ({ ...difference, words: putIntoWords(difference) })),
  };
}

/** A difference, for people. */
export function putIntoWords({ part, wanted, stored }: KeyDifference): string {
  const show = (value: KeyDifference['wanted']): string =>
    value === undefined ? 'nothing' : typeof value === 'string' ? shorten(value) : JSON.stringify(value);
  switch (part) {
    case 'iso':
      return `the ISO is another one: its SHA-256 is ${show(wanted)}, that of the object's was ${show(stored)}`;
    case 'answerFile':
      return `the answer file is another one (${show(wanted)}, the object's was ${show(stored)}): other options such as --packages or --root-password, another --answer-file, or another version of iso2rootfs`;
    case 'recipe.diskSizeBytes':
      return typeof wanted === 'number' && typeof stored === 'number'
        ? `the disk has ${formatBytes(wanted)} (--disk-size), the object's had ${formatBytes(stored)}`
        : `the size of the disk is ${show(wanted)}, the object's was ${show(stored)}`;
    case 'recipe.arch':
      return `the architecture is ${show(wanted)}, the object's was ${show(stored)}`;
    case 'format':
    case 'installationFormat':
      return 'this version of iso2rootfs makes something else of the same input than the one that made the object';
    default:
      return `${part} is ${show(wanted)}, the object's was ${show(stored)}`;
  }
}

function shorten(value: string): string {
  return /^[0-9a-f]{64}$/.test(value) ? `${value.slice(0, 12)}...` : value;
}
