/**
 * The only place that runs other programs.
 *
 * - argv arrays, never a shell;
 * - the environment is an allow-list plus `LC_ALL=C.UTF-8`;
 * - stdin is closed unless the caller gives one;
 * - each program leads its own process group, ended by SIGINT, SIGTERM, SIGKILL with pauses;
 * - every line goes to the log file whose first line is the command, ready to paste; the last lines are kept for the error.
 */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { Iso2RootfsError } from '../errors.js';
import { LineLog, TAIL_LINES } from './line-log.js';
import { ProcessGroup } from './process-group.js';
import { Watchdog } from './watchdog.js';

/** Variables that a program inherits from us. Everything else stays out: a build must not depend on it. */
const INHERITED_VARIABLES =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|XDG_\w+|LIBVIRT_\w+|LIBGUESTFS_\w+|SUPERMIN_\w+|VIRTINSTALL_\w+|OSINFO_\w+|GNUPGHOME|(http|https|ftp|no|all)_proxy|(HTTP|HTTPS|FTP|NO|ALL)_PROXY)$/;

const DEFAULT_SIGNAL_PAUSE_MS = 4000;

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
  /** Longest silence on stdout and stderr in milliseconds. Time in which we do not read its output does not count. Default: none. */
  readonly idleTimeoutMs?: number | undefined;
  /** Pause between SIGINT, SIGTERM and SIGKILL in milliseconds. Default: 4000. */
  readonly signalPauseMs?: number;
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
        .map((directory) => path.resolve(directory, program));
  for (const candidate of candidates) {
    try {
      await access(candidate, constants.X_OK);
      if ((await stat(candidate)).isFile()) return candidate;
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
  if (options.signal?.aborted) throw abortReason(options.signal);
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
  const child = await spawnChild(executable, [...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: environment,
    argv0: program,
    detached: true,
    stdio: [options.stdin === undefined || options.stdin === 'closed' ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  if (child instanceof Error) {
    await log.close();
    throw toolFailed(program, command, 'could not be started', [child.message], options);
  }
  const { pid, stdin, stdout, stderr } = child;
  // Both streams have been read to their end by then.
  const closed = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('close', (status, signal) => resolve([status, signal]));
  });
  // A signal that could not be sent: whether the program has ended is seen by its end.
  child.on('error', () => undefined);
  const group = new ProcessGroup(pid, options.signalPauseMs ?? DEFAULT_SIGNAL_PAUSE_MS);

  let endedBy: Iso2RootfsError | Error | undefined;
  const endWith = (error: Error): void => {
    endedBy ??= error;
    void group.end();
  };
  const isWaitingForUs = (): boolean => stdout.isPaused() || stderr.isPaused();
  const watchdog = new Watchdog(program, options, isWaitingForUs, endWith);
  const onAbort = (): void => endWith(abortReason(options.signal));
  options.signal?.addEventListener('abort', onAbort, { once: true });
  // It may have been aborted while we looked for the program: then the event is past.
  if (options.signal?.aborted) onAbort();

  const readLines = (stream: 'stdout' | 'stderr', readable: Readable): void => {
    readable.on('data', (chunk: Buffer) => {
      watchdog.touch();
      if (log.write(stream, chunk)) return;
      readable.pause();
      log.whenDrained(() => readable.resume());
    });
  };
  readLines('stderr', stderr);
  let stdoutForCaller: PassThrough | null = null;
  if (options.stdout === 'stream') {
    const passThrough = new PassThrough({ highWaterMark: 1024 * 1024 });
    stdout.on('data', () => watchdog.touch());
    stdout.pipe(passThrough);
    // A caller that reads no further closes the pipe, so that the program ends by SIGPIPE instead of waiting for ever.
    passThrough.once('close', () => stdout.destroy());
    stdout.once('close', () => passThrough.end());
    stdoutForCaller = passThrough;
  } else {
    readLines('stdout', stdout);
  }
  child.once('exit', () => group.endLeftovers([stdout, stderr]));
  // A program may end before it has read its stdin: that is its exit status' business, not an EPIPE of ours.
  stdin?.on('error', () => undefined);
  if (typeof options.stdin === 'object') stdin?.end(options.stdin.text);

  const finish = async (): Promise<RunResult> => {
    const [exitStatus, signal] = await closed;
    watchdog.stop();
    options.signal?.removeEventListener('abort', onAbort);
    await log.close();
    const elapsedMs = performance.now() - startedAt;
    if (endedBy !== undefined) {
      // Its children may have closed our pipes and live on.
      await group.end();
      if (endedBy instanceof Iso2RootfsError) endedBy.log ??= options.logFile;
      throw endedBy;
    }
    if (exitStatus === null || !(options.allowedStatuses ?? [0]).includes(exitStatus)) {
      const ending = exitStatus === null ? `was ended by ${signal ?? 'a signal'}` : `exit status ${exitStatus}`;
      throw toolFailed(program, command, ending, log.tail, options);
    }
    return { exitStatus, stdout: log.collected(), tail: log.tail, elapsedMs };
  };
  const done = finish();
  // The caller may look at `done` only later: a failure before that is not an unhandled rejection.
  done.catch(() => undefined);
  return {
    pid,
    stdin: options.stdin === 'pipe' ? stdin : null,
    stdout: stdoutForCaller,
    done,
    stop: async () => {
      endedBy ??= new Iso2RootfsError('TOOL_FAILED', `${program} was stopped`);
      await group.end();
      await done.catch(() => undefined);
    },
  };
}

type Child = ChildProcess & { readonly pid: number; readonly stdout: Readable; readonly stderr: Readable };

/** A child process, or why there is none. */
async function spawnChild(executable: string, args: string[], options: SpawnOptions): Promise<Child | Error> {
  try {
    const child = spawn(executable, args, options);
    if (child.pid !== undefined) return child as Child;
    const [failure] = (await once(child, 'error')) as [Error];
    return failure;
  } catch (error) {
    // Arguments that are too long, or hold a NUL.
    return error instanceof Error ? error : new Error(String(error));
  }
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  // `abort()` without a reason gives a DOMException.
  return reason instanceof Error && reason.name !== 'AbortError'
    ? reason
    : new Iso2RootfsError('INTERRUPTED', 'interrupted');
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
  const telling =
    lines.findLast((line) => /\berror: /i.test(line)) ??
    lines.findLast((line) => /error|cannot|failed|unable|no space/i.test(line)) ??
    lines.at(-1);
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
