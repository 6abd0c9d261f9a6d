/** What an installer asks at this moment: a dialog on the screen, or a prompt at the end of the text. */
import type { ConsoleText } from './console-text.js';
import { type Dialog, findDialog } from './dialog.js';
import type { Failure, FailureFinder } from './failure-finder.js';
import { findPrompt, type Prompt } from './prompts.js';

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
    if (dialog?.isQuestion === true) return fromDialog(dialog, failures);
    const above = rows.slice(0, row).filter((text) => text !== '');
    const onScreen = findPrompt(above, rows[row] ?? '');
    if (onScreen !== undefined) return fromPrompt(onScreen, failures);
  }
  const prompt = findPrompt(lines, console.partialLine);
  return prompt === undefined ? undefined : fromPrompt(prompt, failures);
}

function fromPrompt(prompt: Prompt, failures: FailureFinder): Question {
  const { isCertain, hint, reportedError } = prompt;
  const failure =
    reportedError === undefined
      ? undefined
      : (failures.matchDialog(reportedError) ?? {
          outcome: 'installer-error' as const,
          line: cut(reportedError),
          patternId: 'error-dialog',
        });
  return { text: cut(prompt.question), isCertain, hint, failure };
}

function fromDialog(dialog: Dialog, failures: FailureFinder): Question {
  const text = dialog.title === '' ? dialog.text : `${dialog.title}: ${dialog.text}`;
  return { text: cut(text), isCertain: true, failure: failures.matchDialog(text) };
}

function cut(text: string): string {
  return text.length > MAX_QUESTION_CHARACTERS ? `${text.slice(0, MAX_QUESTION_CHARACTERS - 1)}…` : text;
}
