import type { Emit } from '../events.js';
import { Iso2RootfsError, toIso2RootfsError } from '../errors.js';
import { loadCatalog, type Catalog } from '../catalog/load.js';
import { Store, type StoredObject } from '../store/store.js';
import type { FileLock } from '../tools/flock.js';
import { Toolbox } from '../tools/toolbox.js';
import type { Context } from './context.js';
import { commit, derive, install, packages, pair, preflight, prepare, sparsify, trees } from './conversion-stages.js';
import { missingFiles, planFiles, type PlannedFile } from './artifacts/plan.js';
import { manifestSchema, type Manifest } from './manifest.js';
import { claimOutputDirectory } from './output-directory.js';
import { nameStage, Pipeline } from './pipeline.js';
import { requireRoomToConvert } from './predict-space.js';
import type { Recipe } from './recipe.js';
import { answer } from './stages/answer.js';
import { claim } from './stages/claim.js';
import { deliver } from './stages/deliver.js';
import { fetch } from './stages/fetch.js';
import { inspect } from './stages/inspect.js';
import type { Prepared } from './stages/prepare.js';
import { isVerified, knownFailure } from './verified-outputs.js';
import { awaitTurn } from './turn.js';
import { BUILD_VARIABLE, removeAbandonedWorkspaces, Workspace } from './workspace.js';
import { readJson } from '../store/files.js';
import { setMaxListeners } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** What is converted, and into what: cheap, and all that a hit in the cache needs. */
const identify = Pipeline.from<Recipe & { readonly catalog: Catalog }>()
  .stage(fetch)
  .stage(inspect)
  .stage(claim)
  .stage(answer);
type Identified = Awaited<ReturnType<typeof identify.run>>;

/** The conversion. */
const check = Pipeline.from<Identified>().stage(preflight);
const convert = Pipeline.from<Awaited<ReturnType<typeof check.run>>>()
  .stage(install)
  .stage(prepare)
  .stage(sparsify)
  .stage(trees)
  .stage(pair)
  .stage(packages)
  .stage(commit);

/** The prepared disk once more, of the installed one in the store. */
const prepareAgain = Pipeline.from<Awaited<ReturnType<typeof check.run>>>()
  .stage(install)
  .stage(prepare)
  .stage(sparsify);

export interface BuildOptions {
  readonly cacheDirectory: string;
  readonly toolsPath?: string | undefined;
  /** Directories with catalogue files of the user's, `*.yaml`. */
  readonly catalogDirectories?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly emit?: Emit | undefined;
}

export interface BuildResult {
  readonly outputDirectory: string;
  readonly manifest: Manifest;
  /** True: nothing was installed or converted. */
  readonly isFromCache: boolean;
}

/**
 * Converts an ISO into a root file system, or takes it from the cache.
 * @throws Iso2RootfsError any code of errors.ts; nothing is left behind but the logs.
 */
export async function build(recipe: Recipe, options: BuildOptions): Promise<BuildResult> {
  if (recipe.outputDirectory !== undefined) await claimOutputDirectory(recipe.outputDirectory);
  if (recipe.verifies) {
    await (await import('./verify-object.js')).requireVerifiable(recipe.outputs, options.toolsPath);
  }
  return withContext(recipe, options, async (context) => buildIn(context, recipe, options.catalogDirectories ?? []));
}

/** Runs something in a workspace of its own, of which nothing is left afterwards but logs. */
export async function withContext<Result>(
  recipe: Pick<Recipe, 'libvirtUri'>,
  options: BuildOptions,
  work: (context: Context) => Promise<Result>,
): Promise<Result> {
  const emit = options.emit ?? (() => undefined);
  const signal = options.signal ?? new AbortController().signal;
  // Every program that runs listens to it.
  setMaxListeners(0, signal);
  const store = await Store.open(options.cacheDirectory);
  if (store.isReadOnly) {
    emit({ type: 'warning', message: `The cache in ${store.layout.root} may only be read: what it has can be used.` });
  }
  const workspace = await Workspace.create(store, recipe.libvirtUri);
  const tools = new Toolbox({
    logDirectory: workspace.logDirectory,
    signal,
    toolsPath: options.toolsPath,
    environment: { [BUILD_VARIABLE]: workspace.id },
  });
  try {
    await sweep(store, tools, emit, workspace.id);
    return await work({ store, workspace, tools, signal, emit, stage: 'build', timings: [] });
  } catch (error) {
    const failure = toIso2RootfsError(error);
    failure.log ??= await existingLogs(workspace);
    throw failure;
  } finally {
    await workspace.dispose(tools.forCleanUp(), (message) =>
      emit({ type: 'warning', message: `Something of this build is left, and removed by the next one: ${message}` }),
    );
  }
}

