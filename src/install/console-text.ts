/**
 * Text of a serial console: bytes in chunks of any size go in, logical lines come out; the screen that a full-screen
 * installer draws is kept beside them. Never throws and never keeps more than one line of bounded length.
 *
 * A line ends with LF, or with a CR after which other text follows. Moving the cursor to another row ends a line too: what
 * stood between two such moves is a *fragment*. Text after {@link INSTALLER_LOG_MARKER} is a line of the installer's
 * own log that the answer file sends to the console; it is taken out of the stream before it can spoil the screen.
 */
import { EscapeParser, type TerminalHandler } from './escape-parser.js';
import { Screen } from './screen.js';

/** What an answer file puts before each line of the installer's log that it sends to the serial console. */
export const INSTALLER_LOG_MARKER = 'DI| ';

export type ConsoleLineKind = 'line' | 'fragment' | 'log';

export interface ConsoleTextOptions {
  readonly onLine: (text: string, kind: ConsoleLineKind) => void;
  /** A line is cut when it reaches this length. Default: 8192. */
  readonly maxLineCharacters?: number;
}

/** ISO 2022 "DEC special graphics" 0x60-0x7e. */
const LINE_DRAWING =
  '\u25c6\u2592\u2409\u240c\u240d\u240a\u00b0\u00b1\u2424\u240b┘┐┌└┼\u23ba\u23bb─\u23bc\u23bd├┤┴┬│≤≥π≠£·';
const SHIFT_OUT = '\u000e';
const SHIFT_IN = '\u000f';

export class ConsoleText {
  readonly screen = new Screen();
  readonly #onLine: ConsoleTextOptions['onLine'];
  readonly #maxLine: number;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #parser: EscapeParser;
  /** The end of a chunk that may be the beginning of a marker. */
  #held = '';
  #line = '';
  #column = 0;
  /** A CR came last: what follows decides whether it ended a line. */
  #hasReturned = false;
  #isFragment = false;
  #log: string | undefined;
  #drawsLines = [false, false];
  #activeSet = 0;
  #addressesCursor = false;

  constructor(options: ConsoleTextOptions) {
    this.#onLine = options.onLine;
    this.#maxLine = options.maxLineCharacters ?? 8192;
    const handler: TerminalHandler = {
      printText: (run) => this.#printText(run),
      control: (character) => this.#control(character),
      escape: (final) => this.#escape(final),
      designate: (slot, set) => {
        this.#drawsLines[slot] = set === '0';
      },
      controlSequence: (final, parameters) => this.#controlSequence(final, parameters),
    };
    this.#parser = new EscapeParser(handler);
  }

  /** The text since the last end of line: a prompt has none. */
  get partialLine(): string {
    return this.#log ?? (this.#hasReturned ? '' : this.#line) + this.#held;
  }

  /** True once a program has addressed the cursor: then {@link screen} says what is shown. */
  get addressesCursor(): boolean {
    return this.#addressesCursor;
  }

  write(chunk: Uint8Array): void {
    const text = this.#held + this.#decoder.decode(chunk, { stream: true });
    // A marker that is cut in two by the end of a chunk must not be missed.
    const whole = text.length - markerPrefixLength(text);
    this.#held = text.slice(whole);
    this.#parser.parse(text.slice(0, whole));
  }

  /** Gives out what is still held back. */
  end(): void {
    this.#parser.parse(this.#held + this.#decoder.decode());
    this.#held = '';
    if (this.#log !== undefined) this.#endLog();
    this.#endLine();
  }

  #printText(run: string): void {
    if (this.#log !== undefined) {
      this.#log = (this.#log + run).slice(0, this.#maxLine);
      return;
    }
    const marker = run.indexOf(INSTALLER_LOG_MARKER);
    if (marker !== 0) this.#printPlain(marker === -1 ? run : run.slice(0, marker));
    if (marker !== -1) this.#log = run.slice(marker + INSTALLER_LOG_MARKER.length, this.#maxLine);
  }

  #printPlain(run: string): void {
    const text = this.#drawsLines[this.#activeSet] === true ? drawLines(run) : run;
    this.screen.write(text);
    if (this.#hasReturned) this.#endLine();
    let rest = text;
    while (this.#column + rest.length > this.#maxLine) {
      const room = this.#maxLine - this.#column;
      this.#overwrite(rest.slice(0, room));
      rest = rest.slice(room);
      this.#endLine();
    }
    this.#overwrite(rest);
  }

