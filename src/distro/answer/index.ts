/** Answer files: written from a neutral model, checked, and given the token that proves a complete installation. */
export { appendToken } from './append-token.js';
export { checkAnswerFile } from './check/check.js';
export { detectFamily } from './detect-family.js';
export { kickstartDialect, type KickstartDialect } from './dialect.js';
export { createAnswerModel, DEFAULT_ANSWER_MODEL } from './model.js';
export type { AnswerModel, PostScript, Repository, RootAccess } from './model.js';
export { renderAnswerFile } from './render.js';
export { parseRootPassword, type RootPassword, type RootPasswordDependencies } from './root-password.js';
export { renderAll, type RenderedFile } from './render-all.js';
export { insertToken, ISO2ROOTFS_TOKEN_PLACEHOLDER, TOKEN_CONSOLE_PREFIX, TOKEN_PATH } from './token.js';
export type { AnswerFamily, AnswerTarget, ExtraFile, Finding, RenderedAnswer } from './types.js';
