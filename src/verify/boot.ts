/** One boot, watched from its first line to its verdict. */
import { open, rm } from 'node:fs/promises';
import { toIso2RootfsError } from '../errors.js';
import type { Emit } from '../events.js';
import { DIES_WITH_US, findQemu, machineArguments, type Machine } from '../tools/qemu.js';
import type { RunOptions, RunningProgram } from '../tools/run.js';
import { ConsoleWatch } from './patterns.js';
import type { Problem } from './problems.js';
import { parseReport, type Report } from './report.js';

const POLL_MS = 250;
/** After a line that says that nothing more will come: for the lines that explain it. */
const LAST_WORDS_MS = 2000;
/** The same where the probe has begun: for what it says of emergency mode. */
const LAST_REPORT_MS = 20_000;
/** An NFS server that does not answer any more may come back. */
const SILENT_SERVER_MS = 30_000;
/**
 * systemd gives each unit 90 s to stop; `dracut-shutdown.service`, which unpacks the initrd once more, has needed them all where the processor
 * is emulated and busy.
 */
const SHUTDOWN_MS = 240_000;
const MAX_REPORT_BYTES = 1024 * 1024;
/** A guest that fills the disk with its console is ended. */
const MAX_CONSOLE_CHARACTERS = 64 * 1024 * 1024;

export interface BootOptions {
  /** Starts a program: here, or in a namespace. */
  readonly start: (program: string, args: readonly string[], options: RunOptions) => Promise<RunningProgram>;
  readonly consoleLog: string;
  readonly timeoutMs: number;
  readonly toolsPath?: string | undefined;
  readonly emit: Emit;
}

export interface BootOutcome {
  readonly report: Report;
  /** What the console's lines say is wrong. */
  readonly problems: readonly Problem[];
  readonly consoleTail: readonly string[];
  /** `reported`: it came up (or into emergency mode) and said so. `stuck`: the console showed that it gets no further. */
  readonly end: 'reported' | 'stuck' | 'timed-out' | 'ended';
  /** Until the report was there, or until we stopped waiting. */
  readonly elapsedMs: number;
  /** From the report to the end of the machine; undefined when it did not power off by itself. */
  readonly shutdownMs: number | undefined;
}

/** @throws Iso2RootfsError TOOL_MISSING without QEMU, TOOL_FAILED when QEMU itself fails, or the reason of an abort */
export async function watchBoot(machine: Machine, options: BootOptions): Promise<BootOutcome> {
  const qemu = await findQemu(machine.arch, options.toolsPath);
  const [program, ...words] = DIES_WITH_US;
  const watch = new ConsoleWatch();
  let characters = 0;
  const running = await options.start(program, [...words, qemu, ...machineArguments(machine)], {
    logFile: options.consoleLog,
    reason: 'boot an image',
    onLine: (line) => {
      characters += line.length + 1;
      watch.readLine(line);
      options.emit({ type: 'console-line', line });
    },
  });
  const startedAt = performance.now();
  const elapsed = (): number => performance.now() - startedAt;
  const qemuEnd = { isThere: false, error: undefined as unknown };
  const ended = running.done.catch((error: unknown) => (qemuEnd.error = error)).finally(() => (qemuEnd.isThere = true));
  try {
    const deadlineMs = options.timeoutMs;
    let stuckAtMs: number | undefined;
    let end: BootOutcome['end'] | undefined;
    let report = parseReport('');
    while (end === undefined) {
      // Looked at before the report: what it wrote last is then in it.
      const isGone = qemuEnd.isThere;
      report = await readReport(machine.reportPath);
      stuckAtMs = watch.isOver || watch.isServerSilent ? (stuckAtMs ?? elapsed()) : undefined;
      if (report.isComplete) end = 'reported';
      else if (isGone) end = 'ended';
      else if (stuckAtMs !== undefined && elapsed() > stuckAtMs + lastWordsMs(watch, report)) end = 'stuck';
      else if (elapsed() > deadlineMs || characters > MAX_CONSOLE_CHARACTERS) end = 'timed-out';
      else await pause(ended);
    }
    const elapsedMs = elapsed();
    const shutdownMs = end === 'reported' ? await waitForShutdown() : undefined;
    if (qemuEnd.error !== undefined) throw toIso2RootfsError(qemuEnd.error);
    return { report, problems: watch.problems, consoleTail: [...watch.tail], end, elapsedMs, shutdownMs };
  } finally {
    await running.stop();
    await rm(machine.reportPath, { force: true });
  }

  async function waitForShutdown(): Promise<number | undefined> {
    const reportedAt = performance.now();
    let silentAt = Infinity;
    while (!qemuEnd.isThere && !watch.isStoppingForEver) {
      silentAt = watch.isServerSilent ? Math.min(silentAt, performance.now()) : Infinity;
      if (performance.now() > Math.min(reportedAt + SHUTDOWN_MS, silentAt + SILENT_SERVER_MS)) break;
      await pause(ended);
    }
    return qemuEnd.isThere ? performance.now() - reportedAt : undefined;
  }
}

function lastWordsMs(watch: ConsoleWatch, report: Report): number {
  if (!watch.isOver) return SILENT_SERVER_MS;
  return report.kernel === undefined ? LAST_WORDS_MS : LAST_REPORT_MS;
}

async function pause(ended: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([ended, new Promise((resolve) => (timer = setTimeout(resolve, POLL_MS)))]);
  clearTimeout(timer);
}

async function readReport(file: string): Promise<Report> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return parseReport('');
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(MAX_REPORT_BYTES) });
    return parseReport(buffer.toString('latin1', 0, bytesRead));
  } finally {
    await handle.close();
  }
}
