import { readFile, readdir } from 'node:fs/promises';

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

/** Ends the processes that a dead build has left behind, found by a variable of their environment: SIGINT, SIGTERM, SIGKILL with pauses. */
export async function endProcessesOf(name: string, value: string): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    const until = performance.now() + PAUSE_MS;
    let processes = await findProcesses(name, value);
    if (processes.length === 0) return;
    for (const pid of processes) send(pid, signal);
    while (processes.length > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      processes = await findProcesses(name, value);
    }
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ended meanwhile
  }
}
