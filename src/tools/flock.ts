import { Iso2RootfsError } from '../errors.js';
import { start, type RunningProgram } from './run.js';

/** Exit status that flock(1) is told to use for "held by another". */
const CONFLICT = 75;

export interface FileLock {
  release(): Promise<void>;
}

/**
 * Takes an exclusive lock on a file. A child process holds it and ends when its stdin does, so that the kernel releases the lock
 * even when this process is killed.
 * @param wait true: wait for the other holder; false: return undefined at once when there is one.
 */
export async function lockFile(
  file: string,
  options: { readonly wait: boolean; readonly signal?: AbortSignal | undefined },
): Promise<FileLock | undefined> {
  const holder = await start(
    'flock',
    [
      ...(options.wait ? [] : ['--nonblock', '--conflict-exit-code', String(CONFLICT)]),
      '--no-fork',
      '--exclusive',
      file,
      'sh',
      '-c',
      'echo locked; exec cat',
    ],
    // Not ended by the build's signal: the lock must outlive the clean-up that an abort starts.
    { stdin: 'pipe', stdout: 'stream', allowedStatuses: [0, CONFLICT], reason: 'lock the cache' },
  );
  const stopWaiting = (): void => void holder.stop();
  options.signal?.addEventListener('abort', stopWaiting, { once: true });
  const isLocked = await firstOutput(holder);
  options.signal?.removeEventListener('abort', stopWaiting);
  if (options.signal?.aborted === true) {
    await holder.stop();
    options.signal.throwIfAborted();
  }
  if (isLocked) {
    return {
      release: async () => {
        holder.stdin?.end();
        await holder.done.catch(() => undefined);
      },
    };
  }
  const { exitStatus } = await holder.done;
  if (exitStatus === CONFLICT) return undefined;
  throw new Iso2RootfsError('LOCKED', `the lock ${file} could not be taken`, {
    hint: 'Another iso2rootfs holds it: wait for it, or look for it with ps.',
  });
}

async function firstOutput(holder: RunningProgram): Promise<boolean> {
  const { stdout } = holder;
  if (stdout === null) return false;
  return new Promise((resolve) => {
    stdout.once('data', () => {
      stdout.resume();
      resolve(true);
    });
    stdout.once('end', () => resolve(false));
    stdout.once('error', () => resolve(false));
  });
}
