/**
 * To be loaded before a program (`node --import tsx --import ./die-at-step.ts`): the process kills itself by SIGKILL just before its n-th
 * change of the file system. The real functions do the rest, on a real file system.
 *
 *     DIE_AT_STEP=3        the third step is not done any more; 0: never, and the number of steps is printed at the end
 *     DIE_BELOW=DIRECTORY  only steps on paths below it count
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const fatalStep = Number(process.env['DIE_AT_STEP'] ?? 0);
const below = process.env['DIE_BELOW'] ?? '';
let steps = 0;

function step(name: Changing, target: unknown, flags: unknown): void {
  if (!String(target).startsWith(below)) return;
  // What changes nothing is the same step as what comes next.
  if (name === 'mkdir' && fs.existsSync(String(target))) return;
  if (name === 'open' && (flags === 'r' || flags === undefined)) return;
  steps += 1;
  if (steps === fatalStep) process.kill(process.pid, 'SIGKILL');
}

type Changing = 'mkdir' | 'rename' | 'rm' | 'rmdir' | 'writeFile' | 'link' | 'utimes' | 'open';
const names: readonly Changing[] = ['mkdir', 'rename', 'rm', 'rmdir', 'writeFile', 'link', 'utimes', 'open'];
const promises = fs.promises as unknown as Record<Changing, (target: unknown, ...rest: unknown[]) => Promise<unknown>>;
for (const name of names) {
  const real = promises[name].bind(fs.promises);
  promises[name] = async (target, ...rest) => {
    step(name, target, rest[0]);
    return real(target, ...rest);
  };
}
syncBuiltinESMExports();

process.on('exit', () => process.stdout.write(`steps ${steps}\n`));
