import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Iso2RootfsError } from '../errors.js';
import { start, type RunningProgram } from './run.js';

/** Exit status that flock(1) is told to use for "held by another". */
const CONFLICT = 75;

export interface FileLock {
  release(): Promise<void>;
}

export interface LockOptions {
  /** True: wait for the other holder; false: give up at once when there is one. */
  readonly wait: boolean;
  /** True: any number of holders at once, but none beside an exclusive one. Default: exclusive. */
  readonly isShared?: boolean;
  /** Ends the waiting; a lock that is held outlives it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes a lock on a file, which is made when it is missing. A child process holds it and ends when its stdin does, so that the kernel
 * releases the lock even when this process is killed.
 * @returns undefined only with `wait: false`, when another holds it
 * @throws the system error when the file can be neither opened nor made; Iso2RootfsError LOCKED
 */
export async function lockFile(file: string, options: LockOptions): Promise<FileLock | undefined> {
  // flock(1) would make it too, but not say what was wrong in a form that we could tell apart.
  await (await open(file, constants.O_RDONLY | constants.O_CREAT, 0o644)).close();
  const holder = await start(
    'flock',
    [
      ...(options.wait ? [] : ['--nonblock', '--conflict-exit-code', String(CONFLICT)]),
      '--no-fork',
      options.isShared === true ? '--shared' : '--exclusive',
      file,
      'cat',
    ],
    // Not ended by the build's signal: the lock must outlive the clean-up that an abort starts.
    { stdin: 'pipe', stdout: 'stream', allowedStatuses: [0, CONFLICT], reason: 'lock the cache' },
  );
  // It comes back once the lock is held.
  holder.stdin?.write('locked\n');
  const stopWaiting = (): void => void holder.stop();
  options.signal?.addEventListener('abort', stopWaiting, { once: true });
  // It may have been aborted while flock was started: then the event is past.
  if (options.signal?.aborted === true) stopWaiting();
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
