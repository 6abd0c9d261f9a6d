import { networkError, parseRetryAfter, retryTransfer, ServerBusyError, type RetryOptions } from './retry.js';
import { openUrl, TransferError, withoutCredentials, type NetworkOptions } from './http.js';

const MAX_BYTES = 4 * 1024 * 1024;

export interface SmallFile {
  readonly body: Buffer;
  /** After redirects, without credentials. */
  readonly url: string;
}

/**
 * Fetches a file of at most 4 MiB into memory.
 * @returns undefined when the server does not have it, or does not give it to us (4xx).
 * @throws Iso2RootfsError NETWORK
 */
export async function fetchSmallFile(
  url: string,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly network?: NetworkOptions;
    readonly retry?: RetryOptions;
  },
): Promise<SmallFile | undefined> {
  const { signal } = options;
  const retry = { retries: 3, ...options.retry };
  try {
    return await retryTransfer(() => fetchOnce(url, { ...options.network, signal }), { ...retry, signal });
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    throw networkError(`${withoutCredentials(url)}: ${error.message}`, error);
  }
}

async function fetchOnce(
  url: string,
  options: NetworkOptions & { readonly signal: AbortSignal | undefined },
): Promise<SmallFile | undefined> {
  const answer = await openUrl(url, {}, options);
  try {
    const { status } = answer;
    if (status === 429 || status >= 500) {
      throw new ServerBusyError(status, parseRetryAfter(answer.headers['retry-after']));
    }
    if (status >= 400) return undefined;
    if (status !== 200) throw new TransferError(`the server answered ${status}`, true);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body) {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) throw new TransferError('the file is far too big for what it should be', true);
      chunks.push(chunk);
    }
    return { body: Buffer.concat(chunks), url: answer.url };
  } finally {
    answer.close();
  }
}
