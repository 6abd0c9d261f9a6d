/** Where the benchmarks work, and on what: made once, kept for the next run. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '..');
/** ISO2ROOTFS_BENCH_DIR: must be where QEMU's user can pass through to. */
export const DIRECTORY = process.env['ISO2ROOTFS_BENCH_DIR'] ?? '/var/tmp/iso2rootfs-bench';
/** The program as it is installed, not as tsx runs it. */
export const PROGRAM = process.env['ISO2ROOTFS_BENCH_PROGRAM'] ?? path.join(ROOT, 'bin/run.js');

const MEDIUM = path.join(DIRECTORY, 'medium.iso');
const CACHE = path.join(DIRECTORY, 'cache');

export interface Setting {
  readonly medium: string;
  /** A cache with the installed disk of the medium; copied for each run. */
  readonly cache: string;
  /** The installed disk. */
  readonly disk: string;
}

/** The stand-in medium and a cache with the disk that was installed from it; some minutes, the first time. */
export function prepareSetting(): Setting {
  mkdirSync(DIRECTORY, { recursive: true, mode: 0o755 });
  if (!existsSync(path.join(path.dirname(PROGRAM), '../dist'))) run('npm', ['run', '--silent', 'build'], ROOT);
  if (!existsSync(MEDIUM)) run(path.join(ROOT, 'test/medium/build-medium.sh'), ['--output', MEDIUM], ROOT);
  if (!isCached()) {
    const scratch = path.join(DIRECTORY, 'first-output');
    for (const old of [scratch, CACHE]) rmSync(old, { recursive: true, force: true });
    run(
      process.execPath,
      [PROGRAM, '-f', MEDIUM, '-o', scratch, '--outputs', 'tar,cgz,kernel', '--cache-dir', CACHE],
      ROOT,
    );
  }
  const disks = path.join(CACHE, 'v1/disks');
  return { medium: MEDIUM, cache: CACHE, disk: path.join(disks, readdirSync(disks)[0] ?? '', 'disk.raw') };
}

/** Whether a build from this cache installs nothing. It is asked of the program: what its key is made of may have changed since. */
function isCached(): boolean {
  if (!existsSync(path.join(CACHE, 'v1/disks'))) return false;
  try {
    const text = execFileSync(
      process.execPath,
      [PROGRAM, 'cache', 'explain', '-f', MEDIUM, '--json', '--cache-dir', CACHE],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    return (JSON.parse(text) as { hasDisk?: boolean }).hasDisk === true;
  } catch {
    return false;
  }
}

/** A cache of its own for one run, in which nothing but the installed disk and what is known of the host is. */
export function cacheWithDisk(setting: Setting, name: string): string {
  const copy = path.join(DIRECTORY, name);
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(path.join(copy, 'v1'), { recursive: true });
  for (const part of ['disks', 'file-hashes', 'state']) {
    // Hard links: a disk of the cache is never changed. cp keeps times, which the store compares.
    execFileSync('cp', ['-a', '--link', path.join(setting.cache, 'v1', part), path.join(copy, 'v1', part)]);
  }
  return copy;
}

export function copyDisk(setting: Setting, destination: string): void {
  rmSync(destination, { force: true });
  execFileSync('cp', ['--reflink=auto', '--sparse=always', setting.disk, destination]);
}

export function emptyDirectory(name: string): string {
  const directory = path.join(DIRECTORY, name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** As the program chooses it for this machine. */
export function libguestfsEnvironment(): Record<string, string> {
  const text = execFileSync(process.execPath, [PROGRAM, 'doctor', '--json', '--cache-dir', CACHE], {
    encoding: 'utf8',
  });
  const { accelerator } = JSON.parse(text) as { accelerator: string };
  return {
    LC_ALL: 'C.UTF-8',
    LIBGUESTFS_BACKEND: 'direct',
    LIBGUESTFS_BACKEND_SETTINGS: accelerator === 'tcg' ? 'force_tcg' : '',
  };
}

function run(program: string, args: readonly string[], cwd: string): void {
  execFileSync(program, args, { cwd, stdio: ['ignore', process.stderr, process.stderr] });
}
