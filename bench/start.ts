/** How long it takes until a command does something, and a hit in the cache from start to output ready. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { median, seconds, times, writeTable } from './report.js';
import { emptyDirectory, PROGRAM, type Setting } from './setting.js';

function time(
  args: readonly string[],
  rounds: number,
  before: () => void,
): { readonly medianMs: number; readonly bestMs: number } {
  const measured: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    before();
    const startedAt = performance.now();
    execFileSync(process.execPath, [...args], { stdio: 'ignore' });
    measured.push(performance.now() - startedAt);
  }
  return { medianMs: median(measured), bestMs: Math.min(...measured) };
}

/** @param cache one that has the conversion; undefined: hits are not measured */
export function reportStart(setting: Setting, cache: string | undefined, rounds: number): void {
  const output = path.join(emptyDirectory('hit'), 'out');
  const hit = ['-f', setting.medium, '--outputs', 'tar,cgz,kernel', '-o', output, '--cache-dir', cache ?? ''];
  const remove = (): void => rmSync(output, { recursive: true, force: true });
  const commands: readonly (readonly [string, readonly string[], (() => void)?])[] = [
    ['node -e 0', ['-e', '0']],
    ['iso2rootfs --version', [PROGRAM, '--version']],
    ['iso2rootfs --help', [PROGRAM, '--help']],
    ['iso2rootfs list', [PROGRAM, 'list']],
    ...(cache === undefined
      ? []
      : ([
          ['a hit: tar,cgz,kernel by hard links', [PROGRAM, ...hit], remove],
          ['a hit, in the place of an older output', [PROGRAM, ...hit]],
        ] as const)),
  ];
  const measured = commands.map(([name, args, before]) => ({
    name,
    ...time(args, rounds, before ?? (() => undefined)),
  }));
  const [node] = measured;
  writeTable(
    `Start-up and cache hit (${rounds} rounds)`,
    ['', 'median s', 'best s', 'median: this / node -e 0'],
    measured.map(({ name, medianMs, bestMs }) => [
      name,
      seconds(medianMs),
      seconds(bestMs),
      times(medianMs / (node?.medianMs ?? NaN)),
    ]),
  );
  emptyDirectory('hit');
}
