import { readFile } from 'node:fs/promises';
import { Iso2RootfsError, systemErrorCode } from '../../errors.js';
import {
  appendToken,
  checkAnswerFile,
  createAnswerModel,
  detectFamily,
  renderAnswerFile,
  type AnswerFamily,
  type RenderedAnswer,
} from '../../distro/answer/index.js';
import type { RecognisedMedium } from '../../distro/types.js';
import { computeKeys, type Keys } from '../keys.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';
import type { Fetched } from './fetch.js';
import type { Inspected } from './inspect.js';

export interface Answered {
  /** With the placeholder of the success token. */
  readonly answer: RenderedAnswer;
  readonly keys: Keys;
}

/** Medium and recipe -> answer file, and with it the keys of the build. */
export const answer: Stage<Recipe & Fetched & Inspected, Answered> = {
  name: 'answer',
  run: async (build, { emit }) => {
    const rendered = renderAnswerFile(build.medium, createAnswerModel());
    const warn = (message: string): void => emit({ type: 'warning', message });
    const final =
      build.answerFilePath === undefined
        ? rendered
        : await useOwnFile(build.answerFilePath, build.medium, rendered, warn);
    return { answer: final, keys: computeKeys(build, build.iso.sha256, build.medium.arch, final) };
  },
};

/** The user's own file in the place of ours: delivered in the same way, with our token appended. */
async function useOwnFile(
  file: string,
  medium: RecognisedMedium,
  rendered: RenderedAnswer,
  warn: (message: string) => void,
): Promise<RenderedAnswer> {
  const text = await readAnswerFile(file);
  const family = rendered.family;
  const found = detectFamily(text);
  if (found !== undefined && found !== family) {
    throw invalid(
      `${file} is an answer file for ${found}, but ${medium.distro} ${medium.release} is installed by ${family}`,
      ['Give an answer file for the installer that is on the medium.'],
    );
  }
  checkOwnFile(file, family, text, warn);
  return { ...rendered, text: appendToken(family, text) };
}

async function readAnswerFile(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw invalid(`the answer file ${file} cannot be read (${systemErrorCode(error) ?? String(error)})`, [
      'Check the path and the permissions.',
    ]);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid(`the answer file ${file} is not UTF-8 text`, [
      'Give a kickstart, preseed, autoinstall or AutoYaST file.',
    ]);
  }
}

function checkOwnFile(file: string, family: AnswerFamily, text: string, warn: (message: string) => void): void {
  const findings = checkAnswerFile(family, text);
  const errors = findings.filter(({ severity }) => severity === 'error');
  const describe = ({ line, problem }: { line: number; problem: string }): string =>
    line === 0 ? `${file}: ${problem}` : `${file}:${line}: ${problem}`;
  for (const finding of findings) {
    if (finding.severity === 'warning') warn(`${describe(finding)} (${finding.remedy})`);
  }
  if (errors.length > 0) {
    throw invalid(
      errors.map(describe).join('; '),
      errors.map(({ remedy }) => remedy),
    );
  }
}

function invalid(message: string, remedies: readonly string[]): Iso2RootfsError {
  return new Iso2RootfsError('ANSWER_FILE_INVALID', message, { hint: [...new Set(remedies)].join(' ') });
}
