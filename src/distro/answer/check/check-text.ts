import type { Finding } from '../types.js';

/** Reasons for which a file is not text at all; then nothing else is worth saying. */
export function checkText(text: string): Finding | undefined {
  if (text.trim() === '') {
    return { line: 1, severity: 'error', problem: 'the file is empty', remedy: 'Give an answer file.' };
  }
  const unreadable = /[\0\uFFFD]/.exec(text);
  if (unreadable === null) return undefined;
  return {
    line: text.slice(0, unreadable.index).split('\n').length,
    severity: 'error',
    problem: 'this is not text in UTF-8',
    remedy: 'Give the answer file itself, not an archive or an image, and save it in UTF-8.',
  };
}
