/** Finds the dialog that a full-screen installer shows: newt (debian-installer), ncurses (YaST, linuxrc), urwid (Subiquity). */

export interface Dialog {
  /** As shown, without debian-installer's priority mark. Empty when it has none. */
  readonly title: string;
  /** debian-installer's priority mark: `!!` critical, `!` high, `?` medium, `.` low; empty where there is none. */
  readonly mark: string;
  /** The text between title and buttons, its lines joined. */
  readonly text: string;
  readonly buttons: readonly string[];
  /** It waits for an answer; false for a progress box. */
  readonly isQuestion: boolean;
}

const TOP_LEFT = '┌┏╔+';
const TOP_RIGHT = '┐┓╗+';
const BOTTOM = '└┗╚+';
const VERTICAL = '│┃║|├┤┠┨┣┫+';
const TITLE_EDGES = /^[─━═┤├┨┠\-|+\s]+|[─━═┤├┨┠\-|+\s]+$/g;
const MARK = /^\[([!?.]{1,2})\]\s*/;
const NEWT_BUTTON = /<([^<>]{1,30})>/g;
/** `[ OK ]`, `[Abort]`, `[ Done       ]`, but not `[ ]`, `[x]` or `[!!]`. */
const BRACKET_BUTTON = /\[\s*([A-Za-z][A-Za-z ]{1,28}?)\s*>?\s*\]/g;
/** A progress box has it on a line of its own; debian-installer's may have a button to cancel what goes on. */
const PERCENTAGE = /^[\s█▒░#.]*\d{1,3} ?%[\s█▒░#.]*$/;
const ENTRY_FIELD = /_{4,}|\[[ xX*]\] |\([ *]\) /;

interface Box {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** The innermost dialog on a screen, or undefined when there is none. */
export function findDialog(rows: readonly string[]): Dialog | undefined {
  const cells = rows.map((row) => Array.from(row));
  const boxes = findBoxes(cells);
  const smallest = boxes.sort((a, b) => area(a) - area(b))[0];
  if (smallest !== undefined) return readBox(cells, smallest);
  return readFramelessScreen(rows);
}

function area(box: Box): number {
  return (box.bottom - box.top) * (box.right - box.left);
}

function findBoxes(cells: readonly (readonly string[])[]): Box[] {
  const boxes: Box[] = [];
  for (const [top, row] of cells.entries()) {
    for (const [left, cell] of row.entries()) {
      if (!isOneOf(TOP_LEFT, cell)) continue;
      const right = row.findIndex((other, column) => column > left + 8 && isOneOf(TOP_RIGHT, other));
      if (right === -1 || !isTopEdge(row.slice(left + 1, right))) continue;
      const bottom = findBottom(cells, top, left, right);
      if (bottom !== undefined) boxes.push({ top, bottom, left, right });
    }
  }
  return boxes;
}

function isTopEdge(edge: readonly string[]): boolean {
  const isCovered = edge.some((cell) => '│┃║┌┐'.includes(cell));
  const lines = edge.filter((cell) => '─━═-'.includes(cell)).length;
  return !isCovered && lines >= 2;
}

function findBottom(
  cells: readonly (readonly string[])[],
  top: number,
  left: number,
  right: number,
): number | undefined {
  for (let row = top + 1; row < cells.length; row += 1) {
    const leftCell = cells[row]?.[left] ?? '';
    const rightCell = cells[row]?.[right] ?? '';
    if (isOneOf(BOTTOM, leftCell) && row > top + 1) return row;
    if (!isOneOf(VERTICAL, leftCell) || !isOneOf(VERTICAL, rightCell)) return undefined;
  }
  return undefined;
}

function isOneOf(set: string, cell: string): boolean {
  return cell !== '' && set.includes(cell);
}

function readBox(cells: readonly (readonly string[])[], box: Box): Dialog {
  const edge = (cells[box.top] ?? []).slice(box.left + 1, box.right).join('');
  const lines = cells.slice(box.top + 1, box.bottom).map((row) =>
    row
      .slice(box.left + 1, box.right)
      .join('')
      .trim(),
  );
  return toDialog(edge.replace(TITLE_EDGES, '').trim(), lines);
}

/** Subiquity fills the screen: the first row is the title, buttons stand at the bottom. */
function readFramelessScreen(rows: readonly string[]): Dialog | undefined {
  const lines = rows.map((row) => row.trim()).filter((row) => row !== '');
  const buttons = lines.flatMap((line) => [...line.matchAll(BRACKET_BUTTON)].map((match) => match[1] ?? ''));
  if (!buttons.some((button) => /^(Done|Continue|Back|Close|Reboot|Install|Try again|View|Confirm)/i.test(button))) {
    return undefined;
  }
  const title = (lines[0] ?? '').replace(/\s*\[\s*Help\s*\]\s*$/, '');
  return toDialog(title, lines.slice(1));
}

function toDialog(rawTitle: string, lines: readonly string[]): Dialog {
  const mark = MARK.exec(rawTitle)?.[1] ?? '';
  const title = rawTitle.replace(MARK, '').trim();
  const buttons = lines.flatMap((line) => [
    ...[...line.matchAll(NEWT_BUTTON)].map((match) => (match[1] ?? '').trim()),
    ...[...line.matchAll(BRACKET_BUTTON)].map((match) => match[1] ?? ''),
  ]);
  const text = lines
    .map((line) =>
      line
        .replace(NEWT_BUTTON, '')
        .replace(BRACKET_BUTTON, '')
        .replace(/[─━═│┃║]/g, ' ')
        .trim(),
    )
    .filter((line) => /[\p{L}\d]/u.test(line))
    .join(' ')
    .replace(/\s+/g, ' ');
  const isProgress = mark === '' && lines.some((line) => PERCENTAGE.test(line)) && buttons.every(isCancel);
  const isQuestion = mark !== '' || (buttons.length > 0 && !isProgress) || lines.some((line) => ENTRY_FIELD.test(line));
  return { title, mark, text, buttons, isQuestion };
}

function isCancel(button: string): boolean {
  return /^(cancel|abort)$/i.test(button);
}
