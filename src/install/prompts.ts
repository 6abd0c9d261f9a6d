/** Questions on a serial console: text at the end of the output after which nothing comes. */
import { isBackgroundLine, messageOf, withoutKernelMessage } from './text.js';

export interface Prompt {
  /** The question, with its title where there is one. */
  readonly question: string;
  /** False where the words alone do not prove that something waits: then the machine must be idle as well. */
  readonly isCertain: boolean;
  /** What to try, where it is known. */
  readonly hint?: string;
  /** It only wants an error to be confirmed. The whole of what is shown, then. */
  readonly reportedError?: string;
}

interface PromptRule {
  readonly regex: RegExp;
  readonly isCertain: boolean;
  /** Only when no newline follows. */
  readonly isOpen?: boolean;
  readonly hint?: string;
  readonly reportsError?: boolean;
}

const RULES: readonly PromptRule[] = [
  {
    regex: /Installation complete\.\s+Press/i,
    isCertain: true,
    hint: "The installation is complete, but nothing ends the machine: the answer file needs 'poweroff'.",
  },
  {
    regex: /Continue with autoinstall\? \(/,
    isCertain: true,
    hint: "The word 'autoinstall' must stand on the kernel command line.",
  },
  { regex: /Press ENTER to exit/i, isCertain: true, reportsError: true },
  { regex: /Please make (your|a) (choice|selection) from( the)? ?(above|\[)/i, isCertain: true },
  { regex: /\[?'[a-z0-9]' to [a-z ]+(\||\])/i, isCertain: true },
  { regex: /Press (\[?enter\]?|return|any key) to (quit|exit|continue|reboot)/i, isCertain: true },
  { regex: /Please respond '?yes'? or '?no'?/i, isCertain: true },
  {
    regex: /Give root password for (maintenance|login)|Press Enter for (maintenance|emergency shell)/i,
    isCertain: true,
  },
  { regex: /or (press|type) Control-D to continue/i, isCertain: true },
  { regex: /^(Enter a new value for|Please enter|Enter passphrase|Passphrase)\b/i, isCertain: true },
  { regex: /\(initramfs\)\s*$/, isCertain: true, isOpen: true },
  { regex: /^(dracut|rdsh|emergency|switch_root|grub|grub rescue)(:[^ ]*)?[#>]\s*$/, isCertain: true, isOpen: true },
  { regex: /^Prompt: .*>\s*$/, isCertain: true, isOpen: true },
  { regex: /\b(password|passphrase)( for [^:]+| \(confirm\)| \(again\))?: *$/i, isCertain: true, isOpen: true },
  { regex: /^\S* ?login: *$/, isCertain: false, isOpen: true },
  { regex: /^(\[?[\w@.:~/ -]{1,40}\]?)?[#$] *$/, isCertain: false, isOpen: true },
  { regex: /(\((yes|y)[/|](no|n)\)|\[(y|yes)[/|](n|no)(\/\w+)?\])\S* *$/i, isCertain: true, isOpen: true },
  { regex: /\?\s*$/, isCertain: false, isOpen: true },
  { regex: /^\S*> *$/, isCertain: false, isOpen: true },
  { regex: /\w[\w')\]] ?: *$/, isCertain: false, isOpen: true },
];

/**
 * Anaconda's text screens: a rule of `=`, a title, text. Its prompt is cut into two lines where it is long.
 * @param lines the last lines, oldest first
 * @param partial the text after the last newline
 */
export function findPrompt(lines: readonly string[], partial: string): Prompt | undefined {
  const foreground = lines.filter((line) => !isBackgroundLine(line)).map(withoutKernelMessage);
  const open = isBackgroundLine(partial) ? '' : withoutKernelMessage(partial).trimEnd();
  if (open !== '') {
    const rule = findRule(open, true) ?? findRule(`${foreground.at(-1) ?? ''} ${open}`, true);
    return rule === undefined ? undefined : toPrompt(rule, foreground, open);
  }
  const last = foreground.at(-1) ?? '';
  const rule = findRule(last, false);
  if (rule === undefined) return undefined;
  return toPrompt(rule, foreground.slice(0, -1), last);
}

function toPrompt(rule: PromptRule, before: readonly string[], words: string): Prompt {
  return {
    question: questionOf(before, words),
    isCertain: rule.isCertain,
    ...(rule.reportsError === true ? { reportedError: screenOf(before).slice(1).join(' ').trim() } : {}),
    ...(rule.hint === undefined ? {} : { hint: rule.hint }),
  };
}

function findRule(text: string, isOpen: boolean): PromptRule | undefined {
  const message = messageOf(text);
  return RULES.find((rule) => (isOpen || rule.isOpen !== true) && rule.regex.test(message));
}

const RULE_LINE = /^[=-]{20,}$/;

/** The lines since the last rule: title, text. None without a rule. */
function screenOf(before: readonly string[]): string[] {
  const start = before.findLastIndex((line) => RULE_LINE.test(line.trim()));
  return start === -1 ? [] : before.slice(start + 1).map((line) => line.trim());
}

function questionOf(before: readonly string[], prompt: string): string {
  const screen = screenOf(before);
  const title = screen[0];
  const unanswered = screen.flatMap((line) =>
    [...line.matchAll(/\[!\] (\w[\w ]*?)(?= {2,}|$)/g)].map((match) => match[1] ?? ''),
  );
  // A short prompt is only the end of its question; one that begins so is the second line of it.
  const isContinued = /^[\s'[(]/.test(prompt);
  const isShort = prompt.trim().length < 40;
  const lead = (screen.length === 0 ? before : screen.slice(1))
    .filter((line) => /\p{L}/u.test(line))
    .slice(-1)
    .filter((line) => isContinued || (isShort && /[?.:,)\]]$/.test(line.trim())))
    .filter((line) => line.length < 200 && !/\[[x!]\]/.test(line));
  const words = [...lead, prompt.trim()].join(' ').replace(/\s+/g, ' ');
  const about = unanswered.length > 0 ? ` (unanswered: ${unanswered.join(', ')})` : '';
  return title === undefined || title === '' ? words : `${title}${about}: ${words}`;
}
