import { readFile } from 'node:fs/promises';
import { loadCatalog } from '../catalog/load.js';
import { resolveRelease } from '../catalog/resolve.js';
import {
  checkAnswerFile,
  detectFamily,
  kickstartDialect,
  renderAnswerFile,
  type AnswerFamily,
  type Finding,
  type RenderedAnswer,
} from '../distro/answer/index.js';
import type { DistroId } from '../distro/types.js';
import { Iso2RootfsError, systemErrorCode } from '../errors.js';
import { hostArch } from '../tools/host.js';
import { loadAnswerModel } from './answer-options.js';
import { inspectMedium } from './inspect-medium.js';
import type { BuildOptions } from './build.js';
import type { Recipe } from './recipe.js';
import { validateAnswerFile } from '../tools/validators.js';

/** Media of these variants have no packages: their answer files name a repository. */
const WITHOUT_PACKAGES = /^(?:netinst|boot|net|online|netboot)$/;

/** The answer file that a build would use: of a medium that is there, or of a release of the catalogue. */
export async function renderAnswer(recipe: Recipe, options: BuildOptions): Promise<RenderedAnswer> {
  const { model } = await loadAnswerModel(recipe.answerOptions, options.signal);
  if (recipe.iso !== undefined) return renderAnswerFile((await inspectMedium(recipe, options)).medium, model);
  if (recipe.distro === undefined) {
    throw new Iso2RootfsError('USAGE', 'neither an ISO nor a distribution was given', {
      hint: 'Give a release (-d openeuler -r 22.03-lts) or an ISO (-f PATH).',
    });
  }
  const catalog = await loadCatalog({ userDirectories: options.catalogDirectories ?? [] });
  const { distro, release, variant, arch = hostArch() } = recipe;
  const medium = resolveRelease(catalog, { distro, release, arch, variant });
  return renderAnswerFile(
    {
      distro: medium.distro as DistroId,
      release: medium.release,
      arch: medium.arch,
      variant: medium.variant,
      family: medium.installerFamily,
      carriesPackages: medium.installerFamily === 'debian-installer' || !WITHOUT_PACKAGES.test(medium.variant),
    },
    model,
  );
}

export interface AnswerCheck {
  readonly file: string;
  readonly family: AnswerFamily;
  readonly findings: readonly Finding[];
  /** The program that checked the syntax; null where none did. */
  readonly validator: string | null;
  /** Why the syntax was not checked; null where it was. */
  readonly syntaxNotChecked: string | null;
  /** No error among the findings. */
  readonly isFit: boolean;
}

export interface CheckOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whose installer will read it; without it any version of the syntax is good enough. */
  readonly distro?: string | undefined;
  readonly release?: string | undefined;
  readonly catalogDirectories?: readonly string[] | undefined;
  readonly toolsPath?: string | undefined;
}

/**
 * Checks a user's answer file: what makes an unattended build fail, and its syntax where the field's own validator is installed.
 * @throws Iso2RootfsError FILE_NOT_FOUND, ANSWER_FILE_INVALID for what is no answer file at all
 */
export async function checkAnswer(file: string, options: CheckOptions = {}): Promise<AnswerCheck> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = systemErrorCode(error);
    throw new Iso2RootfsError(
      code === 'ENOENT' ? 'FILE_NOT_FOUND' : 'ANSWER_FILE_INVALID',
      `the answer file ${file} cannot be read (${code ?? String(error)})`,
      { hint: 'Check the path and the permissions.', cause: error },
    );
  }
  const family = detectFamily(text);
  if (family === undefined) {
    throw new Iso2RootfsError('ANSWER_FILE_INVALID', `${file} is no kickstart, preseed, autoinstall or AutoYaST file`, {
      hint: "'iso2rootfs answer render' prints one of each kind.",
    });
  }
  const dialect = await dialectOf(family, options);
  const { toolsPath, signal } = options;
  const syntax = await validateAnswerFile(family, file, { dialect, toolsPath, signal });
  const findings = [...syntax.findings, ...checkAnswerFile(family, text)];
  return {
    file,
    family,
    validator: syntax.validator ?? null,
    syntaxNotChecked: syntax.missing ?? null,
    findings,
    isFit: findings.every(({ severity }) => severity !== 'error'),
  };
}

/** The version of the syntax that the installer of a release reads, where one was named and it matters. */
async function dialectOf(
  family: AnswerFamily,
  { distro, release, catalogDirectories = [] }: CheckOptions,
): Promise<string | undefined> {
  if (distro === undefined) {
    if (release === undefined) return undefined;
    throw new Iso2RootfsError('USAGE', `--release ${release}: of which distribution?`, {
      hint: 'Give --distro as well.',
    });
  }
  const catalog = await loadCatalog({ userDirectories: catalogDirectories });
  const medium = resolveRelease(catalog, { distro, release, arch: hostArch() });
  if (medium.installerFamily !== family) {
    throw new Iso2RootfsError(
      'ANSWER_FILE_INVALID',
      `this is an answer file for ${family}, but ${medium.distro} ${medium.release} is installed by ${medium.installerFamily}`,
      { hint: "'iso2rootfs answer render' with the same release prints one that fits." },
    );
  }
  return family === 'anaconda' ? kickstartDialect(medium.distro as DistroId, medium.release) : undefined;
}
