/** Whether a machine does anything: what it prints, reads, writes, sends and computes. */

/** Counters since the machine was started. */
export interface ActivitySample {
  readonly blockBytes: number;
  readonly netBytes: number;
  /** Of all virtual CPUs together, in nanoseconds. */
  readonly cpuTimeNs: number;
}

export interface ActivityOptions {
  /** Below this share of one CPU a machine is idle: timer ticks alone cost one to three percent under TCG. Default: 0.05. */
  readonly idleCpuShare?: number;
}

/** Less than this, even over minutes, is a daemon that writes its log, or ARP. */
const BLOCK_STEP_BYTES = 256 * 1024;
const NET_STEP_BYTES = 64 * 1024;
/** A share of CPU time is taken over this long, so that a spike is not taken for work. */
const CPU_WINDOW_MS = 10_000;

interface TimedSample extends ActivitySample {
  readonly at: number;
}

export class ActivityMonitor {
  readonly #idleCpuShare: number;
  #samples: TimedSample[] = [];
  #reference: TimedSample | undefined;
  #lastActiveAt: number;
  #lastMovedAt: number;

  constructor(now: number, options: ActivityOptions = {}) {
    this.#idleCpuShare = options.idleCpuShare ?? 0.05;
    this.#lastActiveAt = now;
    this.#lastMovedAt = now;
  }

  /** When something last happened, in the clock's milliseconds. */
  get lastActiveAt(): number {
    return this.#lastActiveAt;
  }

  /** When it last did something that a kernel which hangs does not: it read, wrote or sent, or its installer said something new. */
  get lastMovedAt(): number {
    return this.#lastMovedAt;
  }

  /** Something else proves that the machine is alive: new text on its console. */
  markActive(now: number): void {
    this.#lastActiveAt = Math.max(this.#lastActiveAt, now);
  }

  /** New text that is the installer's. */
  markMoved(now: number): void {
    this.markActive(now);
    this.#lastMovedAt = Math.max(this.#lastMovedAt, now);
  }

  addSample(sample: ActivitySample, now: number): void {
    const timed = { ...sample, at: now };
    this.#samples.push(timed);
    while ((this.#samples[1]?.at ?? now) <= now - CPU_WINDOW_MS) this.#samples.shift();
    const reference = (this.#reference ??= timed);
    const hasMoved =
      Math.abs(sample.blockBytes - reference.blockBytes) >= BLOCK_STEP_BYTES ||
      Math.abs(sample.netBytes - reference.netBytes) >= NET_STEP_BYTES;
    if (hasMoved) {
      this.markMoved(now);
      this.#reference = timed;
    }
    if (this.#cpuShareSince(now - CPU_WINDOW_MS) >= this.#idleCpuShare) this.markActive(now);
  }

  /**
   * True when the last `windowMs` look like a machine that waits: some CPU is tolerated, transfers are not. Also true when
   * no samples are known.
   */
  isResting(now: number, windowMs: number, cpuShare = 0.25): boolean {
    const first = this.#sampleBefore(now - windowMs);
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || first === last) return this.#samples.length === 0;
    return (
      last.blockBytes - first.blockBytes < 1024 * 1024 &&
      last.netBytes - first.netBytes < NET_STEP_BYTES &&
      this.#cpuShareSince(now - windowMs) < cpuShare
    );
  }

  #sampleBefore(time: number): TimedSample | undefined {
    return this.#samples.findLast((sample) => sample.at <= time) ?? this.#samples[0];
  }

  #cpuShareSince(time: number): number {
    const first = this.#sampleBefore(time);
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined) return 0;
    const elapsedMs = last.at - first.at;
    return elapsedMs < 2000 ? 0 : (last.cpuTimeNs - first.cpuTimeNs) / 1e6 / elapsedMs;
  }
}
