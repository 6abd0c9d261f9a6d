/** What runs on this host, by proc(5). */
import { readdirSync, readFileSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  /** At most 15 bytes of its program's name. */
  readonly name: string;
  readonly parent: number;
  /** Of its process group. */
  readonly group: number;
  /** False: it has ended, and waits for its parent to notice. */
  readonly isAlive: boolean;
}

export function listProcesses(): Process[] {
  const processes: Process[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const found = readProcess(Number(entry));
    if (found !== undefined) processes.push(found);
  }
  return processes;
}

/** Undefined: there is none of that number any more. */
export function readProcess(pid: number): Process | undefined {
  try {
    // pid (comm) state ppid pgrp ... ; comm may hold anything, so look behind its last parenthesis.
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const end = status.lastIndexOf(')');
    const [state = '', parent, group] = status.slice(end + 2).split(' ');
    const name = status.slice(status.indexOf('(') + 1, end);
    return { pid, name, parent: Number(parent), group: Number(group), isAlive: state !== 'Z' && state !== 'X' };
  } catch {
    return undefined;
  }
}

/** QEMU, or one of its tools. */
export function isMachine({ name }: Process): boolean {
  return name.startsWith('qemu');
}
