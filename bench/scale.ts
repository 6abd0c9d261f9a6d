/** How the cost of a conversion grows with the root file system: the installed disk, and copies of it to which files were added. */
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { engines } from './conversion.js';
import { measure } from './measure.js';
import { writePlot, type Series } from './plot.js';
import { megabytes, seconds, writeTable } from './report.js';
import { cacheWithDisk, copyDisk, DIRECTORY, emptyDirectory, PROGRAM, ROOT, type Setting } from './setting.js';

/** Sizes of the archive in bytes; 0: the disk as it is. An appliance without KVM needs minutes for a gigabyte. */
const SIZES: Readonly<Record<string, readonly number[]>> = { mount: [0, 1e9, 3e9], guestfs: [0, 1e9, 3e9] };
const SECTOR_BYTES = 512;
const SMALL_FILE_BYTES = 16 * 1024;
const LARGE_FILE_BYTES = 4 * 1024 * 1024;

interface Point {
  readonly engine: string;
  readonly tarBytes: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakNodeBytes: number;
}

export async function reportScale(setting: Setting): Promise<void> {
  const points: Point[] = [];
  let presentBytes = 0;
  for (const size of [0, 1e9, 3e9]) {
    const cache = cacheWithDisk(setting, 'cache-scale');
    if (size > 0) enlarge(setting, cache, size - presentBytes);
    const wanted = engines().filter((engine) => engines().length === 1 || SIZES[engine]?.includes(size) === true);
    for (const engine of wanted) {
      const point = await convert(setting, cache, engine);
      points.push(point);
      if (size === 0) presentBytes = point.tarBytes;
    }
  }
  rmSync(path.join(DIRECTORY, 'cache-scale'), { recursive: true });
  writeTable(
    'Cost by size of the root file system',
    ['engine', 'rootfs.tar MB', 'wall s', 'wall s / GB', 'CPU s', 'Node MB'],
    points.map(({ engine, tarBytes, wallMs, cpuMs, peakNodeBytes }) => [
      engine,
      megabytes(tarBytes),
      seconds(wallMs),
      (wallMs / 1000 / (tarBytes / 1e9)).toFixed(1),
      seconds(cpuMs),
      megabytes(peakNodeBytes),
    ]),
  );
  const series = (value: (point: Point) => number): Series[] =>
    engines().map((engine) => ({
      name: `--engine ${engine}`,
      points: points.filter((point) => point.engine === engine).map((point) => [point.tarBytes / 1e9, value(point)]),
    }));
  const plots = path.join(ROOT, 'bench/plots');
  mkdirSync(plots, { recursive: true });
  const x = 'rootfs.tar in GB';
  const title = 'Conversion of an installed disk';
  writePlot(
    path.join(plots, 'scale-time.svg'),
    { title, x, y: 'seconds' },
    series(({ wallMs }) => wallMs / 1000),
  );
  writePlot(
    path.join(plots, 'scale-memory.svg'),
    { title: 'Peak memory of Node.js', x, y: 'MB' },
    series(({ peakNodeBytes }) => peakNodeBytes / 1e6),
  );
}

async function convert(setting: Setting, cache: string, engine: string): Promise<Point> {
  rmSync(path.join(cache, 'v1/objects'), { recursive: true, force: true });
  const output = path.join(emptyDirectory('scale'), 'out');
  const engineFlags = engines().length === 1 ? [] : ['--engine', engine];
  const cost = await measure(
    [process.execPath, PROGRAM, '-f', setting.medium, '-o', output, '--cache-dir', cache, '--json', ...engineFlags],
    { diskDirectory: path.join(cache, 'v1') },
  );
  emptyDirectory('scale');
  const { artifacts } = JSON.parse(cost.stdout) as { artifacts: readonly { name: string; sizeBytes: number }[] };
  const tarBytes = artifacts.find(({ name }) => name === 'rootfs.tar')?.sizeBytes ?? NaN;
  return { engine, tarBytes, wallMs: cost.wallMs, cpuMs: cost.cpuMs, peakNodeBytes: cost.peakNodeBytes };
}

/** Replaces the disk of a cache by one to which so many bytes of files were added. */
export function enlarge(setting: Setting, cache: string, addedBytes: number): void {
  const relative = path.relative(setting.cache, path.dirname(setting.disk));
  const directory = path.join(cache, relative);
  const disk = path.join(directory, 'disk.raw');
  copyDisk(setting, disk);
  const mountPoint = emptyDirectory('mounted');
  const [offset = 0] = partitionOffsets(disk);
  execFileSync('mount', ['-o', `loop,offset=${offset}`, disk, mountPoint]);
  try {
    addFiles(path.join(mountPoint, 'usr/share/iso2rootfs-bench'), addedBytes);
  } finally {
    execFileSync('umount', [mountPoint]);
  }
  // The store knows a file by its size and mtime.
  const record = path.join(directory, 'object.json');
  const content = JSON.parse(readFileSync(record, 'utf8')) as { files: Record<string, unknown>[] };
  const { mtimeNs, size } = statSync(disk, { bigint: true });
  const files = content.files.map((file) =>
    file['path'] === 'disk.raw' ? { ...file, mtimeNs: String(mtimeNs), sizeBytes: Number(size) } : file,
  );
  // The record is a hard link, too.
  rmSync(record);
  writeFileSync(record, JSON.stringify({ ...content, files }));
}

/** The largest partition first. */
function partitionOffsets(disk: string): number[] {
  const table = execFileSync('partx', ['--show', '--noheadings', '--output', 'START,SECTORS', disk], {
    encoding: 'utf8',
  });
  const partitions = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return partitions.sort((a, b) => (b[1] ?? 0) - (a[1] ?? 0)).map(([start = 0]) => start * SECTOR_BYTES);
}

/** Half of the bytes in many small texts, half in few files that cannot be compressed. */
function addFiles(directory: string, bytes: number): void {
  const words = readFileSync(path.join(ROOT, 'README.md'), 'utf8').split(/\s+/);
  const pick = (): string => words[Math.floor(Math.random() * words.length)] ?? '';
  let text = '';
  while (text.length < 4 * SMALL_FILE_BYTES) text += `${pick()} `;
  for (let index = 0; index < bytes / 2 / SMALL_FILE_BYTES; index += 1) {
    const into = path.join(directory, `text/${Math.floor(index / 1000)}`);
    mkdirSync(into, { recursive: true });
    const from = Math.floor(Math.random() * 3 * SMALL_FILE_BYTES);
    writeFileSync(path.join(into, `${index}.txt`), text.slice(from, from + SMALL_FILE_BYTES));
  }
  mkdirSync(path.join(directory, 'random'), { recursive: true });
  for (let index = 0; index < bytes / 2 / LARGE_FILE_BYTES; index += 1) {
    writeFileSync(path.join(directory, `random/${index}`), randomFillSync(Buffer.allocUnsafe(LARGE_FILE_BYTES)));
  }
}
