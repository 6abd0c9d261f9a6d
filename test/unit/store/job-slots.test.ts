import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { takeJobSlot, type JobRequest } from '../../../src/store/job-slots.js';

const GIB = 1024 ** 3;
const MODULE = pathToFileURL(path.resolve(import.meta.dirname, '../../../src/store/job-slots.ts')).href;

describe('takeJobSlot', () => {
  let directory: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'job-slots-'))));
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await rm(directory, { recursive: true });
  });

  const request = (change: Partial<JobRequest> = {}): JobRequest => ({
    limit: 2,
    memoryBytes: GIB,
    memoryLimitBytes: 16 * GIB,
    ...change,
  });

  /** Resolves when the one that asks has something to wait for. */
  function whenWaiting(change: Partial<JobRequest> = {}): {
    readonly slot: ReturnType<typeof takeJobSlot>;
    readonly waits: Promise<{ readonly running: number; readonly waitingBefore: number }>;
  } {
    let say: (state: { running: number; waitingBefore: number }) => void = () => undefined;
    const waits = new Promise<{ running: number; waitingBefore: number }>((resolve) => (say = resolve));
    const slot = takeJobSlot(directory, request({ onWait: (state) => say(state), ...change }));
    slot.catch(() => undefined);
    return { slot, waits };
  }

  /** A process of its own that has a slot and keeps it. */
  async function startHolder(): Promise<ChildProcess> {
    const script = `import { takeJobSlot } from '${MODULE}';
      await takeJobSlot(process.argv[1], ${JSON.stringify(request({ limit: 1 }))});
      process.send('running'); setInterval(() => {}, 1e6);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, directory], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    children.push(child);
    await once(child, 'message');
    return child;
  }

  it('lets run so many at once as the limit says, and the others in the order in which they came', async () => {
    const order: number[] = [];
    let most = 0;
    let running = 0;
    const jobs: Promise<void>[] = [];
    let secondRuns: () => void = () => undefined;
    const whenSecondRuns = new Promise<void>((resolve) => (secondRuns = resolve));
    for (let number = 0; number < 6; number += 1) {
      const { slot, waits } = whenWaiting();
      jobs.push(
        slot.then(async (taken) => {
          order.push(number);
          most = Math.max(most, (running += 1));
          if (number === 1) secondRuns();
          // At once with the first, however slow this machine is.
          await (number === 0 ? whenSecondRuns : sleep(30));
          running -= 1;
          await taken.release();
        }),
      );
      // The order of coming is that of the tickets.
      await Promise.race([slot, waits]);
    }
    await Promise.all(jobs);
    expect(order).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(most).to.equal(2);
    expect(await readdir(path.join(directory, 'running'))).to.deep.equal([]);
    expect(await readdir(path.join(directory, 'queue'))).to.deep.equal([]);
  });

  it('tells what it waits for', async () => {
    const first = await takeJobSlot(directory, request({ limit: 1 }));
    const second = whenWaiting({ limit: 1 });
    expect(await second.waits).to.deep.equal({ running: 1, waitingBefore: 0 });
    const third = whenWaiting({ limit: 1 });
    expect(await third.waits).to.deep.equal({ running: 1, waitingBefore: 1 });
    await first.release();
    await (await second.slot).release();
    await (await third.slot).release();
  });

  it('counts memory: what does not fit waits, and what never fits runs alone', async () => {
    const small = await takeJobSlot(directory, request({ memoryBytes: 10 * GIB }));
    const large = whenWaiting({ memoryBytes: 32 * GIB });
    await large.waits;
    await small.release();
    const alone = await large.slot;
    const next = whenWaiting({ memoryBytes: GIB });
    await next.waits;
    await alone.release();
    await (await next.slot).release();
  });

  it('passes on the turn of one that gives up', async () => {
    const first = await takeJobSlot(directory, request({ limit: 1 }));
    const impatience = new AbortController();
    const second = whenWaiting({ limit: 1, signal: impatience.signal });
    await second.waits;
    const third = whenWaiting({ limit: 1 });
    await third.waits;
    impatience.abort(new Error('enough'));
    const failure: unknown = await second.slot.then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).to.have.property('message', 'enough');
    await first.release();
    await (await third.slot).release();
    expect(await readdir(path.join(directory, 'queue'))).to.deep.equal([]);
  });

  it('takes the slot of a process that was killed', async () => {
    const holder = await startHolder();
    const waiter = whenWaiting({ limit: 1 });
    expect(await waiter.waits).to.deep.equal({ running: 1, waitingBefore: 0 });
    holder.kill('SIGKILL');
    await (await waiter.slot).release();
    expect(await readdir(path.join(directory, 'running'))).to.deep.equal([]);
  });
});
