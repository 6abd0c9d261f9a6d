/** Over which a rate is the average: long enough to stand still, short enough to follow. */
const WINDOW_MS = 5000;
/** A rate of less time than this is noise. */
const LEAST_MS = 500;

/** Measures how fast a counter grows. */
export class RateMeter {
  #samples: { readonly done: number; readonly atMs: number }[] = [];

  add(done: number, nowMs: number): void {
    const last = this.#samples.at(-1);
    // A counter that goes back has begun anew.
    if (last !== undefined && done < last.done) this.#samples = [];
    this.#samples.push({ done, atMs: nowMs });
    while (this.#samples.length > 2 && nowMs - (this.#samples[1]?.atMs ?? nowMs) >= WINDOW_MS) this.#samples.shift();
  }

  /** Per second, or undefined where it is not known. Falls when nothing comes any more. */
  rate(nowMs: number): number | undefined {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || nowMs - first.atMs < LEAST_MS) return undefined;
    return ((last.done - first.done) * 1000) / (nowMs - first.atMs);
  }
}
