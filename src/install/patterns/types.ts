import type { Outcome } from '../outcomes.js';

/** Which text a pattern is looked for in: the serial console, the installer's own log, or both. */
export type PatternScope = 'console' | 'installer-log' | 'both';

/**
 * What a match means.
 * - `fatal`: the installation has failed.
 * - `presumed`: it has failed unless the installer goes on (then it was not), or asks (then it is the reason of the question).
 * - `clue`: nothing by itself; it explains a failure that something else reports.
 */
export type PatternWeight = 'fatal' | 'presumed' | 'clue';

export interface Pattern {
  /** Unique; named in logs and tests. */
  readonly id: string;
  readonly outcome: Outcome;
  readonly regex: RegExp;
  /** Lines that match {@link regex} and mean no harm. */
  readonly except?: RegExp;
  /** Default: `both`. */
  readonly scope?: PatternScope;
  /** Default: `fatal`. */
  readonly weight?: PatternWeight;
  /** The message itself is in the lines that follow this one. */
  readonly introduces?: boolean;
  /** How long a presumed failure waits for the installer to go on, in milliseconds. Default: 7000. */
  readonly patienceMs?: number;
  /** Says that something failed but not what: a more telling line, before or after, gives the outcome. */
  readonly isGeneric?: boolean;
  /** In place of the outcome's. */
  readonly hint?: string;
}

export interface PatternPack {
  readonly patterns: readonly Pattern[];
  /** Lines in which nothing is looked for. */
  readonly ignore: readonly RegExp[];
}
