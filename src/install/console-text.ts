/**
 * Text of a serial console: bytes in chunks of any size go in, logical lines come out; the screen that a full-screen
 * installer draws is kept beside them. Never throws and never keeps more than one line of bounded length.
 *
 * A line ends with LF, or with a CR after which other text follows. Moving the cursor to another row ends a line too: what
 * stood between two such moves is a *fragment*. Text after {@link INSTALLER_LOG_MARKER} is a line of the installer's
 * own log that the answer file sends to the console; it is taken out of the stream before it can spoil the screen.
 */
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
// eslint-disable-next-line no-control-regex -- control characters are what this module is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
/** An escape sequence that does not end is noise: give up on it. */
const MAX_SEQUENCE_CHARACTERS = 256;
const MAX_STRING_CHARACTERS = 4096;

type State = 'text' | 'escape' | 'charset' | 'csi' | 'string' | 'string-escape';

export class ConsoleText {
  readonly screen = new Screen();
  readonly #onLine: ConsoleTextOptions['onLine'];
  readonly #maxLine: number;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #state: State = 'text';
  #sequence = '';
  #stringLength = 0;
  #held = '';
  #line = '';
  #column = 0;
  #returned = false;
  #isFragment = false;
  #log: string | undefined;
  #graphics = [false, false];
  #activeSet = 0;
  #designating = 0;
  #addressesCursor = false;

  constructor(options: ConsoleTextOptions) {
    this.#onLine = options.onLine;
    this.#maxLine = options.maxLineCharacters ?? 8192;
  }

  /** The text since the last end of line: a prompt has none. */
  get partialLine(): string {
    return this.#log ?? (this.#returned ? '' : this.#line) + this.#held;
  }

  /** True once a program has addressed the cursor: then {@link screen} says what is shown. */
  get addressesCursor(): boolean {
    return this.#addressesCursor;
  }

  write(chunk: Uint8Array): void {
    this.#take(this.#decoder.decode(chunk, { stream: true }));
  }

  /** Gives out what is still held back. */
  end(): void {
    this.#process(this.#held + this.#decoder.decode());
    this.#held = '';
    if (this.#log !== undefined) this.#endLog();
    this.#endLine();
  }

  #take(decoded: string): void {
    const text = this.#held + decoded;
    // A marker that is cut in two by the end of a chunk must not be missed.
    const whole = text.length - markerPrefixLength(text);
    this.#held = text.slice(whole);
    this.#process(text.slice(0, whole));
  }

