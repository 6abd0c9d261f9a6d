/** What an installer asks at this moment: a dialog on the screen, or a prompt at the end of the text. */
import type { ConsoleText } from './console-text.js';
import { type Dialog, findDialog } from './dialog.js';
import type { Failure, FailureFinder } from './failure-finder.js';
import { findPrompt } from './prompts.js';

export interface Question {
  /** Title and words. */
  readonly text: string;
  /** False where the words alone do not prove that something waits. */
  readonly isCertain: boolean;
  readonly hint?: string | undefined;
  /** The failure that a dialog reports; it waits only for being confirmed. */
  readonly failure?: Failure | undefined;
}

/** A dialog may explain itself at length: title and first sentences are enough for a message. */
const MAX_QUESTION_CHARACTERS = 240;

/** @param lines the last lines of the console, oldest first */
export function findQuestion(
  console: ConsoleText,
  lines: readonly string[],
  failures: FailureFinder,
): Question | undefined {
  if (console.addressesCursor) {
    const { rows, row } = console.screen;
    const dialog = findDialog(rows);
    if (dialog?.isQuestion === true) return toQuestion(dialog, failures);
    const above = rows.slice(0, row).filter((text) => text !== '');
    const onScreen = findPrompt(above, rows[row] ?? '');
    if (onScreen !== undefined) return { ...onScreen, text: cut(onScreen.question) };
  }
  const prompt = findPrompt(lines, console.partialLine);
  return prompt === undefined ? undefined : { ...prompt, text: cut(prompt.question) };
}

function toQuestion(dialog: Dialog, failures: FailureFinder): Question {
  const text = dialog.title === '' ? dialog.text : `${dialog.title}: ${dialog.text}`;
  return { text: cut(text), isCertain: true, failure: failures.matchDialog(text) };
}

function cut(text: string): string {
  return text.length > MAX_QUESTION_CHARACTERS ? `${text.slice(0, MAX_QUESTION_CHARACTERS - 1)}…` : text;
}
