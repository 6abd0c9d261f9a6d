/**
 * Watches an installation with three senses: the serial console, the installer's own log, and what the machine does
 * (block, network and CPU counters). Says what the installer is doing, and gives a verdict within 10 seconds when it has
 * failed or waits for an answer. Knows no libvirt and no timers: bytes, counters and a clock are given to it.
 *
 * Success is none of its business: that is the token, on the disk.
 */
import type { InstallerFamily } from '../distro/types.js';
import type { Emit } from '../events.js';
import { ActivityMonitor, type ActivitySample } from './activity.js';
import { type ConsoleLineKind, ConsoleText } from './console-text.js';
import { type Dialog, findDialog } from './dialog.js';
import { type Failure, FailureFinder } from './failure-finder.js';
import { findOverdue, type Limits } from './overdue.js';
import { findPhase } from './phases.js';
import { findQuestion, type Question } from './question.js';
import { isBackgroundLine, isReadable, messageOf, signatureOf, withoutFrame } from './text.js';
import { toVerdict, type Verdict, type VerdictFacts } from './verdict.js';

/** What an answer file's last script prints before the token of this build. */
export const TOKEN_MARKER = 'iso2rootfs-token: ';

export interface InstallationWatchOptions extends Limits {
  readonly family: InstallerFamily;
  /** Milliseconds that never go back. Default: performance.now. */
  readonly now?: () => number;
  /** The token of this build; without it any token counts. */
  readonly token?: string;
  readonly emit?: Emit;
  /** Named in events. Default: `install`. */
  readonly stage?: string;
  /** Below this share of one CPU the machine is idle. Default: 0.05. */
  readonly idleCpuShare?: number;
}

const TAIL_LINES = 40;
const TAIL_LINE_CHARACTERS = 500;
const RECENT_LINES = 80;
/** Automatic installs print questions and pass them by: only one that stays is one. */
const QUESTION_QUIET_MS = 5000;
/** Words that always mean a question need no idle machine to be believed. */
const CERTAIN_QUESTION_QUIET_MS = 8000;
const ERROR_DIALOG_QUIET_MS = 2500;
const REMEMBERED_SIGNATURES = 64;

export class InstallationWatch {
  readonly #options: InstallationWatchOptions;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #console: ConsoleText;
  readonly #log: ConsoleText;
  readonly #failures: FailureFinder;
  readonly #activity: ActivityMonitor;
  #recent: string[] = [];
  #tail: string[] = [];
  #signatures: string[] = [];
  #shown = '';
  #shownAt: number;
  #hasNewText = false;
  #hasSamples = false;
  #phase: string | undefined;
  #hasLogPhase = false;
  #tokenSeen = false;
  #verdict: Verdict | undefined;

