import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { lockFile, type FileLock } from '../tools/flock.js';
import { namesIn, readJson } from './files.js';

/**
 * How many conversions run at once on this host, whichever processes they belong to:
 *
 * ```
 * <store>/slots/tickets.lock     held while a number is drawn
 *               queue/<number>   locked by who waits; its successor waits for that lock
 *               running/<name>   locked by who runs: {"memoryBytes": ...}
 * ```
 *
 * Strictly first come, first served. All that counts is locks, which the kernel releases when a process dies, however it dies: the files
 * of the dead are removed by who comes upon them.
 */
export interface JobRequest {
  /** Most jobs at once. */
  readonly limit: number;
  /** What this one takes. */
  readonly memoryBytes: number;
  /** What all together may take. A job that alone takes more runs alone. */
  readonly memoryLimitBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when there is something to wait for. */
  readonly onWait?: ((state: { readonly running: number; readonly waitingBefore: number }) => void) | undefined;
}

/**
 * Waits until this job may run.
 * @param directory made when it is missing
 * @returns release it when the job has ended
 * @throws the reason of the signal
 */
export async function takeJobSlot(directory: string, request: JobRequest): Promise<FileLock> {
  const { signal } = request;
  const queue = path.join(directory, 'queue');
  const running = path.join(directory, 'running');
  for (const needed of [queue, running]) await mkdir(needed, { recursive: true, mode: 0o700 });
  const ticket = await drawTicket(directory, queue, signal);
  try {
    let hasSaid = false;
    const say = async (waitingBefore: number): Promise<void> => {
      if (hasSaid || request.onWait === undefined) return;
      hasSaid = true;
      request.onWait({ running: (await namesIn(running)).length, waitingBefore });
    };
    await awaitTurn(queue, ticket.number, say, signal);
    await awaitRoom(running, request, async () => say(0));
    return await startRunning(path.join(running, ticket.name), request.memoryBytes);
  } finally {
    // The next one in the queue sees us running before it sees us gone.
    await ticket.release();
  }
}

interface Ticket extends FileLock {
  readonly number: number;
  readonly name: string;
}

async function drawTicket(directory: string, queue: string, signal: AbortSignal | undefined): Promise<Ticket> {
  const drawing = await waitForLock(path.join(directory, 'tickets.lock'), { signal });
  try {
    const number = Math.max(0, ...(await ticketsIn(queue))) + 1;
    const file = path.join(queue, String(number));
    const lock = await waitForLock(file, {});
    // Numbers begin anew when the queue is empty, while jobs of the old ones still run.
    return { number, name: `${number}-${process.pid}-${Date.now()}`, release: async () => removeLocked(file, lock) };
  } finally {
    await drawing.release();
  }
}

async function ticketsIn(queue: string): Promise<number[]> {
  return (await namesIn(queue)).filter((name) => /^\d+$/.test(name)).map(Number);
}

async function awaitTurn(
  queue: string,
  own: number,
  say: (waitingBefore: number) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    const before = (await ticketsIn(queue)).filter((number) => number < own);
    if (before.length === 0) return;
    const file = path.join(queue, String(Math.max(...before)));
    let lock = await lockFile(file, { wait: false, isShared: true, signal });
    if (lock === undefined) {
      await say(before.length);
      lock = await waitForLock(file, { isShared: true, signal });
    }
    // It runs, has given up, or died.
    await removeLocked(file, lock);
  }
}

interface RunningJob {
  readonly file: string;
  readonly memoryBytes: number;
}

/** Only the first in the queue starts jobs: what runs can become less meanwhile, not more. */
async function awaitRoom(running: string, request: JobRequest, say: () => Promise<void>): Promise<void> {
  const { limit, memoryBytes, memoryLimitBytes, signal } = request;
  for (;;) {
    const jobs = await findRunning(running, signal);
    const takenBytes = jobs.reduce((sum, job) => sum + job.memoryBytes, 0);
    if (jobs.length === 0 || (jobs.length < limit && takenBytes + memoryBytes <= memoryLimitBytes)) return;
    await say();
    await awaitAny(
      jobs.map(({ file }) => file),
      signal,
    );
  }
}

async function findRunning(running: string, signal: AbortSignal | undefined): Promise<RunningJob[]> {
  const jobs: RunningJob[] = [];
  for (const name of await namesIn(running)) {
    const file = path.join(running, name);
    const lock = await lockFile(file, { wait: false, isShared: true, signal });
    if (lock !== undefined) {
      await removeLocked(file, lock);
      continue;
    }
    const content = await readJson(file);
    const hasMemory = typeof content === 'object' && content !== null && 'memoryBytes' in content;
    jobs.push({ file, memoryBytes: hasMemory ? Number(content.memoryBytes) : 0 });
  }
  return jobs;
}

/** Waits until one of the locks is free. */
async function awaitAny(files: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const ending = new AbortController();
  const either = signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]);
  const waits = files.map(async (file) => {
    const lock = await waitForLock(file, { isShared: true, signal: either });
    await removeLocked(file, lock);
  });
  try {
    await Promise.race(waits);
  } finally {
    ending.abort(new Error('another one has ended'));
    await Promise.allSettled(waits);
  }
}

async function startRunning(file: string, memoryBytes: number): Promise<FileLock> {
  await writeFile(file, JSON.stringify({ memoryBytes }), { mode: 0o600 });
  const lock = await waitForLock(file, {});
  return { release: async () => removeLocked(file, lock) };
}

async function removeLocked(file: string, lock: FileLock): Promise<void> {
  await rm(file, { force: true });
  await lock.release();
}

async function waitForLock(
  file: string,
  options: { readonly isShared?: boolean; readonly signal?: AbortSignal | undefined },
): Promise<FileLock> {
  const lock = await lockFile(file, { wait: true, ...options });
  if (lock === undefined) throw new Error('unreachable: a waiting lock is always taken');
  return lock;
}
