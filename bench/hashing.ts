/** How fast a local ISO is hashed, against sha256sum(1) on the same file, both from the page cache. */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fillFile } from './random-file.js';
import { megabytes, seconds, times, writeTable } from './report.js';
import { emptyDirectory } from './setting.js';

interface Measured {
  readonly elapsedMs: number;
  readonly peakMemoryBytes: number;
}

export async function reportHashing(sizeMebibytes: number, rounds: number): Promise<void> {
  const directory = emptyDirectory('hashing');
  const file = path.join(directory, 'file.iso');
  await fillFile(file, sizeMebibytes);
  const theirs: number[] = [];
  const ours: Measured[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now();
    execFileSync('sha256sum', [file]);
    theirs.push(performance.now() - startedAt);
    const child = fork(fileURLToPath(import.meta.url), ['hash', file]);
    const [measured] = (await once(child, 'message')) as [Measured];
    ours.push(measured);
  }
  rmSync(directory, { recursive: true });
  const [sum, own] = [Math.min(...theirs), Math.min(...ours.map(({ elapsedMs }) => elapsedMs))];
  const rate = (ms: number): string => ((sizeMebibytes / ms) * 1000).toFixed(0);
  writeTable(
    `Hashing a local file of ${sizeMebibytes} MiB (best of ${rounds})`,
    ['', 's', 'MiB/s', 'rate: this / sha256sum', 'peak MB'],
    [
      ['sha256sum', seconds(sum), rate(sum), '1.00x', '-'],
      [
        'iso2rootfs',
        seconds(own),
        rate(own),
        times(sum / own),
        megabytes(Math.max(...ours.map((one) => one.peakMemoryBytes))),
      ],
    ],
  );
}

if (process.argv[2] === 'hash') {
  const { hashFile } = await import('../src/store/hash-file.js');
  const startedAt = performance.now();
  await hashFile(process.argv[3] ?? '');
  const elapsedMs = performance.now() - startedAt;
  process.send?.({ elapsedMs, peakMemoryBytes: process.resourceUsage().maxRSS * 1024 } satisfies Measured);
}
