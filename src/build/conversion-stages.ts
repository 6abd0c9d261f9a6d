import { lazyStage } from './pipeline.js';

/** The stages of the conversion: loaded when their turn comes, since most builds are hits in the cache and convert nothing. */
export const preflight = lazyStage('preflight', async () => (await import('./stages/preflight.js')).preflight);
export const install = lazyStage('install', async () => (await import('./stages/install.js')).install);
export const prepare = lazyStage('prepare', async () => (await import('./stages/prepare.js')).prepare);
export const sparsify = lazyStage('sparsify', async () => (await import('./stages/prepare.js')).sparsify);
export const trees = lazyStage('rootfs+nfsroot+initramfs', async () => (await import('./stages/trees.js')).trees);
export const pair = lazyStage('pair', async () => (await import('./stages/pair.js')).pair);
export const packages = lazyStage('packages', async () => (await import('./stages/packages.js')).packages);
export const commit = lazyStage('commit', async () => (await import('./stages/commit.js')).commit);
export const derive = lazyStage('artifacts', async () => (await import('./stages/derive.js')).derive);
