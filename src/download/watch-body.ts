import { TransferError, type HttpAnswer } from './http.js';

export interface PaceOptions {
  /** Longest wait for the next byte. Default: 30 s. */
  readonly stallTimeoutMs?: number | undefined;
  /** A mirror that sends less is left when there is another. Default: 64 KiB/s. */
  readonly floorBytesPerSecond?: number | undefined;
  /** Over which time the rate is taken. Default: 30 s. */
  readonly windowMs?: number | undefined;
}

export class SlowMirrorError extends TransferError {
  constructor(bytesPerSecond: number) {
    super(`too slow (${(bytesPerSecond / 1024).toFixed(1)} KiB/s)`, false);
    this.name = 'SlowMirrorError';
  }
}

/**
 * The body of an answer, given up when nothing comes or too little. Only the time spent waiting for the network
 * counts: a slow disk of ours is not the server's fault.
 * @param mayLeave Whether there is a better place to go to than a slow server.
 * @throws TransferError, SlowMirrorError
 */
export async function* watchBody(
  answer: HttpAnswer,
  options: PaceOptions,
  mayLeave: () => boolean,
): AsyncGenerator<Buffer> {
  const stallTimeoutMs = options.stallTimeoutMs ?? 30_000;
  const floor = options.floorBytesPerSecond ?? 64 * 1024;
  const windowMs = options.windowMs ?? 30_000;
  let failure: TransferError | undefined;
  let waitingSince: number | undefined;
  let countedUntil = 0;
  let windowBytes = 0;
  let windowWaitedMs = 0;

  const checkPace = (): void => {
    if (waitingSince === undefined) return;
    const now = performance.now();
    windowWaitedMs += now - countedUntil;
    countedUntil = now;
    if (now - waitingSince >= stallTimeoutMs) {
      failure = new TransferError(`nothing came for ${stallTimeoutMs / 1000} s`, false);
    } else if (windowWaitedMs >= windowMs) {
      const rate = (windowBytes / windowWaitedMs) * 1000;
      if (rate < floor && mayLeave()) failure = new SlowMirrorError(rate);
      windowBytes = 0;
      windowWaitedMs = 0;
    }
    if (failure !== undefined) answer.close();
  };
  const timer = setInterval(checkPace, Math.min(500, stallTimeoutMs / 4, windowMs / 4));

  try {
    const chunks = answer.body[Symbol.asyncIterator]();
    for (;;) {
      waitingSince = countedUntil = performance.now();
      const next = await chunks.next();
      windowWaitedMs += performance.now() - countedUntil;
      waitingSince = undefined;
      if (failure !== undefined) throw failure;
      if (next.done === true) return;
      windowBytes += next.value.length;
      yield next.value;
    }
  } catch (error) {
    throw failure ?? error;
  } finally {
    clearInterval(timer);
    answer.close();
  }
}
