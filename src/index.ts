/** The library: what `import 'iso2rootfs'` gives. Commands use nothing deeper. */
export { build, type BuildOptions, type BuildResult } from './build/build.js';
export { checkAnswer, renderAnswer, type AnswerCheck } from './build/answer-files.js';
export { inspectMedium, type Inspection } from './build/inspect-medium.js';
export { listCatalog, type CachedRelease } from './build/list.js';
export type { RenderedAnswer } from './distro/answer/index.js';
export { OUTPUTS, type Output, type Recipe } from './build/recipe.js';
export { type Artifact, type Manifest } from './build/manifest.js';
export { runDoctor, type DoctorReport } from './build/doctor.js';
export { PROGRAM_VERSION } from './build/version.js';
export { ERROR_CODES, Iso2RootfsError, toIso2RootfsError, type ErrorCode } from './errors.js';
export type { BuildEvent, Emit } from './events.js';
export type { Arch } from './media/types.js';
export { defaultUri } from './tools/libvirt.js';
export { catalogDirectories, defaultCacheDirectory } from './config/directories.js';
