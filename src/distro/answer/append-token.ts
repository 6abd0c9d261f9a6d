import { appendToAutoinstall } from './append-autoinstall.js';
import { appendToAutoyast } from './append-autoyast.js';
import { findAnswer, parsePreseed } from './preseed-syntax.js';
import { ISO2ROOTFS_TOKEN_PLACEHOLDER, joinCommands, tokenCommands } from './token.js';
import { quoteShell } from './quote.js';
import type { AnswerFamily } from './types.js';

/**
 * Makes a user's own answer file leave the token as its last step, and changes nothing else of it. A file that has the
 * token's place already (one of ours, perhaps edited) is returned as it is.
 * @throws Iso2RootfsError ANSWER_FILE_INVALID where no last step can be added without a change to the rest.
 */
export function appendToken(family: AnswerFamily, text: string): string {
  if (holdsPlaceholder(text)) return text;
  switch (family) {
    case 'anaconda':
      return appendToKickstart(text);
    case 'debian-installer':
      return appendToPreseed(text);
    case 'subiquity':
      return appendToAutoinstall(text);
    case 'autoyast':
      return appendToAutoyast(text);
  }
}

function holdsPlaceholder(text: string): boolean {
  return text
    .split('\n')
    .some((line) => line.includes(ISO2ROOTFS_TOKEN_PLACEHOLDER) && !line.trimStart().startsWith('#'));
}

function appendToKickstart(text: string): string {
  const section = [
    '# Added by iso2rootfs: the proof that everything above has run.',
    '%post --erroronfail',
    ...tokenCommands(),
    '%end',
  ];
  return `${withNewline(text)}\n${section.join('\n')}\n`;
}

/** The last answer of a question wins, so an existing late command gets a tail instead of a rival. */
function appendToPreseed(text: string): string {
  const existing = findAnswer(parsePreseed(text), 'preseed/late_command');
  const token = joinCommands(tokenCommands('/target'));
  if (existing === undefined || existing.value === '') {
    return `${withNewline(text)}\n# Added by iso2rootfs: the proof that everything above has run.\nd-i preseed/late_command string ${token}\n`;
  }
  // Not '&&': it would switch off a 'set -e' inside the parentheses.
  const tail = `; status=$?; [ $status = 0 ] || exit $status; ${token}`;
  const lines = text.split('\n');
  const last = lines[existing.lastLine - 1] ?? '';
  const first = lines[existing.line - 1] ?? '';
  // A comment would swallow what follows it on the same line.
  if (/(^|\s)#/.test(existing.value) || last.endsWith('\\') || last.endsWith('\r')) {
    const command = `sh -c ${quoteShell(existing.value)}${tail}`;
    lines.splice(
      existing.line - 1,
      existing.lastLine - existing.line + 1,
      `${existing.owner} preseed/late_command string ${command}`,
    );
    return lines.join('\n');
  }
  const opened = first.replace(/^(\s*\S+\s+\S+\s+\S+\s*)/, '$1( ');
  const isOneLine = existing.line === existing.lastLine;
  if (isOneLine) {
    lines[existing.line - 1] = `${opened} )${tail}`;
  } else {
    lines[existing.line - 1] = opened;
    lines[existing.lastLine - 1] = `${last} )${tail}`;
  }
  return lines.join('\n');
}

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
