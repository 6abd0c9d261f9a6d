import type { Readable } from 'node:stream';
import { systemErrorCode } from '../errors.js';
import { isMachine, listProcesses, type Process } from './processes.js';

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

  /**
   * Ends all its processes: the machines that the leader has started, then all by SIGINT, SIGTERM, SIGKILL. Resolves when none is left.
   *
   * A program that uses libguestfs removes what that has in /tmp when it ends by itself, as it does without its appliance, but not when a
   * signal ends it.
   */
  end(): Promise<void> {
    this.#ending ??= this.#endMachines().then(() => this.#endStepByStep(['SIGINT', 'SIGTERM', 'SIGKILL']));
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

  async #endMachines(): Promise<void> {
    if (!this.#send(0)) return;
    // virt-sparsify has its machine in another group.
    const machines = listProcesses().filter(
      (found) =>
        found.isAlive &&
        isMachine(found) &&
        found.pid !== this.pid &&
        (found.parent === this.pid || found.group === this.pid),
    );
    for (const { pid } of machines) {
      try {
        process.kill(pid, 'SIGTERM');
      } catch {
        // it ended while we looked
      }
    }
    if (machines.length > 0) await this.#isEmptySoon();
  }

  async #endStepByStep(signals: readonly NodeJS.Signals[]): Promise<void> {
    for (const signal of signals) {
      if (!this.#send(signal) || (await this.#isEmptySoon())) return;
    }
  }

  async #isEmptySoon(): Promise<boolean> {
    const until = performance.now() + this.signalPauseMs;
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (!this.#send(0)) return true;
    }
    return false;
  }

  /** False when no process of the group is left. From then on its number may be somebody else's: nothing is sent any more. */
  #send(signal: NodeJS.Signals | 0): boolean {
    if (this.#isEmpty) return false;
    try {
      process.kill(-this.pid, signal);
      this.#isEmpty = livingMembers(this.pid).length === 0;
    } catch (error) {
      this.#isEmpty = systemErrorCode(error) === 'ESRCH';
    }
    return !this.#isEmpty;
  }
}

/** kill(2) also finds processes that are dead and wait for a parent to notice: the first process of a container may never do so. */
function livingMembers(group: number): Process[] {
  return listProcesses().filter((member) => member.group === group && member.isAlive);
}
