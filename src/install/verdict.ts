import { type ErrorCode, Iso2RootfsError } from '../errors.js';
import type { Failure } from './failure-finder.js';
import { type Outcome, OUTCOMES, type RetryResource, retryResource } from './outcomes.js';

/** Why an installation has ended, or must be ended, without success. */
export interface Verdict {
  /** `stuck`: the machine runs and nothing more will come of it. */
  readonly kind: 'failure' | 'stuck';
  readonly outcome: Outcome;
  readonly code: ErrorCode;
  /** One line: what happened and the installer's own words. */
  readonly message: string;
  /** What to try. */
  readonly hint: string;
  /** The installer's own line; empty where it said nothing. */
  readonly line: string;
  /** What it asks, with the title of the dialog. */
  readonly question?: string;
  /** What seems to have led to a question, a stall or an early end. */
  readonly cause?: Failure;
  /** A second attempt with more of this may succeed. */
  readonly retryWith?: RetryResource;
  /** What the installer was doing. */
  readonly phase?: string;
  /** The last 40 lines of the console that hold text. */
  readonly tail: readonly string[];
}

export interface VerdictFacts {
  readonly kind: Verdict['kind'];
  readonly outcome: Outcome;
  readonly line?: string;
  readonly question?: string;
  readonly cause?: Failure | undefined;
  readonly hint?: string | undefined;
  readonly phase: string | undefined;
  readonly tail: readonly string[];
  /** For stalls and time-outs, in milliseconds. */
  readonly elapsedMs?: number;
  /** It stalled though it went on computing. */
  readonly isSpinning?: boolean;
}

export function toVerdict(facts: VerdictFacts): Verdict {
  const entry = OUTCOMES[facts.outcome];
  const line = facts.line ?? facts.cause?.line ?? '';
  const retryWith = retryResource(facts.outcome) ?? (facts.cause && retryResource(facts.cause.outcome));
  return {
    kind: facts.kind,
    outcome: facts.outcome,
    code: entry.code,
    message: wordMessage(facts, entry.summary, line),
    hint: facts.hint ?? facts.cause?.hint ?? (facts.cause ? OUTCOMES[facts.cause.outcome].hint : entry.hint),
    line,
    ...(facts.question === undefined ? {} : { question: facts.question }),
    ...(facts.cause === undefined ? {} : { cause: facts.cause }),
    ...(retryWith === undefined ? {} : { retryWith }),
    ...(facts.phase === undefined ? {} : { phase: facts.phase }),
    tail: [...facts.tail],
  };
}

function wordMessage(facts: VerdictFacts, summary: string, line: string): string {
  const during = facts.phase === undefined ? '' : ` (last phase: ${facts.phase})`;
  const after = facts.elapsedMs === undefined ? '' : ` for ${wordDuration(facts.elapsedMs)}`;
  const said = facts.question ?? line;
  switch (facts.outcome) {
    case 'stalled':
      return `${summary}: ${facts.isSpinning === true ? 'it has only computed' : 'nothing has happened'}${after}${during}${line === '' ? '' : `; it last said: ${line}`}`;
    case 'timed-out':
      return `${summary}: it ran${after}${during}`;
    case 'waits-for-input':
      return `${summary}: ${said}${facts.cause === undefined ? '' : ` (it said before: ${facts.cause.line})`}`;
    default:
      return said === '' ? `${summary}${during}` : `${summary}: ${said}`;
  }
}

function wordDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds >= 120 ? `${Math.round(seconds / 60)} min` : `${seconds} s`;
}

/** @param log the console's log file */
export function toError(verdict: Verdict, log?: string): Iso2RootfsError {
  return new Iso2RootfsError(verdict.code, verdict.message, {
    hint: verdict.hint,
    ...(log === undefined ? {} : { log }),
    data: {
      outcome: verdict.outcome,
      line: verdict.line,
      question: verdict.question ?? null,
      cause: verdict.cause?.outcome ?? null,
      phase: verdict.phase ?? null,
      retryWith: verdict.retryWith ?? null,
      console: verdict.tail,
    },
  });
}