  constructor(options: InstallationWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#startedAt = this.#now();
    this.#shownAt = this.#startedAt;
    this.#failures = new FailureFinder(options.family);
    this.#activity = new ActivityMonitor(
      this.#startedAt,
      options.idleCpuShare === undefined ? {} : { idleCpuShare: options.idleCpuShare },
    );
    this.#console = new ConsoleText({ onLine: (text, kind) => this.#addConsoleLine(text, kind) });
    this.#log = new ConsoleText({ onLine: (text) => this.#addLogLine(text) });
  }

  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /** The token of this build was printed on the console. */
  get tokenSeen(): boolean {
    return this.#tokenSeen;
  }

  /** What the installer is doing, in its own words or ours. */
  get phase(): string | undefined {
    return this.#phase;
  }

  /** The last 40 lines of the console that hold text. */
  get tail(): readonly string[] {
    return this.#tail;
  }

  feedConsole(chunk: Uint8Array): void {
    this.#console.write(chunk);
    this.#hasNewText = true;
  }

  /** Bytes of the installer's own log, e.g. of Anaconda's virtio port `org.fedoraproject.anaconda.log.0`. */
  feedInstallerLog(chunk: Uint8Array): void {
    this.#log.write(chunk);
  }

  feedActivity(sample: ActivitySample): void {
    this.#hasSamples = true;
    this.#activity.addSample(sample, this.#now());
  }

  /** Looks at what is known; to be called about once a second. The first verdict stays. */
  check(): Verdict | undefined {
    if (this.#verdict !== undefined) return this.#verdict;
    const now = this.#now();
    this.#noticeNewText(now);
    const failure = this.#failures.settled(now);
    // Once the token was printed, only what a script or the kernel says for certain counts: the system is being shut down.
    if (failure !== undefined && !(this.#tokenSeen && failure.outcome === 'traceback')) return this.#fail(failure);
    const question = this.#findQuestion();
    if (question !== undefined && this.#hasBeenAsked(question, now)) return this.#report(question);
    const presumed = question === undefined && !this.#tokenSeen ? this.#failures.presumed(now) : undefined;
    if (presumed !== undefined && presumed.outcome !== 'waits-for-input') return this.#fail(presumed);
    return this.#checkClock(now);
  }

  /** The machine has ended and its disk lacks the token: says why. */
  finish(): Verdict {
    const verdict = this.conclude();
    if (verdict !== undefined) return verdict;
    const cause = this.#failures.cause;
    return this.#decide({
      kind: 'failure',
      outcome: 'powered-off-without-installing',
      ...(cause === undefined ? {} : { line: cause.line, cause }),
    });
  }

  /** No more will come: the verdict on what there is, without waiting for anything; undefined when nothing is wrong. */
  conclude(): Verdict | undefined {
    if (this.#verdict !== undefined) return this.#verdict;
    this.#log.end();
    const question = this.#findQuestion();
    this.#console.end();
    const failure = this.#failures.settled(Infinity);
    if (failure !== undefined) return this.#fail(failure);
    if (question !== undefined && (question.isCertain || question.failure !== undefined)) return this.#report(question);
    const presumed = this.#tokenSeen ? undefined : this.#failures.presumed(Infinity);
    return presumed === undefined || presumed.outcome === 'waits-for-input' ? undefined : this.#fail(presumed);
  }

  #addConsoleLine(line: string, kind: ConsoleLineKind): void {
    // Without cursor addressing a drawn frame is only decoration of a line.
    const text = kind === 'line' && !this.#console.addressesCursor ? withoutFrame(line) : line;
    const isShown = isReadable(text);
    if (isShown) {
      keep(this.#tail, text.slice(0, TAIL_LINE_CHARACTERS), TAIL_LINES);
      this.#options.emit?.({ type: 'console-line', line: text });
      if (kind !== 'log') keep(this.#recent, text.slice(0, TAIL_LINE_CHARACTERS), RECENT_LINES);
    } else if (kind === 'line' && /^[=-]{20,}$/.test(text.trim())) {
      keep(this.#recent, text, RECENT_LINES);
    }
    // Rows of a dialog are read together, from the screen.
    if (!isShown && kind !== 'log') return;
    this.#readLine(text, kind === 'log' ? 'both' : 'console', kind === 'log' || !isBackgroundLine(text));
  }

  #addLogLine(text: string): void {
    this.#readLine(text, 'installer-log', true);
  }

  #readLine(text: string, scope: 'console' | 'installer-log' | 'both', isForeground: boolean): void {
    const now = this.#now();
    const message = messageOf(text);
    this.#noticeToken(message);
    this.#failures.addLine(text, scope, now);
    const report = findPhase(message, this.#options.family);
    if (report !== undefined) {
      this.#failures.markProgress();
      this.#hasLogPhase = true;
      this.#enterPhase(report.phase, now);
      if (report.progress !== undefined) this.#emitProgress(report.progress);
    }
    const signature = signatureOf(text);
    if (signature === '' || this.#signatures.includes(signature)) return;
    keep(this.#signatures, signature, REMEMBERED_SIGNATURES);
    this.#markText(now, isForeground);
    if (isForeground && scope === 'console') this.#shownAt = now;
  }

  #noticeToken(message: string): void {
    const words = message.replace(/^in-target: /, '');
    if (!words.startsWith(TOKEN_MARKER)) return;
    const token = words.slice(TOKEN_MARKER.length).trim();
    if (this.#options.token === undefined ? token !== '' : token === this.#options.token) this.#tokenSeen = true;
  }

  #markText(now: number, isForeground: boolean): void {
    if (isForeground) this.#activity.markMoved(now);
    else this.#activity.markActive(now);
  }

  #enterPhase(phase: string, now: number): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#activity.markMoved(now);
    this.#options.emit?.({ type: 'phase', stage: this.#options.stage ?? 'install', phase });
  }

  #emitProgress(progress: { unit: 'packages' | 'percent'; done: number; total?: number }): void {
    this.#options.emit?.({ type: 'progress', stage: this.#options.stage ?? 'install', ...progress });
  }

  /** What is shown now differs from before in more than its clock: the machine is alive, and a question is not yet one. */
  #noticeNewText(now: number): void {
    if (!this.#hasNewText) return;
    this.#hasNewText = false;
    const rows = this.#console.addressesCursor ? this.#console.screen.rows : [];
    const partialLine = this.#console.addressesCursor ? '' : this.#console.partialLine;
    const shown = [...rows, partialLine].map(signatureOf).join('\n');
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#shownAt = now;
    this.#markText(now, !isBackgroundLine(partialLine));
    const dialog = rows.length > 0 ? findDialog(rows) : undefined;
    if (dialog?.isQuestion === false) this.#noticeProgressBox(dialog, now);
  }

  #noticeProgressBox(dialog: Dialog, now: number): void {
    if (!this.#hasLogPhase && dialog.title !== '') this.#enterPhase(lowerFirst(dialog.title), now);
    const percent = /\b(\d{1,3})%/.exec(dialog.text)?.[1];
    if (percent !== undefined) this.#emitProgress({ unit: 'percent', done: Number(percent), total: 100 });
  }

  #findQuestion(): Question | undefined {
    return findQuestion(this.#console, this.#recent, this.#failures);
  }

  #hasBeenAsked(question: Question, now: number): boolean {
    const quietMs = now - this.#shownAt;
    if (question.failure !== undefined) return quietMs >= ERROR_DIALOG_QUIET_MS;
    if (quietMs < QUESTION_QUIET_MS) return false;
    const isResting = this.#activity.isResting(now, QUESTION_QUIET_MS - 1000);
    if (question.isCertain) return isResting || quietMs >= CERTAIN_QUESTION_QUIET_MS;
    return this.#hasSamples && isResting;
  }

  #checkClock(now: number): Verdict | undefined {
    const overdue = findOverdue({ ...this.#options, startedAt: this.#startedAt, activity: this.#activity, now });
    if (overdue === undefined) return undefined;
    const line = overdue.outcome === 'stalled' ? this.#tail.at(-1) : undefined;
    return this.#decide({
      kind: 'stuck',
      ...overdue,
      cause: this.#failures.cause,
      ...(line === undefined ? {} : { line: messageOf(line) }),
    });
  }

  #report(question: Question): Verdict {
    if (question.failure !== undefined) return this.#fail(question.failure, question.text);
    return this.#decide({
      kind: 'stuck',
      outcome: 'waits-for-input',
      question: question.text,
      hint: question.hint,
      cause: this.#failures.cause,
    });
  }

  #fail(failure: Failure, question?: string): Verdict {
    return this.#decide({
      kind: 'failure',
      outcome: failure.outcome,
      line: failure.line,
      hint: failure.hint,
      ...(question === undefined ? {} : { question }),
    });
  }

  #decide(facts: Omit<VerdictFacts, 'phase' | 'tail'>): Verdict {
    this.#verdict = toVerdict({ ...facts, phase: this.#phase, tail: this.#tail });
    return this.#verdict;
  }
}

function keep(list: string[], entry: string, most: number): void {
  list.push(entry);
  if (list.length > most) list.shift();
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
