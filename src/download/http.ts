/** The only module that speaks HTTP: one request at a time, nothing retried, nothing decoded. */
import https from 'node:https';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { BeforeRedirectHook, Response } from 'got';
import { Iso2RootfsError, systemErrorCode } from '../errors.js';
import { proxyFor, requestThroughProxy, requestThroughTunnel } from './proxy.js';

const MAX_REDIRECTS = 10;

export interface NetworkOptions {
  /** Where the proxy variables are read from. Default: the environment of this process. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Longest wait for a connection and for the TLS handshake. Default: 30 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** Longest wait for the first byte of an answer. Default: 60 s. */
  readonly responseTimeoutMs?: number | undefined;
  /** PEM certificates to trust instead of the system's. */
  readonly certificateAuthority?: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** After redirects, without credentials. */
  readonly url: string;
  /** The bytes as they came over the wire. */
  readonly body: AsyncIterable<Buffer>;
  /** Drops the connection. */
  close(): void;
}

/** A request that got no answer, or whose answer broke off. */
export class TransferError extends Error {
  constructor(
    message: string,
    /** Asking again cannot help: a bad certificate, a redirect loop. */
    readonly isPermanent: boolean,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = 'TransferError';
  }
}

/**
 * Sends a GET request and waits for the head of the answer, whatever its status.
 * @throws TransferError
 */
export async function openUrl(
  url: string,
  headers: Readonly<Record<string, string>>,
  options: NetworkOptions & { readonly signal?: AbortSignal | undefined },
): Promise<HttpAnswer> {
  const { signal } = options;
  // Loaded only when something is asked of the network.
  const { got } = await import('got');
  signal?.throwIfAborted();
  const stream = got.stream(url, {
    headers: { 'accept-encoding': 'identity', 'user-agent': 'iso2rootfs', ...headers },
    decompress: false,
    throwHttpErrors: false,
    retry: { limit: 0 },
    maxRedirects: MAX_REDIRECTS,
    timeout: {
      connect: options.connectTimeoutMs ?? 30_000,
      secureConnect: options.connectTimeoutMs ?? 30_000,
      response: options.responseTimeoutMs ?? 60_000,
    },
    hooks: { beforeRedirect: [refuseDowngrade] },
    ...(options.certificateAuthority === undefined
      ? {}
      : { https: { certificateAuthority: options.certificateAuthority } }),
    request: (target, native) => {
      const proxy = proxyFor(target, options.environment ?? process.env);
      // Undefined: got asks the server itself.
      if (proxy === undefined) return undefined;
      const requestOptions = native as https.RequestOptions;
      return target.protocol === 'https:'
        ? requestThroughTunnel(proxy, target, requestOptions, signal)
        : requestThroughProxy(proxy, target, requestOptions);
    },
  });
  // Errors are met where they matter: while waiting for the head, and while reading the body.
  stream.on('error', () => undefined);
  const abort = (): void => void stream.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  const close = (): void => {
    signal?.removeEventListener('abort', abort);
    stream.destroy();
  };
  try {
    const [response] = (await once(stream, 'response', signal === undefined ? {} : { signal })) as [Response];
    return {
      status: response.statusCode,
      headers: response.headers,
      url: withoutCredentials(response.url),
      body: readBody(stream, signal),
      close,
    };
  } catch (error) {
    close();
    signal?.throwIfAborted();
    throw toTransferError(error);
  }
}

async function* readBody(stream: AsyncIterable<unknown>, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    signal?.throwIfAborted();
    throw toTransferError(error);
  }
  // A destroyed stream may simply end.
  signal?.throwIfAborted();
}

const refuseDowngrade: BeforeRedirectHook = (next, from) => {
  const target = new URL(String(next.url));
  if (new URL(from.url).protocol === 'https:' && target.protocol !== 'https:') {
    throw new TransferError(`refused a redirect from https to ${withoutCredentials(target.href)}`, true);
  }
};

const PERMANENT_CODES =
  /^(ERR_TOO_MANY_REDIRECTS|ERR_UNSUPPORTED_PROTOCOL|ERR_INVALID_URL|CERT_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|EPROTO|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|HOSTNAME_MISMATCH)/;
const TLS_CODES =
  /^(CERT_|UNABLE_TO_|ERR_TLS_CERT|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|HOSTNAME_MISMATCH)/;

function toTransferError(error: unknown): Error {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
  for (const candidate of [error, cause]) {
    if (candidate instanceof TransferError || candidate instanceof Iso2RootfsError) return candidate;
  }
  const code = systemErrorCode(error) ?? systemErrorCode(cause) ?? '';
  const message = error instanceof Error ? error.message : String(error);
  const prefix = TLS_CODES.test(code) ? 'the certificate is not trusted: ' : '';
  // Not the error of got itself: it carries the options, and with them the password.
  return new TransferError(prefix + message, PERMANENT_CODES.test(code), cause);
}

/** A URL fit for messages and files: user name and password may be secret. */
export function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}
