import { readdirSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { systemErrorCode } from '../errors.js';

const POLL_MS = 50;
/** What a program leaves running behind it may still write for this long; then it is ended. */
const LEFTOVER_PAUSE_MS = 500;

/** The process group that a started program leads. */
export class ProcessGroup {
  #isEmpty = false;
  #ending: Promise<void> | undefined;

  /** @param signalPauseMs how long each of SIGINT and SIGTERM may take before the next one. */
  constructor(
    private readonly pid: number,
    private readonly signalPauseMs: number,
  ) {}

  /** Ends all its processes: SIGINT, SIGTERM, SIGKILL. Resolves when none is left. */
  end(): Promise<void> {
    this.#ending ??= this.#endStepByStep(['SIGINT', 'SIGTERM', 'SIGKILL']);
    return this.#ending;
  }

  /**
   * To be called when the leader has ended. Its children that are still there are ended after a short while; a pipe that even
   * then stays open (in the hands of a daemon that left the group) is closed, unless it is we who do not read it.
   */
  endLeftovers(pipes: readonly Readable[]): void {
    const isOpen = (pipe: Readable): boolean => !pipe.destroyed && !pipe.readableEnded;
    if (!this.#send(0) && !pipes.some(isOpen)) return;
    const heard = new Set<Readable>();
    for (const pipe of pipes) pipe.on('data', () => heard.add(pipe));
    const timer = setInterval(() => {
      if (this.#send(0)) {
        // A shell's background jobs ignore SIGINT.
        this.#ending ??= this.#endStepByStep(['SIGTERM', 'SIGKILL']);
        return;
      }
      for (const pipe of pipes) if (!heard.has(pipe) && !pipe.isPaused()) pipe.destroy();
      heard.clear();
      if (!pipes.some(isOpen)) clearInterval(timer);
    }, LEFTOVER_PAUSE_MS);
    timer.unref();
  }

  async #endStepByStep(signals: readonly NodeJS.Signals[]): Promise<void> {
    for (const signal of signals) {
      if (!this.#send(signal)) return;
      const until = performance.now() + this.signalPauseMs;
      while (performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        if (!this.#send(0)) return;
      }
    }
  }

  /** False when no process of the group is left. From then on its number may be somebody else's: nothing is sent any more. */
  #send(signal: NodeJS.Signals | 0): boolean {
    if (this.#isEmpty) return false;
    try {
      process.kill(-this.pid, signal);
      this.#isEmpty = !hasLivingMember(this.pid);
    } catch (error) {
      this.#isEmpty = systemErrorCode(error) === 'ESRCH';
    }
    return !this.#isEmpty;
  }
}

/** kill(2) also finds processes that are dead and wait for a parent to notice: the first process of a container may never do so. */
function hasLivingMember(group: number): boolean {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // proc(5): pid (comm) state ppid pgrp ... ; comm may hold anything, so look behind its last parenthesis.
      const status = readFileSync(`/proc/${name}/stat`, 'latin1');
      const [state, , memberOf] = status.slice(status.lastIndexOf(')') + 2).split(' ');
      if (Number(memberOf) === group && state !== 'Z' && state !== 'X') return true;
    } catch {
      // it ended while we looked
    }
  }
  return false;
}