/** The directory of the logs, where there are any. */
async function existingLogs(workspace: Workspace): Promise<string | undefined> {
  const logs = await readdir(workspace.logDirectory).catch(() => []);
  return logs.length > 0 ? workspace.logDirectory : undefined;
}

/** What dead builds have left is removed before it takes the space that this one needs. */
async function sweep(store: Store, tools: Toolbox, emit: Emit, ownId: string): Promise<void> {
  const warn = ({ message }: Error): void =>
    emit({ type: 'warning', message: `Could not clean up after a dead build: ${message}` });
  const removed = await removeAbandonedWorkspaces(store, tools, warn, ownId);
  if (removed.length > 0) {
    emit({ type: 'notice', message: `Cleaned up after ${removed.length} build(s) that had died.` });
  }
}

async function buildIn(context: Context, recipe: Recipe, catalogDirectories: readonly string[]): Promise<BuildResult> {
  const { store, emit, signal } = context;
  const catalog = await loadCatalog({ userDirectories: catalogDirectories });
  const identified = await identify.run({ ...recipe, catalog }, context);
  const { key } = identified.keys.object;
  let isWaiting = false;
  const onWait = (): void => {
    if (!isWaiting) emit({ type: 'notice', message: 'Another iso2rootfs is converting this medium: waiting for it.' });
    isWaiting = true;
  };
  for (;;) {
    const known = recipe.cache === 'renew' ? undefined : await store.hold('object', key, { signal, onWait });
    if (known !== undefined) {
      try {
        if (missingFiles(known, recipe).length === 0 && !(await mustBeVerified(known, recipe))) {
          return await deliverKnown(context, identified, known);
        }
      } finally {
        await known.release();
      }
    }
    if (recipe.cache === 'only' && (known === undefined || !(await canComplete(store, known, identified)))) {
      throw notCached(identified);
    }
    store.requireWritable();
    const lock = await store.lockToMake(key, { signal, onWait });
    try {
      // Another may have made it before we had the lock.
      const made = recipe.cache === 'renew' ? undefined : await store.find('object', key);
      if (made === undefined || !(await canComplete(store, made, identified))) {
        if (recipe.cache === 'only') throw notCached(identified);
        return await convertAnew(context, identified, lock);
      }
      const { object } = await completeKnown(context, identified, made, lock);
      await verifyIfAsked(context, recipe, object, lock);
    } finally {
      await lock.release();
    }
  }
}

async function deliverKnown(context: Context, identified: Identified, object: StoredObject): Promise<BuildResult> {
  const { store, emit } = context;
  await store.touch(object);
  const id = object.record.key.slice(0, 12);
  emit({ type: 'notice', message: `This medium is in the cache (key ${id}): nothing is installed.` });
  const manifest = await readManifest(object);
  requireNotFailed(manifest, identified);
  if (identified.cache === 'only' && !isVerified(manifest, identified)) {
    emit({ type: 'notice', message: `Nobody has verified it: 'iso2rootfs verify ${id}' boots it.` });
  }
  const { delivered, deliveredManifest } = await Pipeline.from<
    Identified & { object: StoredObject; nfsroot: undefined }
  >()
    .stage(deliver)
    .run({ ...identified, object, nfsroot: undefined }, context);
  return { outputDirectory: delivered, manifest: deliveredManifest, isFromCache: true };
}

/** Whether what an object lacks can be made of it: a disk image is made of the installed disk, which may have been removed. */
async function canComplete(store: Store, object: StoredObject, { keys, ...recipe }: Identified): Promise<boolean> {
  const missing = missingFiles(object, recipe);
  if (missing.some(({ making }) => making.by === 'conversion')) return false;
  const needsDisk = missing.some(({ making }) => making.by === 'disk-image');
  return !needsDisk || (await store.find('disk', keys.disk.key)) !== undefined;
}

