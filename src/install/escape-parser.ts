/** Takes terminal output apart: printable runs, control characters, escape sequences; sequences may be cut anywhere. */

export interface TerminalHandler {
  /** A run of printable characters. */
  printText(run: string): void;
  /** BS, HT, LF, CR, SO, SI and other single controls. */
  control(character: string): void;
  /** ESC and one character: `M`, `7`, `c`... */
  escape(final: string): void;
  /** ESC ( or ESC ) and the set: `0` is line drawing, `B` ASCII. */
  designate(slot: number, set: string): void;
  /** CSI: final character and numeric parameters, undefined where left out. */
  controlSequence(final: string, parameters: readonly (number | undefined)[]): void;
}

// eslint-disable-next-line no-control-regex -- control characters are what this module is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
/** A sequence that does not end is noise: give up on it. */
const MAX_SEQUENCE_CHARACTERS = 256;
const MAX_STRING_CHARACTERS = 4096;
/** Slots for which a further character belongs to the sequence and means nothing to us. */
const IGNORED_SLOT = 2;

type State = 'text' | 'escape' | 'charset' | 'csi' | 'string' | 'string-escape';

export class EscapeParser {
  readonly #handler: TerminalHandler;
  #state: State = 'text';
  #sequence = '';
  #stringLength = 0;
  #slot = 0;

  constructor(handler: TerminalHandler) {
    this.#handler = handler;
  }

  parse(text: string): void {
    let position = 0;
    while (position < text.length) {
      if (this.#state !== 'text') {
        this.#takeCharacter(text.charAt(position));
        position += 1;
        continue;
      }
      CONTROL.lastIndex = position;
      const end = CONTROL.exec(text)?.index ?? text.length;
      if (end > position) this.#handler.printText(text.slice(position, end));
      if (end < text.length) this.#control(text.charAt(end));
      position = end + 1;
    }
  }

  #control(character: string): void {
    if (character === '\u001b') this.#state = 'escape';
    else if (character === '\u009b') this.#startSequence();
    else this.#handler.control(character);
  }

  #takeCharacter(character: string): void {
    switch (this.#state) {
      case 'escape':
        this.#escape(character);
        break;
      case 'charset':
        this.#state = 'text';
        if (this.#slot !== IGNORED_SLOT) this.#handler.designate(this.#slot, character);
        break;
      case 'csi':
        this.#takeSequenceCharacter(character);
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

  #takeSequenceCharacter(character: string): void {
    if (character >= '@' && character <= '~') {
      this.#state = 'text';
      // Private sequences (`?25l`, `>c`) change how a terminal behaves, not what it shows.
      if (/^[\d;:]*$/.test(this.#sequence)) {
        this.#handler.controlSequence(character, this.#sequence.split(/[;:]/).map(toNumber));
      }
    } else if (character === '\u001b') {
      this.#state = 'escape';
    } else if (character === '\u0018' || character === '\u001a' || this.#sequence.length >= MAX_SEQUENCE_CHARACTERS) {
      this.#state = 'text';
    } else if (character < ' ') {
      this.#handler.control(character);
    } else {
      this.#sequence += character;
    }
  }

  #escape(character: string): void {
    this.#state = 'text';
    if (character === '[') {
      this.#startSequence();
    } else if (character === '\u001b') {
      this.#state = 'escape';
    } else if (']PX^_'.includes(character)) {
      this.#stringLength = 0;
      this.#state = 'string';
    } else if ('()*+#% '.includes(character)) {
      this.#slot = character === '(' ? 0 : character === ')' ? 1 : IGNORED_SLOT;
      this.#state = 'charset';
    } else {
      this.#handler.escape(character);
    }
  }

  #startSequence(): void {
    this.#sequence = '';
    this.#state = 'csi';
  }
}

function toNumber(parameter: string): number | undefined {
  const value = Number.parseInt(parameter, 10);
  return Number.isNaN(value) ? undefined : value;
}
