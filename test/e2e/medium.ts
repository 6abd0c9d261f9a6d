/** Stand-in install media of test/medium. */
import path from 'node:path';
import { run } from '../../src/tools/run.js';

const SCRIPT = path.resolve(import.meta.dirname, '../medium/build-medium.sh');
/** The first medium on a machine takes minutes: two Debian root file systems are made. */
const TIMEOUT_MS = 20 * 60_000;

/** Makes a medium; `failure`, `family` and `initrd` as build-medium.sh has them. */
export async function makeMedium(
  file: string,
  failure = 'none',
  family = 'anaconda',
  initrd = 'initramfs-tools',
): Promise<string> {
  await run('bash', [SCRIPT, '--output', file, '--failure', failure, '--family', family, '--initrd', initrd], {
    timeoutMs: TIMEOUT_MS,
    env: {
      HOME: process.env['HOME'] ?? '/root',
      ...(process.env['XDG_CACHE_HOME'] === undefined ? {} : { XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] }),
    },
  });
  return file;
}
