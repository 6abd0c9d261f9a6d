import { homedir } from 'node:os';
import path from 'node:path';

const SYSTEM_DIRECTORY = '/etc/iso2rootfs';

/**
 * Where the cache is when nobody says: $XDG_CACHE_HOME/iso2rootfs, for root /var/cache/iso2rootfs (QEMU's user can pass through to
 * there, unlike to root's home), else ~/.cache/iso2rootfs.
 */
export function defaultCacheDirectory(
  environment: NodeJS.ProcessEnv = process.env,
  isRoot: boolean = process.getuid?.() === 0,
): string {
  const xdg = environment['XDG_CACHE_HOME'];
  if (xdg !== undefined && path.isAbsolute(xdg)) return path.join(xdg, 'iso2rootfs');
  return isRoot ? '/var/cache/iso2rootfs' : path.join(environment['HOME'] ?? homedir(), '.cache', 'iso2rootfs');
}

/** `/etc/iso2rootfs`, then `$XDG_CONFIG_HOME/iso2rootfs` (`~/.config/iso2rootfs`). XDG has a relative path ignored. */
export function configDirectories(environment: NodeJS.ProcessEnv = process.env): string[] {
  const xdg = environment['XDG_CONFIG_HOME'];
  const base = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(environment['HOME'] ?? homedir(), '.config');
  return [SYSTEM_DIRECTORY, path.join(base, 'iso2rootfs')];
}

/** `config.yaml` of each, least weight first. */
export function configFiles(environment: NodeJS.ProcessEnv = process.env): string[] {
  return configDirectories(environment).map((directory) => path.join(directory, 'config.yaml'));
}

/** `distros.d` of each, least weight first: catalogue files of the site and the user. */
export function catalogDirectories(environment: NodeJS.ProcessEnv = process.env): string[] {
  return configDirectories(environment).map((directory) => path.join(directory, 'distros.d'));
}
