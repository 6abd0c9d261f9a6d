/**
 * The library: what `import 'iso2rootfs'` gives. Commands use nothing deeper.
 *
 * Each function is loaded, with what it needs, when it is called for the first time: importing the library costs next to nothing, and a
 * command waits only for what it uses.
 */
import { lazily } from './lazily.js';
import type { Store as OpenedStore } from './store/store.js';

export const build = lazily(async () => (await import('./build/build.js')).build);
export type { BuildOptions, BuildResult } from './build/build.js';
export const checkAnswer = lazily(async () => (await import('./build/answer-files.js')).checkAnswer);
export const renderAnswer = lazily(async () => (await import('./build/answer-files.js')).renderAnswer);
export type { AnswerCheck } from './build/answer-files.js';
export const auditDirectory = lazily(async () => (await import('./build/audit-directory.js')).auditDirectory);
export type { AuditRequest } from './build/audit-directory.js';
export type { AuditReport, ExcusedGroup, Finding } from './compare/audit.js';
export const diffOutputs = lazily(async () => (await import('./build/diff-outputs.js')).diffOutputs);
export type { DiffRequest } from './build/diff-outputs.js';
export type { DiffReport, FileChange, PackageChange } from './compare/diff.js';
export const formatDiff = lazily(async () => (await import('./compare/format-diff.js')).formatDiff);
export const inspectMedium = lazily(async () => (await import('./build/inspect-medium.js')).inspectMedium);
export type { Inspection } from './build/inspect-medium.js';
export const listCatalog = lazily(async () => (await import('./build/list.js')).listCatalog);
export type { CachedRelease } from './build/list.js';
export type { RenderedAnswer } from './distro/answer/index.js';
export { OUTPUTS, type Output, type Recipe } from './build/recipe.js';
export { cgzRecipeOf, type CgzRecipe } from './build/artifacts/plan.js';
export type { Artifact, Manifest } from './build/manifest.js';
export const predictPlaces = lazily(async () => (await import('./build/predict-space.js')).predictPlaces);
export const runDoctor = lazily(async () => (await import('./build/doctor.js')).runDoctor);
export type { DoctorReport } from './build/doctor.js';
export { PROGRAM_VERSION } from './build/version.js';
export { ERROR_CODES, Iso2RootfsError, toIso2RootfsError, type ErrorCode } from './errors.js';
export type { BuildEvent, Emit } from './events.js';
export type { Arch } from './media/types.js';
export { defaultUri } from './tools/libvirt-uri.js';
export { catalogDirectories, defaultCacheDirectory } from './config/directories.js';
export const explainMiss = lazily(async () => (await import('./build/explain-miss.js')).explainMiss);
export type { Explanation } from './build/explain-miss.js';
export const pruneCache = lazily(async () => (await import('./build/prune-cache.js')).pruneCache);
export const removeEntry = lazily(async () => (await import('./build/prune-cache.js')).removeEntry);
export type { PruneOptions, PruneReport } from './build/prune-cache.js';
export const listEntries = lazily(async () => (await import('./store/inventory.js')).listEntries);
export type { StoreEntry } from './store/inventory.js';
export { resolveKey } from './store/resolve-key.js';
export type { PrunePolicy } from './store/prune-plan.js';
export const showEntry = lazily(async () => (await import('./store/show-entry.js')).showEntry);
export type { EntryDetails } from './store/show-entry.js';
export const Store = {
  open: lazily(async () => {
    const { Store: Opened } = await import('./store/store.js');
    return async (cacheDirectory: string) => Opened.open(cacheDirectory);
  }),
};
export type Store = OpenedStore;
export const verifyOutput = lazily(async () => (await import('./build/verify-output.js')).verifyOutput);
export type { VerifiedBoot, VerifiedOutput, VerifyRequest } from './build/verify-output.js';
export type { Verifiable } from './build/verify-object.js';
export const verifyEntries = lazily(async () => (await import('./store/verify.js')).verifyEntries);
export type { Verification, VerifyOptions } from './store/verify.js';
export { loadConfig, type Config, type ConfigSources, type Origin } from './config/load-config.js';
export type { SettingName, Settings } from './config/settings.js';
