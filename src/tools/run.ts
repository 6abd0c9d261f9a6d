/**
 * The only place that runs other programs.
 *
 * - argv arrays, never a shell;
 * - the environment is an allow-list plus `LC_ALL=C.UTF-8`;
 * - stdin is closed unless the caller gives one;
 * - each program leads its own process group, ended by SIGINT, SIGTERM, SIGKILL with pauses;
 * - every line goes to the log file whose first line is the command, ready to paste; the last lines are kept for the error.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { execa } from 'execa';
import { Iso2RootfsError } from '../errors.js';

/** Variables that a program inherits from us. Everything else stays out: a build must not depend on it. */
const INHERITED_VARIABLES =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|XDG_\w+|LIBVIRT_\w+|LIBGUESTFS_\w+|SUPERMIN_\w+|VIRTINSTALL_\w+|OSINFO_\w+|GNUPGHOME|(http|https|ftp|no|all)_proxy|(HTTP|HTTPS|FTP|NO|ALL)_PROXY)$/;

const TAIL_LINES = 50;
const MAX_COLLECTED_BYTES = 16 * 1024 * 1024;
const MAX_LINE_CHARACTERS = 64 * 1024;
/** Pauses between SIGINT, SIGTERM and SIGKILL. */
const SIGNAL_PAUSE_MS = 4000;

export interface RunOptions {
  readonly cwd?: string;
  /** Added to the allow-listed environment. Never put a secret here: other users of the host may read it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text for stdin, which is then closed; `pipe` leaves it to the caller (only with {@link start}). Default: closed. */
  readonly stdin?: 'closed' | 'pipe' | { readonly text: string };
  /** `lines` (default): to the log and {@link RunResult.stdout}. `stream`: raw bytes for the caller (only with {@link start}). */
  readonly stdout?: 'lines' | 'stream';
  readonly signal?: AbortSignal | undefined;
  /** Longest run in milliseconds. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Longest silence on stdout and stderr in milliseconds. Default: none. */
  readonly idleTimeoutMs?: number | undefined;
  readonly logFile?: string | undefined;
  readonly onLine?: ((line: string, stream: 'stdout' | 'stderr') => void) | undefined;
  /** Exit statuses that are not an error. Default: `[0]`. */
  readonly allowedStatuses?: readonly number[];
  /** What the program is needed for: said when it is missing. */
  readonly reason?: string;
  /** What to try when it fails. */
  readonly hint?: string;
}

export interface RunResult {
  readonly exitStatus: number;
  /** What the program printed on stdout, at most 16 MiB. Empty with `stdout: 'stream'`. */
  readonly stdout: string;
  /** The last 50 lines of stdout and stderr together. */
  readonly tail: readonly string[];
  readonly elapsedMs: number;
}

export interface RunningProgram {
  readonly pid: number;
  /** Writable with `stdin: 'pipe'`, else null. */
  readonly stdin: Writable | null;
  /** Readable with `stdout: 'stream'`, else null. */
  readonly stdout: Readable | null;
  /** Settles when the program has ended; rejects with TOOL_FAILED, TIMEOUT, NO_SPACE or the reason of an abort. */
  readonly done: Promise<RunResult>;
  /** Ends the program's process group: SIGINT, SIGTERM, SIGKILL. Resolves when it is gone. */
  stop(): Promise<void>;
}

/** Quotes a word for a POSIX shell; only for what people read or paste. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export function formatCommand(program: string, args: readonly string[]): string {
  return [program, ...args].map(shellQuote).join(' ');
}

/** The environment of a program: what we pass on, plus a fixed locale. `TZ` is not passed on. */
export function programEnvironment(
  extra: Readonly<Record<string, string>> = {},
  inherited: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(inherited)) {
    if (value !== undefined && INHERITED_VARIABLES.test(name)) environment[name] = value;
  }
  return { ...environment, LC_ALL: 'C.UTF-8', ...extra };
}

/** Finds an executable in the directories of a PATH. */
export async function findProgram(program: string, searchPath: string): Promise<string | undefined> {
  const candidates = program.includes('/')
    ? [program]
    : searchPath
        .split(':')
        .filter((directory) => directory !== '')
        .map((directory) => path.join(directory, program));
  for (const candidate of candidates) {
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // not here: look further
    }
  }
  return undefined;
}

