import { homedir } from 'node:os';
import path from 'node:path';

/** Where users keep catalogue files of their own, in the order in which they are read. */
export function catalogDirectories(environment: NodeJS.ProcessEnv = process.env): string[] {
  const xdg = environment['XDG_CONFIG_HOME'];
  const own = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(homedir(), '.config');
  return ['/etc/iso2rootfs/distros.d', path.join(own, 'iso2rootfs', 'distros.d')];
}
