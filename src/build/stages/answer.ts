import { readFile } from 'node:fs/promises';
import type { Catalog } from '../../catalog/load.js';
import type { ResolvedMedium } from '../../catalog/medium.js';
import { resolveRelease, type ReleaseRequest } from '../../catalog/resolve.js';
import { Iso2RootfsError, systemErrorCode } from '../../errors.js';
import type { Finding, RenderedAnswer } from '../../distro/answer/index.js';
import { renderAnswerFile } from '../../distro/answer/render.js';
import type { RecognisedMedium } from '../../distro/types.js';
import { loadAnswerModel } from '../answer-options.js';
import { computeKeys, hashAnswer, type Keys } from '../keys.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';
import type { Fetched } from './fetch.js';
import type { Inspected } from './inspect.js';

export interface Answered {
  /** With the placeholder of the success token. */
  readonly answer: RenderedAnswer;
  readonly answerSha256: string;
  readonly keys: Keys;
  readonly sizes: { readonly memoryMiB: number; readonly diskSizeBytes: number };
  /** A root password that was made up, should this build install. */
  readonly generatedPassword: string | undefined;
}

const DEFAULT_MEMORY_BYTES = 4 * 1024 ** 3;
const DEFAULT_DISK_BYTES = 10 * 1024 ** 3;

/** Medium and recipe -> answer file, and with it the keys of the build. */
export const answer: Stage<Recipe & { readonly catalog: Catalog } & Fetched & Inspected, Answered> = {
  name: 'answer',
  run: async (build, { emit, signal }) => {
    const { medium } = build;
    const { model, generatedPassword, hashInKey } = await loadAnswerModel(build.answerOptions, signal);
    const rendered = renderAnswerFile(medium, model);
    const warn = (message: string): void => emit({ type: 'warning', message });
    const final =
      build.answerFilePath === undefined ? rendered : await useOwnFile(build.answerFilePath, medium, rendered, warn);
    const sizes = chooseSizes(build, medium);
    const answerSha256 = hashAnswer(final, hashInKey);
    const keys = computeKeys({
      isoSha256: build.iso.sha256,
      arch: medium.arch,
      answerSha256,
      diskSizeBytes: sizes.diskSizeBytes,
      selinux: build.selinux,
    });
    return { answer: final, answerSha256, keys, sizes, generatedPassword };
  },
};

/** What the user says, else what the catalogue says of the release, at least our defaults. */
function chooseSizes(
  { memoryMiB, diskSizeBytes, catalog }: Recipe & { readonly catalog: Catalog },
  { distro, release, arch, variant }: RecognisedMedium,
): Answered['sizes'] {
  const known = findMedium(catalog, { distro, release, arch, variant });
  return {
    memoryMiB: memoryMiB ?? Math.ceil(Math.max(DEFAULT_MEMORY_BYTES, known?.memoryBytes ?? 0) / 1024 ** 2),
    diskSizeBytes: diskSizeBytes ?? Math.max(DEFAULT_DISK_BYTES, known?.diskBytes ?? 0),
  };
}

function findMedium(catalog: Catalog, request: ReleaseRequest): ResolvedMedium | undefined {
  for (const variant of [request.variant, undefined]) {
    try {
      return resolveRelease(catalog, { ...request, variant });
    } catch (error) {
      if (!(error instanceof Iso2RootfsError) || error.code !== 'USAGE') throw error;
    }
  }
  return undefined;
}

/** The user's own file in the place of ours: delivered in the same way, with our token appended. */
async function useOwnFile(
  file: string,
  medium: RecognisedMedium,
  rendered: RenderedAnswer,
  warn: (message: string) => void,
): Promise<RenderedAnswer> {
  const text = await readAnswerFile(file);
  const family = rendered.family;
  // What judges answer files of others is not needed for ours.
  const { appendToken, checkAnswerFile, detectFamily } = await import('../../distro/answer/index.js');
  const found = detectFamily(text);
  if (found !== undefined && found !== family) {
    throw invalid(
      `${file} is an answer file for ${found}, but ${medium.distro} ${medium.release} is installed by ${family}`,
      ['Give an answer file for the installer that is on the medium.'],
    );
  }
  refuseErrors(file, checkAnswerFile(family, text), warn);
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

function refuseErrors(file: string, findings: readonly Finding[], warn: (message: string) => void): void {
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
