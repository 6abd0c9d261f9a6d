import { readFile, readdir } from 'node:fs/promises';
import { isMachine, readProcess } from './processes.js';

const PAUSE_MS = 5000;

/** Ids of the processes whose environment has `NAME=value`. */
async function findProcesses(name: string, value: string): Promise<number[]> {
  const wanted = Buffer.from(`\0${name}=${value}\0`);
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      const environment = await readFile(`/proc/${entry}/environ`);
      if (Buffer.concat([Buffer.from('\0'), environment]).includes(wanted)) found.push(Number(entry));
    } catch {
      // ended meanwhile, or another user's
    }
  }
  return found;
}

/**
 * Ends the processes that a dead build has left behind, found by a variable of their environment: first its machines, so that what they
 * were started by cleans up behind them (see process-group.ts), then all: SIGINT, SIGTERM, SIGKILL with pauses.
 */
export async function endProcessesOf(name: string, value: string): Promise<void> {
  const machines = (await findProcesses(name, value)).filter(isMachineOf);
  for (const pid of machines) send(pid, 'SIGTERM');
  if (machines.length > 0) await areGoneSoon(name, value);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    for (const pid of await findProcesses(name, value)) send(pid, signal);
    if (await areGoneSoon(name, value)) return;
  }
}

function isMachineOf(pid: number): boolean {
  const found = readProcess(pid);
  return found !== undefined && isMachine(found);
}

async function areGoneSoon(name: string, value: string): Promise<boolean> {
  const until = performance.now() + PAUSE_MS;
  while ((await findProcesses(name, value)).length > 0) {
    if (performance.now() >= until) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return true;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ended meanwhile
  }
}
