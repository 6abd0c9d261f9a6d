/** Reads lines with the eyes of the pattern packs, and makes one failure out of what belongs together. */
import type { InstallerFamily } from '../distro/types.js';
import type { Outcome } from './outcomes.js';
import { type Pattern, PatternMatcher, type PatternScope, rank } from './patterns/index.js';
import { messageOf } from './text.js';

export interface Failure {
  readonly outcome: Outcome;
  /** The installer's own words. */
  readonly line: string;
  readonly patternId: string;
  readonly hint?: string;
}

interface Hit {
  pattern: Pattern;
  message: string;
  readonly scope: PatternScope;
  readonly at: number;
  readonly atLine: number;
  /** Lines after it, while the failure settles. */
  following: string[];
}

/** How long the lines that follow may add to a failure: an introduction is followed by the message itself. */
const SETTLE_MS = 2000;
/** How long an installer has to prove that a presumed failure was none, unless the pattern says otherwise. */
const PATIENCE_MS = 7000;
/** A clue explains what comes at most this many lines after it. */
const CLUE_REACH_LINES = 300;
const MAX_CLUES = 20;
/** Nothing that an installer says is longer before its point; a hostile guest shall not make the patterns slow. */
const MAX_MATCHED_CHARACTERS = 1000;
const MAX_FOLLOWING = 40;
const MAX_QUOTE_CHARACTERS = 400;
/** What an installer prints around its message. */
const FRAME =
  /^(The exact error message is:?|The installer will now terminate\.?|The installation was stopped due to an error which occurred|An error occurred during reading the kickstart file:?|There was an error running the kickstart script|The details of this error are:?|Running in cmdline mode, no interactive|Press ENTER|Error$|[=*#-]{4,}|#\s*#?$|cannot be any questions|non-interactive cmdline mode|kickstart file and retry|your kickstart file and retry|Kickstart file|This is a fatal error|error and installation will be aborted|An error occurred\. Press enter|Please respond)/i;
/** Lines of systemd and of the terminal bar that come between. */
const NOISE = /^$|^\[ {0,2}(OK|FAILED|DEPEND) {0,2}\]|^(Starting|Started|Finished) .*\.(\.\.)?$|Switch tab: Alt\+Tab/;
const CLOSES = /The installer will now terminate|Press (ENTER|enter) to (exit|quit)/;
const EXCEPTION = /^((\w+\.)*\w*(Error|Exception|Exit|Failure|Timeout|Interrupt)\b(:|$)|([a-z]\w*\.)+\w+: )/;

export class FailureFinder {
  readonly #matcher: PatternMatcher;
  #settling: Hit | undefined;
  #presumed: Hit | undefined;
  #clues: Hit[] = [];
  #previous = { line: '', message: '' };
  #lines = 0;
  #isClosed = false;

  constructor(family: InstallerFamily) {
    this.#matcher = new PatternMatcher(family);
  }

  addLine(wholeLine: string, scope: PatternScope, now: number): void {
    const line = wholeLine.slice(0, MAX_MATCHED_CHARACTERS);
    this.#lines += 1;
    const message = messageOf(line);
    // A terminal cuts at 80 columns; the installer's words go on in the next line.
    const previous = this.#previous;
    this.#previous = { line, message };
    for (const open of [this.#settling, this.#presumed, this.#clues.at(-1)]) {
      if (open?.scope === scope && open.following.length < MAX_FOLLOWING && !NOISE.test(message)) {
        open.following.push(message);
      }
    }
    if (CLOSES.test(message)) this.#isClosed = true;
    const patterns = this.#matcher.match(line, scope);
    for (const pattern of patterns) this.#addHit(pattern, message, scope, now);
    if (patterns.length > 0 || previous.message.length < 60 || previous.message.length > 300) return;
    for (const pattern of this.#matcher.match(`${previous.line} ${message}`, scope)) {
      this.#addHit(pattern, `${previous.message} ${message}`, scope, now);
    }
  }

  /** The text of a dialog that waits: the failure that it reports, if it does. */
  matchDialog(text: string): Failure | undefined {
    const pattern = this.#matcher.match(text, 'both').find(({ outcome }) => outcome !== 'waits-for-input');
    if (pattern === undefined) return undefined;
    return this.#explain({ pattern, message: text, scope: 'console', at: 0, atLine: this.#lines, following: [] });
  }

  /** The installer goes on: a presumed failure was none. */
  markProgress(): void {
    this.#presumed = undefined;
  }

  /** Why the installer may be asking or have ended. */
  get cause(): Failure | undefined {
    const hit = this.#presumed ?? this.#recentClue();
    return hit === undefined || hit.pattern.outcome === 'waits-for-input' ? undefined : this.#explain(hit);
  }

  /** A failure whose words are complete. */
  settled(now: number): Failure | undefined {
    const hit = this.#settling;
    if (hit === undefined || (!this.#isClosed && now - hit.at < SETTLE_MS)) return undefined;
    return this.#explain(hit);
  }

  presumed(now: number): Failure | undefined {
    const hit = this.#presumed;
    return hit === undefined || now - hit.at < (hit.pattern.patienceMs ?? PATIENCE_MS) ? undefined : this.#explain(hit);
  }

  #addHit(pattern: Pattern, message: string, scope: PatternScope, now: number): void {
    const hit: Hit = { pattern, message, scope, at: now, atLine: this.#lines, following: [] };
    switch (pattern.weight ?? 'fatal') {
      case 'clue':
        this.#clues.push(hit);
        if (this.#clues.length > MAX_CLUES) this.#clues.shift();
        break;
      case 'presumed':
        if (this.#presumed === undefined) this.#presumed = hit;
        else if (rank(pattern) < rank(this.#presumed.pattern)) this.#presumed = { ...hit, at: this.#presumed.at };
        break;
      case 'fatal':
        if (this.#settling === undefined) {
          this.#settling = hit;
          this.#isClosed = CLOSES.test(message);
        } else if (rank(pattern) < rank(this.#settling.pattern)) {
          this.#settling = { ...hit, at: this.#settling.at };
        }
        break;
    }
  }

  #recentClue(): Hit | undefined {
    return this.#clues.findLast((clue) => this.#lines - clue.atLine <= CLUE_REACH_LINES);
  }

  #explain(hit: Hit): Failure {
    const reason = hit.pattern.isGeneric === true ? this.#reasonFor(hit) : undefined;
    const told = reason ?? hit;
    const hint = told.pattern.hint ?? hit.pattern.hint;
    return {
      outcome: told.pattern.outcome,
      line: quote(told),
      patternId: told.pattern.id,
      ...(hint === undefined ? {} : { hint }),
    };
  }

  /** What tells more than a generic message: near it, and not generic itself if possible. */
  #reasonFor(hit: Hit): Hit | undefined {
    const candidates = [this.#presumed, ...this.#clues.toReversed()].filter(
      (candidate): candidate is Hit =>
        candidate !== undefined && Math.abs(candidate.atLine - hit.atLine) <= CLUE_REACH_LINES,
    );
    const specific = candidates.filter(({ pattern }) => pattern.isGeneric !== true);
    const told = specific.sort((a, b) => rank(a.pattern) - rank(b.pattern))[0];
    return told ?? (FRAME.test(quote(hit)) ? candidates[0] : undefined);
  }
}

/** The message that an introduction introduces; else the line itself. */
function quote(hit: Hit): string {
  const { pattern, message, following } = hit;
  if (pattern.introduces !== true) return cut(message);
  if (/Traceback \(|unknown error has occured/.test(message))
    return cut(following.findLast((line) => EXCEPTION.test(line)) ?? message);
  const end = following.findIndex((line) => CLOSES.test(line));
  const told = (end === -1 ? following : following.slice(0, end))
    .slice(0, 8)
    .filter((line, index, lines) => line !== '' && !FRAME.test(line) && lines.indexOf(line) === index);
  const isTelling = !FRAME.test(message);
  return cut([...(isTelling ? [message] : []), ...told.slice(0, isTelling ? 2 : 4)].join(' ') || message);
}

function cut(text: string): string {
  return text.length > MAX_QUOTE_CHARACTERS ? `${text.slice(0, MAX_QUOTE_CHARACTERS - 1)}…` : text;
}
