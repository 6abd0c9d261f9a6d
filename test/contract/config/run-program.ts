import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';

export const ROOT = path.resolve(import.meta.dirname, '../../..');

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Running = ChildProcessByStdio<Writable, Readable, Readable>;

/** Without the user's own settings and variables. */
export function environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, XDG_CONFIG_HOME: '/nonexistent', ...extra };
}

export function start(script: string, args: readonly string[] = [], extra: NodeJS.ProcessEnv = {}): Running {
  return spawn(process.execPath, ['--import', 'tsx', path.join(ROOT, script), ...args], {
    cwd: ROOT,
    env: environment(extra),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

export async function ended(program: Running): Promise<Ended> {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    program[name].setEncoding('utf8').on('data', (part: string) => (texts[name] += part));
  }
  const [status] = (await once(program, 'close')) as [number | null];
  return { status, ...texts };
}

/** `iso2rootfs ARGS` from the sources. */
export async function iso2rootfs(args: readonly string[], extra: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const program = start('bin/dev.js', args, extra);
  program.stdin.end();
  return ended(program);
}
