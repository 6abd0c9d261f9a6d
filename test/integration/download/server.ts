/** HTTP servers on the loopback interface, for tests that need them to misbehave. */
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

export interface TestServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** What was asked, in order. */
  readonly requests: readonly { readonly path: string; readonly headers: http.IncomingHttpHeaders }[];
  close(): Promise<void>;
}

export type Answer = (request: IncomingMessage, response: ServerResponse, number: number) => void;

const running: TestServer[] = [];

/** The number that the answer gets counts requests from 1. */
export async function startServer(answer: Answer): Promise<TestServer> {
  const requests: { path: string; headers: http.IncomingHttpHeaders }[] = [];
  const listener: RequestListener = (request, response) => {
    requests.push({ path: request.url ?? '', headers: request.headers });
    answer(request, response, requests.length);
  };
  const server = http.createServer(listener);
  const url = `http://127.0.0.1:${await listen(server)}`;
  const started: TestServer = { url, requests, close: () => shut(server) };
  running.push(started);
  return started;
}

/** For `afterEach`. */
export async function closeServers(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.close()));
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export async function shut(server: http.Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

/** A port that nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = http.createServer();
  const port = await listen(server);
  await shut(server);
  return port;
}

export interface FileAnswer {
  readonly content: Buffer;
  /** Default: a strong one from the content; null: none. */
  readonly etag?: string | null;
  readonly lastModified?: string;
  /** Default: true. */
  readonly honoursRange?: boolean;
  /** The connection is cut after so many bytes of the body. */
  readonly cutAfterBytes?: number;
  /** Nothing more is sent after so many bytes of the body, and the connection stays open. */
  readonly stallAfterBytes?: number;
  readonly headers?: http.OutgoingHttpHeaders;
}

/** Answers as a proper file server does, but for what it is told. */
export function sendFile(request: IncomingMessage, response: ServerResponse, file: FileAnswer): void {
  const { content } = file;
  const etag = file.etag === undefined ? strongEtag(content) : file.etag;
  const validators = {
    ...(etag === null ? {} : { etag }),
    ...(file.lastModified === undefined ? {} : { 'last-modified': file.lastModified }),
  };
  const start = file.honoursRange === false ? 0 : rangeStart(request, etag, file.lastModified);
  if (start > 0 && start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}`, ...validators }).end();
    return;
  }
  const body = content.subarray(start);
  const range = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': body.length,
    'content-type': 'application/octet-stream',
    ...validators,
    ...(start > 0 ? range : {}),
    ...file.headers,
  });
  if (file.cutAfterBytes !== undefined && file.cutAfterBytes < body.length) {
    response.write(body.subarray(0, file.cutAfterBytes), () => response.socket?.destroy());
  } else if (file.stallAfterBytes !== undefined) {
    response.write(body.subarray(0, file.stallAfterBytes));
  } else {
    response.end(body);
  }
}

export function strongEtag(content: Buffer): string {
  return `"${sha256(content).slice(0, 16)}"`;
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function rangeStart(request: IncomingMessage, etag: string | null, lastModified: string | undefined): number {
  const start = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const condition = request.headers['if-range'];
  if (start === undefined) return 0;
  if (condition !== undefined && condition !== etag && condition !== lastModified) return 0;
  return Number(start);
}
