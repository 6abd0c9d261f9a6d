/** npm and the terminal may both deliver one Ctrl-C. */
const SAME_KEY_PRESS_MS = 300;

export type InterruptionResponse = 'clean-up' | 'say-that-it-runs' | 'leave' | 'nothing';

/**
 * What a signal means: the first one starts the clean-up. A second Ctrl-C says that it runs, the third leaves at once (the next run
 * cleans up after us then). SIGTERM and SIGHUP never cut the clean-up short: who is in earnest has SIGKILL.
 */
export class InterruptionCounter {
  #interrupts = 0;
  #isCleaningUp = false;
  #lastMs = -Infinity;

  count(signal: NodeJS.Signals, nowMs: number): InterruptionResponse {
    const isSame = nowMs - this.#lastMs < SAME_KEY_PRESS_MS;
    this.#lastMs = nowMs;
    if (!this.#isCleaningUp) {
      this.#isCleaningUp = true;
      return 'clean-up';
    }
    if (signal !== 'SIGINT' || isSame) return 'nothing';
    this.#interrupts += 1;
    return this.#interrupts === 1 ? 'say-that-it-runs' : 'leave';
  }
}
