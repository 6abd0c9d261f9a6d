/** One answer of a preseed file. */
export interface PreseedAnswer {
  /** The first and the last line, counted from 1: a backslash at the end of a line continues it. */
  readonly line: number;
  readonly lastLine: number;
  readonly owner: string;
  readonly question: string;
  readonly type: string;
  readonly value: string;
}

export interface Preseed {
  readonly answers: readonly PreseedAnswer[];
  readonly unreadableLines: readonly number[];
}

const TYPES = /^(string|boolean|select|multiselect|password|text|note|error|title|seen)$/;

export function parsePreseed(text: string): Preseed {
  const answers: PreseedAnswer[] = [];
  const unreadableLines: number[] = [];
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    let joined = lines[index] ?? '';
    if (joined.trim() === '' || joined.trimStart().startsWith('#')) continue;
    while (joined.endsWith('\\') && index + 1 < lines.length) {
      index++;
      joined = `${joined.slice(0, -1)} ${(lines[index] ?? '').trimStart()}`;
    }
    const [, owner = '', question = '', type = '', value = ''] =
      /^\s*(\S+)\s+(\S+)\s+(\S+)(?:\s(.*))?$/s.exec(joined) ?? [];
    if (TYPES.test(type)) answers.push({ line, lastLine: index + 1, owner, question, type, value: value.trim() });
    else unreadableLines.push(line);
  }
  return { answers, unreadableLines };
}

/** The answer that counts: a later one replaces an earlier one. */
export function findAnswer(preseed: Preseed, question: string): PreseedAnswer | undefined {
  return preseed.answers.findLast((answer) => answer.question === question && answer.type !== 'seen');
}
