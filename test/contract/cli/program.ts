/** Runs bin/run.js as a user would: another process, of which only stdout, stderr and the exit status are known. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { describeHang } from './describe-hang.js';

const PROGRAM = path.resolve(import.meta.dirname, '../../../bin/run.js');
/** Longer than anything that a test runs, shorter than what its test waits. */
const LONGEST_RUN_MS = 12 * 60_000;
/** A build that is told to end has a guest to end and files to remove. */
const LONGEST_CLEANUP_MS = 60_000;

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

export interface ProgramOptions {
  readonly cwd?: string;
  /** Besides our own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** One that runs for too long is ended, and says so on stderr: neither its guest nor its pipes keep the tests from ending. */
export class RunningIso2Rootfs {
  stdout = '';
  stderr = '';
  readonly pid: number;
  readonly done: Promise<Ended>;
  #hasEnded = false;
  readonly #child;
  readonly #listeners = new Set<() => void>();

  constructor(args: readonly string[], options: ProgramOptions = {}) {
    const startedAt = performance.now();
    this.#child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.pid = this.#child.pid ?? 0;
    this.#child.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
      this.#notify();
    });
    const end = (signal: NodeJS.Signals): void => {
      const elapsedSeconds = Math.round((performance.now() - startedAt) / 1000);
      const places = describeHang(options.env?.['ISO2ROOTFS_CACHE_DIR'] ?? '');
      this.stderr += `\n${signal} by the test after ${elapsedSeconds} s\n${places}\n`;
      this.kill(signal);
    };
    const endings = [
      setTimeout(() => end('SIGTERM'), LONGEST_RUN_MS),
      setTimeout(() => end('SIGKILL'), LONGEST_RUN_MS + LONGEST_CLEANUP_MS),
    ];
    this.done = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (status) => {
        for (const ending of endings) clearTimeout(ending);
        this.#hasEnded = true;
        this.#notify();
        const { stdout, stderr } = this;
        resolve({ status, stdout, stderr, elapsedMs: performance.now() - startedAt });
      });
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until stderr has said something; throws when the program ends without it. */
  async says(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const isSaid = pattern.test(this.stderr);
        if (!isSaid && !this.#hasEnded) return;
        this.#listeners.delete(look);
        if (isSaid) resolve();
        else reject(new Error(`it ended without saying ${String(pattern)}:\n${this.stderr}`));
      };
      this.#listeners.add(look);
      look();
    });
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

export async function iso2rootfs(args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  return new RunningIso2Rootfs(args, options).done;
}

/** The fields of a failure's four lines. */
export function readFailure({ stderr }: Ended): {
  error: string;
  code: string;
  stage: string;
  hint: string;
  log: string;
} {
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stderr)?.[1] ?? '';
  const error = field('Error');
  return {
    error,
    code: /\((\w+)\)$/.exec(error)?.[1] ?? '',
    stage: field('Stage'),
    hint: field('Try this'),
    log: field('Log'),
  };
}
