import { totalmem } from 'node:os';
import { takeJobSlot } from '../store/job-slots.js';
import type { Context } from './context.js';
import type { Recipe } from './recipe.js';
import type { Answered } from './stages/answer.js';
import type { Workspace } from './workspace.js';

/** An appliance of libguestfs, after the installation. */
const APPLIANCE_BYTES = 1.3 * 1024 ** 3;
/** The rest is for QEMU itself, the page cache and whatever else the host does. */
const MEMORY_SHARE = 0.8;

const haveTurn = new WeakSet<Workspace>();

/** Waits until the host has room for another conversion; the build keeps its turn until it ends. */
export async function awaitTurn({ jobs, sizes }: Recipe & Answered, context: Context): Promise<void> {
  const { store, workspace, signal, emit } = context;
  // Who has a turn must not wait for itself.
  if (haveTurn.has(workspace)) return;
  haveTurn.add(workspace);
  const slot = await takeJobSlot(store.layout.slots, {
    limit: jobs ?? Infinity,
    memoryBytes: Math.max(sizes.memoryMiB * 1024 ** 2, APPLIANCE_BYTES),
    memoryLimitBytes: totalmem() * MEMORY_SHARE,
    signal,
    onWait: ({ running, waitingBefore }) =>
      emit({
        type: 'notice',
        message: `Waiting for a turn: ${running} conversion(s) run with this cache${waitingBefore > 0 ? `, and ${waitingBefore} wait already` : ''} (--jobs, or the memory of this host, allows no more at once).`,
      }),
  });
  workspace.keepLock(slot);
}