  #process(text: string): void {
    let position = 0;
    while (position < text.length) {
      if (this.#state !== 'text') {
        this.#sequenceCharacter(text.charAt(position));
        position += 1;
        continue;
      }
      CONTROL.lastIndex = position;
      const end = CONTROL.exec(text)?.index ?? text.length;
      if (end > position) this.#text(text.slice(position, end));
      if (end < text.length) this.#control(text.charAt(end));
      position = end + 1;
    }
  }

  #text(run: string): void {
    if (this.#log !== undefined) {
      this.#log = (this.#log + run).slice(0, this.#maxLine);
      return;
    }
    const marker = run.indexOf(INSTALLER_LOG_MARKER);
    if (marker !== -1) {
      if (marker > 0) this.#plainText(run.slice(0, marker));
      this.#log = run.slice(marker + INSTALLER_LOG_MARKER.length, this.#maxLine);
      return;
    }
    this.#plainText(run);
  }

  #plainText(run: string): void {
    const text = this.#graphics[this.#activeSet] === true ? drawLines(run) : run;
    this.screen.write(text);
    if (this.#returned) this.#endLine();
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
    const line = this.#line;
    if (this.#column === line.length) {
      this.#line = line + text;
    } else {
      this.#line = line.slice(0, this.#column).padEnd(this.#column) + text + line.slice(this.#column + text.length);
    }
    this.#column += text.length;
  }

  #control(character: string): void {
    switch (character) {
      case '\n':
        if (this.#log !== undefined) {
          this.#endLog();
        } else {
          this.screen.lineFeed();
          this.#endLine();
        }
        break;
      case '\r':
        if (this.#log !== undefined) break;
        this.screen.carriageReturn();
        this.#returned = true;
        break;
      case '\b':
        this.screen.backspace();
        if (this.#returned) break;
        this.#column = Math.max(0, this.#column - 1);
        break;
      case '\t':
        if (this.#log !== undefined) {
          this.#log += ' ';
        } else {
          this.#text(' '.repeat(8 - (this.#column % 8)));
        }
        break;
      case '\u000e':
      case '\u000f':
        this.#activeSet = character === '\u000e' ? 1 : 0;
        break;
      case '\u001b':
        this.#state = 'escape';
        break;
      case '\u009b':
        this.#sequence = '';
        this.#state = 'csi';
        break;
      default:
        break;
    }
  }

  #sequenceCharacter(character: string): void {
    switch (this.#state) {
      case 'escape':
        this.#escape(character);
        break;
      case 'charset':
        this.#graphics[this.#designating] = character === '0';
        this.#state = 'text';
        break;
      case 'csi':
        if (character >= '@' && character <= '~') {
          this.#state = 'text';
          this.#controlSequence(character, this.#sequence);
        } else if (character === '\u001b') {
          this.#state = 'escape';
        } else if (character < ' ' && character !== '\u0018' && character !== '\u001a') {
          this.#control(character);
        } else if (character < ' ' || this.#sequence.length >= MAX_SEQUENCE_CHARACTERS) {
          this.#state = 'text';
        } else {
          this.#sequence += character;
        }
        break;
      case 'string':
        // OSC, DCS, APC, PM, SOS: a title, a picture; ends with BEL or ESC \.
        this.#stringLength += 1;
        if (character === '\u0007' || character === '\u009c' || this.#stringLength > MAX_STRING_CHARACTERS) {
          this.#state = 'text';
        } else if (character === '\u001b') {
          this.#state = 'string-escape';
        }
        break;
      case 'string-escape':
        if (character === '\\') this.#state = 'text';
        else this.#escape(character);
        break;
      case 'text':
        break;
    }
  }

  #escape(character: string): void {
    this.#state = 'text';
    switch (character) {
      case '[':
        this.#sequence = '';
        this.#state = 'csi';
        break;
      case ']':
      case 'P':
      case 'X':
      case '^':
      case '_':
        this.#stringLength = 0;
        this.#state = 'string';
        break;
      case '(':
      case ')':
        this.#designating = character === '(' ? 0 : 1;
        this.#state = 'charset';
        break;
      case '*':
      case '+':
      case '#':
      case '%':
      case ' ':
        // One more character belongs to it, and means nothing to us.
        this.#designating = 2;
        this.#state = 'charset';
        break;
      case '7':
        this.screen.saveCursor();
        break;
      case '8':
        this.screen.restoreCursor();
        this.#breakLine();
        break;
      case 'D':
      case 'E':
        if (character === 'E') this.screen.carriageReturn();
        this.screen.lineFeed();
        this.#endLine();
        break;
      case 'M':
        this.screen.reverseLineFeed();
        this.#breakLine();
        break;
      case 'c':
        this.screen.reset();
        this.#graphics = [false, false];
        this.#activeSet = 0;
        this.#endLine();
        break;
      case '\u001b':
        this.#state = 'escape';
        break;
      default:
        break;
    }
  }

  #controlSequence(final: string, sequence: string): void {
    if (final === 'm') return;
    const isPrivate = sequence.startsWith('?');
    const parameters = sequence.replace(/^\?/, '').split(';').map(toNumber);
    const count = Math.max(1, parameters[0] ?? 1);
    switch (final) {
      case 'H':
      case 'f':
        this.screen.moveTo(Math.max(1, parameters[0] ?? 1) - 1, Math.max(1, parameters[1] ?? 1) - 1);
        this.#addressesCursor = true;
        this.#breakLine();
        break;
      case 'A':
      case 'B':
      case 'E':
      case 'F':
        this.screen.moveBy(final === 'A' || final === 'F' ? -count : count, 0);
        if (final === 'E' || final === 'F') this.screen.carriageReturn();
        this.#breakLine();
        break;
      case 'd':
        this.screen.moveTo(count - 1, 0);
        this.#breakLine();
        break;
      case 'C':
      case 'D':
        this.screen.moveBy(0, final === 'C' ? count : -count);
        this.#moveColumn(final === 'C' ? Math.min(count, this.screen.columns) : -count);
        break;
      case 'G':
      case '`':
        this.screen.moveToColumn(count - 1);
        this.#moveColumn(Math.min(count, this.screen.columns) - 1 - this.#column);
        break;
      case 'J':
        this.screen.eraseScreen(parameters[0] ?? 0);
        this.#breakLine();
        break;
      case 'K':
        this.screen.eraseLine(parameters[0] ?? 0);
        if (this.#returned) break;
        if (parameters[0] === 2) this.#line = '';
        else if (parameters[0] !== 1) this.#line = this.#line.slice(0, this.#column);
        break;
      case 'X':
        this.screen.eraseCharacters(count);
        break;
      case 'P':
        this.screen.deleteCharacters(count);
        break;
      case '@':
        this.screen.insertBlanks(count);
        break;
      case 'L':
        this.screen.insertLines(count);
        break;
      case 'M':
        this.screen.deleteLines(count);
        break;
      case 'r':
        if (isPrivate) break;
        this.screen.setScrollRegion(Math.max(1, parameters[0] ?? 1) - 1, (parameters[1] ?? MAX_STRING_CHARACTERS) - 1);
        this.#breakLine();
        break;
      case 'h':
      case 'l':
        if (!isPrivate && parameters[0] === 4) this.screen.insertMode = final === 'h';
        break;
      case 's':
        this.screen.saveCursor();
        break;
      case 'u':
        this.screen.restoreCursor();
        this.#breakLine();
        break;
      default:
        break;
    }
  }

  #moveColumn(by: number): void {
    if (this.#returned) this.#endLine();
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
    this.#returned = false;
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

function toNumber(parameter: string): number | undefined {
  const value = Number.parseInt(parameter, 10);
  return Number.isNaN(value) ? undefined : value;
}