/** Runs a program to its end. See {@link start}. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return (await start(program, args, options)).done;
}

/**
 * Starts a program.
 * @throws Iso2RootfsError TOOL_MISSING when it is not to be found.
 */
export async function start(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunningProgram> {
  options.signal?.throwIfAborted();
  const environment = programEnvironment(options.env);
  const executable = await findProgram(program, environment['PATH'] ?? '');
  if (executable === undefined) {
    throw new Iso2RootfsError(
      'TOOL_MISSING',
      `${program} is not installed${options.reason ? ` (needed to ${options.reason})` : ''}`,
      { hint: "'iso2rootfs doctor' names the package that has it.", data: { tool: program } },
    );
  }
  const startedAt = performance.now();
  const command = formatCommand(program, args);
  const log = new LineLog(options.logFile, command, options.onLine);
  const child = execa(executable, [...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: environment,
    extendEnv: false,
    argv0: program,
    detached: true,
    reject: false,
    buffer: false,
    cleanup: false,
    encoding: 'buffer',
    stdin: options.stdin === undefined || options.stdin === 'closed' ? 'ignore' : 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const pid = child.pid;
  if (pid === undefined) {
    const failure = await child;
    await log.close();
    throw toolFailed(program, command, 'could not be started', [failure.message ?? ''], options);
  }
  const group = new ProcessGroup(pid);

  let endedBy: Iso2RootfsError | Error | undefined;
  const endWith = (error: Error): void => {
    endedBy ??= error;
    void group.end();
  };
  const watchdog = new Watchdog(program, options, endWith);
  const onAbort = (): void => endWith(abortReason(options.signal));
  options.signal?.addEventListener('abort', onAbort, { once: true });

  child.stderr.on('data', (chunk: Buffer) => {
    watchdog.touch();
    log.write('stderr', chunk);
  });
  let stdoutForCaller: Readable | null = null;
  if (options.stdout === 'stream') {
    const passThrough = new PassThrough({ highWaterMark: 1024 * 1024 });
    child.stdout.on('data', () => watchdog.touch());
    child.stdout.pipe(passThrough);
    stdoutForCaller = passThrough;
  } else {
    child.stdout.on('data', (chunk: Buffer) => {
      watchdog.touch();
      log.write('stdout', chunk);
    });
  }
  // A program may end before it has read its stdin: that is its exit status' business, not an EPIPE of ours.
  child.stdin?.on('error', () => undefined);
  if (typeof options.stdin === 'object') child.stdin?.end(options.stdin.text);

  const finish = async (): Promise<RunResult> => {
    const result = await child;
    watchdog.stop();
    options.signal?.removeEventListener('abort', onAbort);
    group.markEnded();
    await log.close();
    const elapsedMs = performance.now() - startedAt;
    if (endedBy !== undefined) {
      if (endedBy instanceof Iso2RootfsError) endedBy.log ??= options.logFile;
      throw endedBy;
    }
    const exitStatus = result.exitCode;
    if (exitStatus === undefined || !(options.allowedStatuses ?? [0]).includes(exitStatus)) {
      const ending =
        exitStatus === undefined ? `was ended by ${result.signal ?? 'a signal'}` : `exit status ${exitStatus}`;
      throw toolFailed(program, command, ending, log.tail, options);
    }
    return { exitStatus, stdout: log.collected(), tail: log.tail, elapsedMs };
  };
  const done = finish();
  // The caller may look at `done` only later: a failure before that is not an unhandled rejection.
  done.catch(() => undefined);
  return {
    pid,
    stdin: options.stdin === 'pipe' ? child.stdin : null,
    stdout: stdoutForCaller,
    done,
    stop: async () => {
      endedBy ??= new Iso2RootfsError('TOOL_FAILED', `${program} was stopped`);
      await group.end();
      await done.catch(() => undefined);
    },
  };
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Iso2RootfsError('INTERRUPTED', 'interrupted');
}

function toolFailed(
  program: string,
  command: string,
  ending: string,
  tail: readonly string[],
  options: RunOptions,
): Iso2RootfsError {
  const lines = tail.filter((line) => line.trim() !== '');
  const isFull = lines.some((line) => /no space left on device|disk quota exceeded|ENOSPC/i.test(line));
  const telling = lines.findLast((line) => /error|cannot|failed|unable|no space/i.test(line)) ?? lines.at(-1);
  return new Iso2RootfsError(
    isFull ? 'NO_SPACE' : 'TOOL_FAILED',
    `${program} failed (${ending})${telling === undefined ? '' : `: ${telling.trim()}`}`,
    {
      hint: isFull
        ? 'Free some space and run the command again.'
        : (options.hint ?? 'Read the log; it ends with what the program said.'),
      ...(options.logFile === undefined ? {} : { log: options.logFile }),
      data: { command, tail: lines.slice(-TAIL_LINES) },
    },
  );
}

/** The process group that a started program leads. */
class ProcessGroup {
  #ended = false;
  #ending: Promise<void> | undefined;

  constructor(private readonly pid: number) {}

  markEnded(): void {
    this.#ended = true;
  }

  end(): Promise<void> {
    this.#ending ??= this.#endStepByStep();
    return this.#ending;
  }

  async #endStepByStep(): Promise<void> {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
      if (!this.#send(signal)) return;
      const until = performance.now() + SIGNAL_PAUSE_MS;
      while (performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        if (!this.#send(0)) return;
      }
    }
  }

  /** False when no process of the group is left. */
  #send(signal: NodeJS.Signals | 0): boolean {
    try {
      process.kill(-this.pid, signal);
      return true;
    } catch {
      return !this.#ended && isAlive(this.pid);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

class Watchdog {
  readonly #timers: NodeJS.Timeout[] = [];
  #lastOutput = performance.now();

  constructor(program: string, options: RunOptions, end: (error: Error) => void) {
    const { timeoutMs, idleTimeoutMs } = options;
    if (timeoutMs !== undefined) {
      this.#timers.push(
        setTimeout(() => {
          end(new Iso2RootfsError('TIMEOUT', `${program} did not finish within ${timeoutMs / 1000} s`));
        }, timeoutMs),
      );
    }
    if (idleTimeoutMs !== undefined) {
      this.#timers.push(
        setInterval(
          () => {
            if (performance.now() - this.#lastOutput < idleTimeoutMs) return;
            end(new Iso2RootfsError('STALLED', `${program} has been silent for ${idleTimeoutMs / 1000} s`));
          },
          Math.min(1000, idleTimeoutMs),
        ),
      );
    }
  }

  touch(): void {
    this.#lastOutput = performance.now();
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

/** Splits output into lines; writes them to a log file and keeps what errors and callers need. */
class LineLog {
  readonly tail: string[] = [];
  readonly #file: WriteStream | undefined;
  readonly #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  readonly #partial = { stdout: '', stderr: '' };
  #collected: string[] = [];
  #collectedBytes = 0;

  constructor(
    logFile: string | undefined,
    command: string,
    private readonly onLine: RunOptions['onLine'],
  ) {
    if (logFile === undefined) return;
    this.#file = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
    // A log that cannot be written (a full disk) must not hide the outcome of the program.
    this.#file.on('error', () => undefined);
    this.#file.write(`$ ${command}\n`);
  }

  collected(): string {
    return this.#collected.join('');
  }

  write(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#file?.write(chunk);
    const text = this.#decoders[stream].write(chunk);
    if (stream === 'stdout' && this.#collectedBytes < MAX_COLLECTED_BYTES) {
      this.#collected.push(text);
      this.#collectedBytes += chunk.length;
    }
    this.#split(stream, text);
  }

  #split(stream: 'stdout' | 'stderr', text: string): void {
    const lines = (this.#partial[stream] + text).split(/\r\n|\n|\r/);
    this.#partial[stream] = lines.pop() ?? '';
    if (this.#partial[stream].length > MAX_LINE_CHARACTERS) {
      lines.push(this.#partial[stream]);
      this.#partial[stream] = '';
    }
    for (const line of lines) this.#keep(stream, line);
  }

  #keep(stream: 'stdout' | 'stderr', line: string): void {
    this.tail.push(line);
    if (this.tail.length > TAIL_LINES) this.tail.shift();
    this.onLine?.(line, stream);
  }

  async close(): Promise<void> {
    for (const stream of ['stdout', 'stderr'] as const) {
      const rest = this.#partial[stream] + this.#decoders[stream].end();
      if (rest !== '') this.#keep(stream, rest);
    }
    const file = this.#file;
    if (file === undefined || file.destroyed) return;
    await new Promise<void>((resolve) => {
      file.once('close', resolve);
      file.end();
    });
  }
}
