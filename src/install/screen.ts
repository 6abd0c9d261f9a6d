/**
 * A terminal screen, as much of it as installers use: newt and curses dialogs on a serial line address the cursor, and only
 * the screen that results says what is asked.
 */

const BLANK = ' ';
/** Serial consoles are 80 x 24; a program that addresses more gets more, up to this. */
const MAX_ROWS = 100;
const MAX_COLUMNS = 250;

export class Screen {
  readonly columns: number;
  #cells: string[][];
  #row = 0;
  #column = 0;
  /** The last column was written: the next character goes to the next row. */
  #wrapPending = false;
  #regionTop = 0;
  #regionBottom: number;
  #saved = { row: 0, column: 0 };
  #isInserting = false;

  constructor(columns = 80, rows = 24) {
    this.columns = columns;
    this.#cells = Array.from({ length: rows }, () => this.#blankRow());
    this.#regionBottom = rows - 1;
  }

  /** The rows as text, without blanks at their ends. */
  get rows(): string[] {
    return this.#cells.map((cells) => cells.join('').trimEnd());
  }

  get row(): number {
    return this.#row;
  }

  write(text: string): void {
    for (const character of text) {
      if (this.#wrapPending) {
        this.carriageReturn();
        this.lineFeed();
      }
      const cells = this.#cells[this.#row];
      if (cells === undefined) return;
      if (this.#isInserting) {
        cells.splice(this.#column, 0, character);
        cells.length = this.columns;
      } else {
        cells[this.#column] = character;
      }
      if (this.#column >= this.columns - 1) this.#wrapPending = true;
      else this.#column += 1;
    }
  }

  carriageReturn(): void {
    this.#column = 0;
    this.#wrapPending = false;
  }

  lineFeed(): void {
    this.#wrapPending = false;
    if (this.#row === this.#regionBottom) this.#scrollUp(this.#regionTop);
    else if (this.#row < this.#cells.length - 1) this.#row += 1;
  }

  reverseLineFeed(): void {
    this.#wrapPending = false;
    if (this.#row === this.#regionTop) {
      this.#cells.splice(this.#regionBottom, 1);
      this.#cells.splice(this.#regionTop, 0, this.#blankRow());
    } else if (this.#row > 0) {
      this.#row -= 1;
    }
  }

  backspace(): void {
    this.#wrapPending = false;
    if (this.#column > 0) this.#column -= 1;
  }

  /** A control sequence with its parameters, as far as it changes what is shown. */
  controlSequence(final: string, parameters: readonly (number | undefined)[]): void {
    const first = parameters[0];
    const count = Math.max(1, first ?? 1);
    switch (final) {
      case 'H':
      case 'f': {
        this.moveTo(count - 1, Math.max(1, parameters[1] ?? 1) - 1);
        return;
      }
      case 'A': {
        this.#moveBy(-count, 0);
        return;
      }
      case 'B': {
        this.#moveBy(count, 0);
        return;
      }
      case 'C': {
        this.#moveBy(0, count);
        return;
      }
      case 'D': {
        this.#moveBy(0, -count);
        return;
      }
      case 'E':
      case 'F':
        this.carriageReturn();
        {
          this.#moveBy(final === 'E' ? count : -count, 0);
          return;
        }
      case 'd': {
        this.moveTo(count - 1, this.#column);
        return;
      }
      case 'G':
      case '`': {
        this.moveTo(this.#row, count - 1);
        return;
      }
      case 'J': {
        this.#eraseScreen(first ?? 0);
        return;
      }
      case 'K': {
        this.#eraseLine(first ?? 0);
        return;
      }
      case 'X':
        return void this.#cells[this.#row]?.fill(BLANK, this.#column, this.#column + count);
      case 'P': {
        this.#deleteCharacters(count);
        return;
      }
      case '@': {
        this.#insertBlanks(count);
        return;
      }
      case 'L': {
        this.#insertLines(count);
        return;
      }
      case 'M': {
        this.#deleteLines(count);
        return;
      }
      case 'r': {
        this.#setScrollRegion(count - 1, (parameters[1] ?? this.#cells.length) - 1);
        return;
      }
      case 'h':
      case 'l':
        if (first === 4) this.#isInserting = final === 'h';
        return;
      case 's': {
        this.saveCursor();
        return;
      }
      case 'u': {
        this.restoreCursor();
        return;
      }
      default:
        return;
    }
  }

  /** Zero-based. */
  moveTo(row: number, column: number): void {
    this.#wrapPending = false;
    while (row >= this.#cells.length && this.#cells.length < MAX_ROWS) this.#grow();
    this.#row = clamp(row, 0, this.#cells.length - 1);
    this.#column = clamp(column, 0, Math.min(this.columns, MAX_COLUMNS) - 1);
  }

  #moveBy(rows: number, columns: number): void {
    const row = clamp(this.#row + rows, 0, this.#cells.length - 1);
    this.moveTo(row, this.#column + columns);
  }

  /** As CSI J: 0 to the end, 1 from the start, 2 all. */
  #eraseScreen(mode: number): void {
    for (let row = 0; row < this.#cells.length; row += 1) {
      if (mode >= 2 || (mode === 0 && row > this.#row) || (mode === 1 && row < this.#row)) {
        this.#cells[row] = this.#blankRow();
      }
    }
    if (mode < 2) this.#eraseLine(mode);
  }

  /** As CSI K: 0 to the end, 1 from the start, 2 all. */
  #eraseLine(mode: number): void {
    const from = mode === 0 ? this.#column : 0;
    const to = mode === 1 ? this.#column + 1 : this.columns;
    this.#cells[this.#row]?.fill(BLANK, from, to);
  }

  #deleteCharacters(count: number): void {
    const cells = this.#cells[this.#row];
    if (cells === undefined) return;
    const deleted = cells.splice(this.#column, Math.min(count, this.columns)).length;
    for (let index = 0; index < deleted; index += 1) cells.push(BLANK);
    cells.length = this.columns;
  }

  #insertBlanks(count: number): void {
    const cells = this.#cells[this.#row];
    if (cells === undefined) return;
    cells.splice(this.#column, 0, ...Array.from({ length: Math.min(count, this.columns) }, () => BLANK));
    cells.length = this.columns;
  }

  #insertLines(count: number): void {
    for (let index = 0; index < Math.min(count, this.#cells.length); index += 1) {
      this.#cells.splice(this.#regionBottom, 1);
      this.#cells.splice(this.#row, 0, this.#blankRow());
    }
  }

  #deleteLines(count: number): void {
    for (let index = 0; index < Math.min(count, this.#cells.length); index += 1) this.#scrollUp(this.#row);
  }

  /** Zero-based, inclusive. Homes the cursor. */
  #setScrollRegion(top: number, bottom: number): void {
    this.#regionTop = clamp(top, 0, this.#cells.length - 1);
    this.#regionBottom = clamp(bottom, this.#regionTop, this.#cells.length - 1);
    this.moveTo(0, 0);
  }

  saveCursor(): void {
    this.#saved = { row: this.#row, column: this.#column };
  }

  restoreCursor(): void {
    this.moveTo(this.#saved.row, this.#saved.column);
  }

  reset(): void {
    this.#regionTop = 0;
    this.#regionBottom = this.#cells.length - 1;
    this.#isInserting = false;
    this.#eraseScreen(2);
    this.moveTo(0, 0);
  }

  #scrollUp(top: number): void {
    this.#cells.splice(top, 1);
    this.#cells.splice(this.#regionBottom, 0, this.#blankRow());
  }

  #grow(): void {
    if (this.#regionBottom === this.#cells.length - 1) this.#regionBottom += 1;
    this.#cells.push(this.#blankRow());
  }

  #blankRow(): string[] {
    return new Array<string>(this.columns).fill(BLANK);
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