async function completeKnown(
  context: Context,
  identified: Identified,
  object: StoredObject,
  lock: FileLock,
): Promise<{ readonly object: StoredObject }> {
  const missing = missingFiles(object, identified);
  if (missing.length === 0) return { object };
  await requireTools(context, missing);
  const preparedDisk = async (): Promise<string> => {
    await awaitTurn(identified, context);
    const checked = await check.run(identified, context);
    const preparing = { ...context, tools: context.tools.withEnvironment(checked.machine.environment) };
    return requirePrepared(await prepareAgain.run(checked, preparing));
  };
  const derivable = { ...identified, object, manifest: await readManifest(object), lock, preparedDisk };
  return Pipeline.from<typeof derivable>().stage(derive).run(derivable, context);
}

function requirePrepared({ preparedDiskPath }: Prepared): string {
  if (preparedDiskPath === undefined) throw new Iso2RootfsError('INTERNAL', 'no disk was prepared');
  return preparedDiskPath;
}

async function requireTools({ tools, signal }: Context, files: readonly PlannedFile[]): Promise<void> {
  const { requireMakers } = await import('./artifacts/require-makers.js');
  await requireMakers(files, { toolsPath: tools.toolsPath, signal });
}

async function convertAnew(context: Context, identified: Identified, lock: FileLock): Promise<BuildResult> {
  try {
    await requireTools(context, planFiles(identified.outputs, identified.cgz));
    await requireRoomToConvert(identified, context);
  } catch (error) {
    throw nameStage(error, 'preflight');
  }
  await awaitTurn(identified, context);
  const checked = await check.run(identified, context);
  const converting = { ...context, tools: context.tools.withEnvironment(checked.machine.environment) };
  const converted = await convert.run(checked, converting);
  const preparedDisk = (): Promise<string> => Promise.resolve(requirePrepared(converted));
  const whole =
    missingFiles(converted.object, identified).length === 0
      ? converted
      : await Pipeline.from<typeof converted & { lock: FileLock; preparedDisk: typeof preparedDisk }>()
          .stage(derive)
          .run({ ...converted, lock, preparedDisk }, converting);
  const verified = await verifyIfAsked(converting, identified, whole.object, lock);
  const { object } = verified ?? whole;
  const { delivered, deliveredManifest } = await Pipeline.from<typeof converted & { nfsroot: string | undefined }>()
    .stage(deliver)
    .run({ ...converted, object, nfsroot: converted.trees.nfsroot }, converting);
  return { outputDirectory: delivered, manifest: deliveredManifest, isFromCache: false };
}

async function readManifest(object: StoredObject): Promise<Manifest> {
  return manifestSchema.parse(await readJson(path.join(object.directory, 'manifest.json')));
}

/** What did not come up when it was booted is given to nobody as if nothing were known of it. */
function requireNotFailed(manifest: Manifest, recipe: Recipe): void {
  const { key } = manifest;
  const failure = knownFailure(manifest, recipe);
  if (failure === undefined) return;
  throw new Iso2RootfsError('VERIFY_FAILED', `the cache has it, but ${failure}`, {
    hint: `'iso2rootfs verify ${key.slice(0, 12)}' tries again; --no-cache makes it anew.`,
    data: { key },
  });
}

async function mustBeVerified(object: StoredObject, recipe: Recipe): Promise<boolean> {
  return recipe.verifies && !isVerified(await readManifest(object), recipe);
}

/**
 * Boots an object while nobody else can take it. What fails stays in the store, marked, to be looked at.
 * @throws Iso2RootfsError VERIFY_FAILED
 */
async function verifyIfAsked(
  context: Context,
  recipe: Recipe,
  object: StoredObject,
  lock: FileLock,
): Promise<{ readonly object: StoredObject; readonly manifest: Manifest } | undefined> {
  if (!(await mustBeVerified(object, recipe))) return undefined;
  const { verifyForBuild } = await import('./verify-object.js');
  return verifyForBuild(context, recipe, object, lock);
}

function notCached({ medium, keys }: Identified): Iso2RootfsError {
  const { distro, release, arch } = medium;
  return new Iso2RootfsError(
    'NOT_CACHED',
    `the cache has no ${distro} ${release} ${arch} made by this recipe (key ${keys.object.key.slice(0, 12)})`,
    {
      stage: 'fetch',
      hint: "'iso2rootfs build' with the same flags makes it; 'iso2rootfs cache explain' says what differs from what there is.",
    },
  );
}
