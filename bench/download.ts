/**
 * How fast downloadFile is, against curl(1) piped into a hash, in one run on one server:
 *
 *     npx tsx bench/download.ts [MEBIBYTES]      default: 1024
 *
 * Prints the ratio of the rates (above 1: faster than curl) and the peak memory of the downloading process.
 * Exits with 1 when the ratio to `curl | sha256sum` is below 0.9 or the memory above 200 MB.
 */
import { execFileSync, fork } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AddressInfo } from 'node:net';
import { fillFile } from './random-file.js';

const ROUNDS = 3;
const LEAST_RATIO = 0.9;
const MOST_MEMORY_BYTES = 200e6;

interface Measured {
  readonly elapsedMs: number;
  readonly peakMemoryBytes: number;
}

async function serve(): Promise<void> {
  const file = process.argv[3] ?? '';
  const { size } = await stat(file);
  const server = http.createServer((_request, response) => {
    response.writeHead(200, { 'content-length': size, etag: '"bench"', 'content-type': 'application/octet-stream' });
    createReadStream(file, { highWaterMark: 1024 * 1024 }).pipe(response);
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

async function download(): Promise<void> {
  const { downloadFile } = await import('../src/download/download-file.js');
  const [, , , url = '', partial = ''] = process.argv;
  const startedAt = performance.now();
  await downloadFile({ urls: [url], destinationPartial: partial });
  const elapsedMs = performance.now() - startedAt;
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  process.send?.({ elapsedMs, peakMemoryBytes } satisfies Measured);
}

/** Runs a part of this file as a process of its own; the first message is its result. */
async function runPart(part: string, ...args: string[]): Promise<{ result: unknown; end: () => void }> {
  const child = fork(fileURLToPath(import.meta.url), [part, ...args]);
  const [result] = (await once(child, 'message')) as [unknown];
  return { result, end: () => void child.kill() };
}

function pipeCurl(url: string, hash: string): number {
  const startedAt = performance.now();
  execFileSync('sh', ['-c', 'curl --silent --fail "$0" | $1 > /dev/null', url, hash]);
  return performance.now() - startedAt;
}

async function main(): Promise<void> {
  const sizeMebibytes = Number(process.argv[2] ?? 1024);
  const directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-bench-'));
  const file = path.join(directory, 'file.iso');
  await fillFile(file, sizeMebibytes);
  const server = await runPart('serve', file);
  const url = `http://127.0.0.1:${String(server.result)}/file.iso`;
  const times = {
    'curl | sha256sum': [] as number[],
    'curl | openssl sha256': [] as number[],
    iso2rootfs: [] as number[],
  };
  let peakMemoryBytes = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    times['curl | sha256sum'].push(pipeCurl(url, 'sha256sum'));
    times['curl | openssl sha256'].push(pipeCurl(url, 'openssl sha256'));
    const partial = path.join(directory, `${round}.partial`);
    const measured = (await runPart('download', url, partial)).result as Measured;
    await rm(partial);
    times.iso2rootfs.push(measured.elapsedMs);
    peakMemoryBytes = Math.max(peakMemoryBytes, measured.peakMemoryBytes);
  }
  server.end();
  await rm(directory, { recursive: true });

  const best = Math.min(...times.iso2rootfs);
  const lines = Object.entries(times).map(([name, values]) => {
    const elapsedMs = Math.min(...values);
    const rate = ((sizeMebibytes / elapsedMs) * 1000).toFixed(0);
    return `${name.padEnd(22)} ${(elapsedMs / 1000).toFixed(2)} s  ${rate.padStart(5)} MiB/s  ratio ${(elapsedMs / best).toFixed(2)}`;
  });
  lines.push(`peak memory            ${(peakMemoryBytes / 1e6).toFixed(0)} MB`);
  process.stdout.write(`${lines.join('\n')}\n`);
  const ratio = Math.min(...times['curl | sha256sum']) / best;
  process.exitCode = ratio >= LEAST_RATIO && peakMemoryBytes <= MOST_MEMORY_BYTES ? 0 : 1;
}

const parts: Readonly<Record<string, () => Promise<void>>> = { serve, download };
await (parts[process.argv[2] ?? ''] ?? main)();
