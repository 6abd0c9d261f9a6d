import { Iso2RootfsError } from '../errors.js';

/** setTimeout() takes no longer delay: it would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface WatchdogLimits {
  readonly timeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
}

/** Ends a program that runs or stays silent for too long. */
export class Watchdog {
  readonly #timers: NodeJS.Timeout[] = [];
  #lastOutput = performance.now();

  /** @param isWaitingForUs whether the program cannot write because we do not read: then its silence is ours. */
  constructor(program: string, limits: WatchdogLimits, isWaitingForUs: () => boolean, end: (error: Error) => void) {
    const { timeoutMs, idleTimeoutMs } = limits;
    if (timeoutMs !== undefined) {
      this.#timers.push(
        setTimeout(
          () => {
            end(new Iso2RootfsError('TIMEOUT', `${program} did not finish within ${timeoutMs / 1000} s`));
          },
          Math.min(timeoutMs, LONGEST_TIMER_MS),
        ),
      );
    }
    if (idleTimeoutMs !== undefined) {
      this.#timers.push(
        setInterval(
          () => {
            if (isWaitingForUs()) this.touch();
            if (performance.now() - this.#lastOutput < idleTimeoutMs) return;
            end(new Iso2RootfsError('STALLED', `${program} has been silent for ${idleTimeoutMs / 1000} s`));
          },
          Math.min(1000, idleTimeoutMs),
        ),
      );
    }
  }

  touch(): void {
    this.#lastOutput = performance.now();
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
