import path from 'node:path';
import type { Emit } from '../events.js';
import type { Virsh } from '../tools/virsh.js';
import type { SocketLog } from './socket-log.js';

export interface FailedMachine {
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly virsh: Virsh;
  readonly domain: string;
  readonly diskPath: string;
  /** Where the socket is made that people attach to. */
  readonly mediaDirectory: string;
  readonly console: SocketLog | undefined;
}

const LOOK_INTERVAL_MS = 2000;
const NOTHING_TO_ATTACH_TO =
  'The machine has ended by itself: there is nothing to attach to. --keep-on-failure keeps its disk.';

/**
 * Leaves the domain of a failed installation to people who want to look into it, until the signal comes or the domain ends itself: an
 * installer may end its machine a while after it has failed.
 * @param message why it failed
 */
export async function leaveToPeople(machine: FailedMachine, message: string): Promise<void> {
  const { emit, signal, virsh, domain, diskPath, mediaDirectory, console } = machine;
  // A look that is interrupted has seen nothing.
  const isGone = async (): Promise<boolean> =>
    (await virsh.sample(domain).catch(() => undefined))?.state === 'gone' && !signal.aborted;
  emit({ type: 'warning', message });
  if (!(await isGone())) {
    const socketPath = path.join(mediaDirectory, 'attach.sock');
    await console?.openForPeople(socketPath);
    emit({
      type: 'notice',
      message:
        `The domain ${domain} is left running (virsh --connect ${virsh.uri} dominfo ${domain}), its disk is ${diskPath}. ` +
        `Its serial console: socat -,rawer,escape=0x1d UNIX-CONNECT:${socketPath} (leave with Ctrl-]). ` +
        'Interrupt this command (Ctrl-C) to end it.',
    });
    while (!signal.aborted && !(await isGone())) await pauseOrSignal(signal);
  }
  if (!signal.aborted) emit({ type: 'notice', message: NOTHING_TO_ATTACH_TO });
}

async function pauseOrSignal(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, LOOK_INTERVAL_MS);
    signal.addEventListener('abort', end, { once: true });
  });
}
