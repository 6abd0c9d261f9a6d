import { setTimeout as sleep } from 'node:timers/promises';
import { Iso2RootfsError } from '../errors.js';
import { TransferError } from './http.js';

export interface RetryOptions {
  /** Attempts after the first that may fail in a row without getting anywhere. Default: 8. */
  readonly retries?: number | undefined;
  /** First pause; it doubles each time. Default: 1 s. */
  readonly minDelayMs?: number | undefined;
  /** Longest pause of ours. Default: 60 s. */
  readonly maxDelayMs?: number | undefined;
}

/** Who asks us to stay away for longer than this is not waited for. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;

/** The server answered 429 or 5xx. */
export class ServerBusyError extends TransferError {
  constructor(
    readonly status: number,
    /** What its Retry-After asks for. */
    readonly retryAfterMs: number | undefined,
  ) {
    const isTooLong = (retryAfterMs ?? 0) > MAX_RETRY_AFTER_MS;
    const wish = isTooLong ? ` and asks to come back in ${Math.ceil((retryAfterMs ?? 0) / 60_000)} minutes` : '';
    super(`the server answered ${status}${wish}`, isTooLong);
    this.name = 'ServerBusyError';
  }
}

/**
 * Tries until it works, until {@link RetryOptions.retries} attempts in a row got nowhere, or until an error is permanent.
 * @param options.isFree Whether the failed attempt got somewhere: the next one follows at once, and counting begins anew.
 */
export async function retryTransfer<Result>(
  attempt: () => Promise<Result>,
  options: RetryOptions & { readonly signal?: AbortSignal | undefined; readonly isFree?: () => boolean },
): Promise<Result> {
  const { signal, isFree = () => false } = options;
  const maxDelayMs = options.maxDelayMs ?? 60_000;
  const abortable = signal === undefined ? {} : { signal };
  const { default: pRetry } = await import('p-retry');
  for (;;) {
    try {
      return await pRetry(attempt, {
        ...abortable,
        retries: options.retries ?? 8,
        minTimeout: Math.min(options.minDelayMs ?? 1000, maxDelayMs),
        maxTimeout: maxDelayMs,
        shouldRetry: ({ error }) => error instanceof TransferError && !error.isPermanent && !isFree(),
        onFailedAttempt: async ({ error, retriesLeft }) => {
          if (!(error instanceof ServerBusyError) || retriesLeft === 0 || isFree()) return;
          await sleep(error.retryAfterMs ?? 0, undefined, abortable);
        },
      });
    } catch (error) {
      if (!(error instanceof TransferError) || !isFree()) throw error;
    }
  }
}

/** Milliseconds that a Retry-After header asks for (RFC 9110, 10.2.3: seconds, or a date). */
export function parseRetryAfter(value: string | undefined, nowMs = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

export function networkError(message: string, cause?: unknown): Iso2RootfsError {
  return new Iso2RootfsError('NETWORK', message, {
    hint: 'Check the network and the proxy variables, and run the command again: what was fetched is kept.',
    cause,
  });
}