  #overwrite(text: string): void {
    const before = this.#line.slice(0, this.#column).padEnd(this.#column);
    this.#line = before + text + this.#line.slice(this.#column + text.length);
    this.#column += text.length;
  }

  #control(character: string): void {
    if (character === '\n') {
      if (this.#log !== undefined) {
        this.#endLog();
        return;
      }
      this.screen.lineFeed();
      this.#endLine();
    } else if (character === '\t') {
      this.#printText(' '.repeat(8 - (this.#column % 8)));
    } else if (character === SHIFT_OUT || character === SHIFT_IN) {
      this.#activeSet = character === SHIFT_OUT ? 1 : 0;
    } else if (this.#log !== undefined) {
      return;
    } else if (character === '\r') {
      this.screen.carriageReturn();
      this.#hasReturned = true;
    } else if (character === '\b') {
      this.screen.backspace();
      if (!this.#hasReturned) this.#column = Math.max(0, this.#column - 1);
    }
  }

  #escape(final: string): void {
    switch (final) {
      case '7':
        this.screen.saveCursor();
        break;
      case '8':
        this.screen.restoreCursor();
        this.#breakLine();
        break;
      case 'E':
        this.screen.carriageReturn();
        this.screen.lineFeed();
        this.#endLine();
        break;
      case 'D':
        this.screen.lineFeed();
        this.#endLine();
        break;
      case 'M':
        this.screen.reverseLineFeed();
        this.#breakLine();
        break;
      case 'c':
        this.screen.reset();
        this.#drawsLines = [false, false];
        this.#activeSet = 0;
        this.#endLine();
        break;
      default:
        break;
    }
  }

  #controlSequence(final: string, parameters: readonly (number | undefined)[]): void {
    if (final === 'm') return;
    this.screen.controlSequence(final, parameters);
    const count = Math.max(1, parameters[0] ?? 1);
    switch (final) {
      case 'H':
      case 'f':
        this.#addressesCursor = true;
        this.#breakLine();
        break;
      case 'A':
      case 'B':
      case 'E':
      case 'F':
      case 'd':
      case 'J':
      case 'r':
      case 'u':
        this.#breakLine();
        break;
      case 'C':
      case 'D':
        this.#moveColumn(final === 'C' ? Math.min(count, this.screen.columns) : -count);
        break;
      case 'G':
      case '`':
        this.#moveColumn(Math.min(count, this.screen.columns) - 1 - this.#column);
        break;
      case 'K':
        if (this.#hasReturned) break;
        if (parameters[0] === 2) this.#line = '';
        else if (parameters[0] !== 1) this.#line = this.#line.slice(0, this.#column);
        break;
      default:
        break;
    }
  }

  #moveColumn(by: number): void {
    if (this.#hasReturned) this.#endLine();
    this.#column = Math.min(Math.max(0, this.#column + by), this.#maxLine);
  }

  #endLog(): void {
    const log = this.#log ?? '';
    this.#log = undefined;
    this.#onLine(log.trimEnd(), 'log');
  }

  #endLine(): void {
    const line = this.#line.trimEnd();
    const kind = this.#isFragment ? 'fragment' : 'line';
    this.#line = '';
    this.#column = 0;
    this.#hasReturned = false;
    this.#isFragment = false;
    if (line !== '') this.#onLine(line, kind);
  }

  #breakLine(): void {
    if (this.#log !== undefined) this.#endLog();
    this.#isFragment = true;
    this.#endLine();
    this.#isFragment = true;
  }
}

/** How many characters at the end of `text` may be the start of a log marker. */
function markerPrefixLength(text: string): number {
  for (let length = INSTALLER_LOG_MARKER.length - 1; length > 0; length -= 1) {
    if (text.endsWith(INSTALLER_LOG_MARKER.slice(0, length))) return length;
  }
  return 0;
}

function drawLines(text: string): string {
  return text.replace(/[`-~]/g, (character) => LINE_DRAWING.charAt(character.charCodeAt(0) - 0x60));
}
