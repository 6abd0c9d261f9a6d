/** An installed disk into all outputs: bench/baseline.sh against iso2rootfs, by every engine that it has. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { measure, type Cost } from './measure.js';
import { median, megabytes, seconds, times, writeTable } from './report.js';
import {
  cacheWithDisk,
  copyDisk,
  emptyDirectory,
  libguestfsEnvironment,
  PROGRAM,
  ROOT,
  type Setting,
} from './setting.js';

export interface Conversion extends Cost {
  readonly name: string;
  /** Wall time by step or stage, in its own words. */
  readonly steps: readonly (readonly [string, number])[];
}

export function engines(): string[] {
  const help = execFileSync(process.execPath, [PROGRAM, 'build', '--help'], { encoding: 'utf8' });
  return help.includes('--engine') ? ['guestfs', 'mount'] : ['guestfs'];
}

export async function measureBaseline(setting: Setting): Promise<Conversion> {
  const directory = emptyDirectory('baseline');
  const disk = path.join(directory, 'disk.raw');
  copyDisk(setting, disk);
  const cost = await measure([path.join(ROOT, 'bench/baseline.sh'), disk, path.join(directory, 'out')], {
    diskDirectory: directory,
    environment: libguestfsEnvironment(),
  });
  const steps = [...cost.stderr.matchAll(/^step (\S+) ([\d.]+)$/gm)].map(
    ([, name = '', time]) => [name, Number(time) * 1000] as const,
  );
  emptyDirectory('baseline');
  return { name: 'baseline', steps, ...cost };
}

interface Ours {
  readonly conversion: Conversion;
  readonly cache: string;
}

/**
 * @param rounds an odd number
 * @returns what the round of median wall time cost, and the cache in which the conversion is afterwards
 */
export async function measureOurs(setting: Setting, engine: string, rounds: number): Promise<Ours> {
  const measured: Ours[] = [];
  for (let round = 0; round < rounds; round += 1) measured.push(await measureOnce(setting, engine));
  const typical = median(measured.map(({ conversion }) => conversion.wallMs));
  return measured.find(({ conversion }) => conversion.wallMs === typical) as Ours;
}

async function measureOnce(setting: Setting, engine: string): Promise<Ours> {
  const cache = cacheWithDisk(setting, `cache-${engine}`);
  const output = path.join(emptyDirectory('ours'), 'out');
  const argv = [process.execPath, PROGRAM, '-f', setting.medium, '-o', output, '--cache-dir', cache, '--json'];
  const cost = await measure([...argv, ...(engine === 'guestfs' ? [] : ['--engine', engine])], {
    diskDirectory: path.join(cache, 'v1'),
  });
  const { timings } = JSON.parse(cost.stdout) as { timings: readonly { stage: string; elapsedMs: number }[] };
  emptyDirectory('ours');
  return {
    conversion: {
      name: `--engine ${engine}`,
      steps: timings.map(({ stage, elapsedMs }) => [stage, elapsedMs]),
      ...cost,
    },
    cache,
  };
}

export function reportConversions(conversions: readonly Conversion[], rounds: number): void {
  const [baseline] = conversions;
  writeTable(
    `Installed disk -> rootfs.tar, nfsroot/, initramfs.cgz, kernel (ours: median of ${rounds})`,
    [
      '',
      'wall s',
      'CPU s',
      'peak MB',
      'Node MB',
      'read MB',
      'appliances',
      'wall: baseline / this',
      'CPU: baseline / this',
    ],
    conversions.map((one) => [
      one.name,
      seconds(one.wallMs),
      seconds(one.cpuMs),
      megabytes(one.peakMemoryBytes),
      one.peakNodeBytes === 0 ? '-' : megabytes(one.peakNodeBytes),
      megabytes(one.diskReadBytes),
      String(one.appliances),
      times((baseline?.wallMs ?? 0) / one.wallMs),
      times((baseline?.cpuMs ?? 0) / one.cpuMs),
    ]),
  );
  for (const { name, steps } of conversions) {
    process.stdout.write(`${name}: ${steps.map(([step, ms]) => `${step} ${seconds(ms)}`).join(', ')}\n`);
  }
}
