import { quoteUntrusted } from '../media/not-install-media.js';
import type { Condition, PackageEvidence } from './recognise-rules.js';
import type { MediumTree } from './recognise-tree.js';

/** What conditions are held against. */
export interface Situation {
  readonly tree: MediumTree;
  readonly words: readonly string[];
  readonly fileName: string | undefined;
  readonly release?: string;
  readonly carriesPackages?: boolean;
}

export function isTrue(condition: Condition, situation: Situation): boolean {
  const { says, saysNothingLike, has, lacks, fileName, release, carriesPackages } = condition;
  return (
    (says === undefined || situation.words.some((word) => says.test(word))) &&
    (saysNothingLike === undefined || !situation.words.some((word) => saysNothingLike.test(word))) &&
    (has === undefined || situation.tree.has(has)) &&
    (lacks === undefined || !situation.tree.has(lacks)) &&
    (fileName === undefined || (situation.fileName !== undefined && fileName.test(situation.fileName))) &&
    (release === undefined || (situation.release !== undefined && release.test(situation.release))) &&
    (carriesPackages === undefined || situation.carriesPackages === carriesPackages)
  );
}

export interface PackageFinding {
  readonly carriesPackages: boolean;
  readonly why: string;
}

export function findPackages(evidence: PackageEvidence, situation: Situation): PackageFinding {
  switch (evidence.by) {
    case 'files': {
      const [path] = situation.tree.paths(evidence.files);
      return path === undefined
        ? { carriesPackages: false, why: 'It carries no packages: a network repository is needed.' }
        : { carriesPackages: true, why: `It carries packages: ${quoteUntrusted(path)}.` };
    }
    case 'repodata':
      return byRepodata(situation);
    case 'words': {
      const texts = [...situation.words, situation.fileName ?? ''];
      for (const [carriesPackages, pattern] of [
        [true, evidence.carries],
        [false, evidence.lacks],
      ] as const) {
        const word = texts.find((text) => pattern.test(text));
        const not = carriesPackages ? '' : 'no ';
        if (word !== undefined)
          return { carriesPackages, why: `Its name says that it carries ${not}packages: ${quoteUntrusted(word)}.` };
      }
      return byRepodata(situation);
    }
  }
}

const REPODATA = /^([^/]+\/)*repodata\/repomd\.xml$/i;
const PACKAGE = /\.rpm$/i;
const POOL = /(^|\/)packages$|^(noarch|x86_64|aarch64)$/i;

function byRepodata({ tree }: Situation): PackageFinding {
  const [repodata] = tree.paths(REPODATA);
  if (repodata === undefined) {
    return { carriesPackages: false, why: 'It has no package repository (repodata): a network repository is needed.' };
  }
  if (tree.has(POOL) && !tree.has(PACKAGE)) {
    return {
      carriesPackages: false,
      why: `It has ${quoteUntrusted(repodata)}, but no package: a network repository is needed.`,
    };
  }
  return { carriesPackages: true, why: `It carries a package repository: ${quoteUntrusted(repodata)}.` };
}
