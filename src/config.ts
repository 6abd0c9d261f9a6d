import { homedir } from 'node:os';
import path from 'node:path';

/**
 * Where the cache is: ISO2ROOTFS_CACHE_DIR, $XDG_CACHE_HOME/iso2rootfs, for root /var/cache/iso2rootfs (QEMU's user can pass through
 * to there, unlike to root's home), else ~/.cache/iso2rootfs.
 */
export function defaultCacheDirectory(
  environment: NodeJS.ProcessEnv = process.env,
  isRoot: boolean = process.getuid?.() === 0,
): string {
  const own = environment['ISO2ROOTFS_CACHE_DIR'];
  if (own !== undefined && own !== '') return path.resolve(own);
  const xdg = environment['XDG_CACHE_HOME'];
  if (xdg !== undefined && path.isAbsolute(xdg)) return path.join(xdg, 'iso2rootfs');
  return isRoot ? '/var/cache/iso2rootfs' : path.join(homedir(), '.cache', 'iso2rootfs');
}
