/**
 * Says what a medium is: claims are collected from it, a rule is chosen by the most trusted claim, and the rule says
 * what the release, variant, installer and boot files are. Nothing here knows a particular medium.
 */
import { Iso2RootfsError } from '../errors.js';
import { notInstallMedia, quoteUntrusted } from '../media/not-install-media.js';
import type { Arch, MediumFacts } from '../media/types.js';
import { SUPPORTED_ARCHES, toArch } from './recognise-arch.js';
import { findBootFiles } from './recognise-boot-files.js';
import { type Claims, collectClaims } from './recognise-claims.js';
import { compareReleases, isRefinement, parseRelease, type Release } from './recognise-release.js';
import { RECOGNITION_RULES, type RecognitionRule, SUPPORTED_TITLES } from './recognise-rules.js';
import { MediumTree } from './recognise-tree.js';
import { findPackages, isTrue, type Situation } from './recognise-variant.js';
import type { RecognisedMedium } from './types.js';

export interface RecognitionHints {
  /** Name of the file as published. Decides only what the medium leaves open, and never against it. */
  readonly fileName?: string;
}

const SUPPORTED = `Supported are ${SUPPORTED_TITLES.join(', ')}, for ${SUPPORTED_ARCHES.join(' and ')}.`;

/** virt-install takes these paths as parts of an option whose parts are separated by commas. */
const SAFE_PATH = /^[\w@%+:./~-]+$/;

/**
 * @throws Iso2RootfsError UNSUPPORTED_DISTRO for another distribution or architecture, naming what was found;
 *   NOT_INSTALL_MEDIA when there is no installer, or not the one that the medium promises.
 */
export function recogniseMedium(facts: MediumFacts, hints: RecognitionHints = {}): RecognisedMedium {
  const tree = new MediumTree(facts);
  const claims = collectClaims(facts);
  const evidence = claims.all.map(({ source, quote }) => `${sentenceStart(source)} says ${quoteUntrusted(quote)}.`);
  const rule = chooseRule(facts, claims, tree);
  evidence.push(...otherProducts(rule, claims, hints));
  const situation: Situation = { tree, words: claims.words, fileName: hints.fileName };
  refuse(facts, rule, situation);
  const arch = decideArch(facts, rule, claims, tree, evidence);
  const { release, version } = decideRelease(facts, rule, claims, hints, evidence);
  if (compareReleases(release, rule.oldestRelease) < 0) {
    throw unsupported(facts, `${rule.title} ${release}`, `The oldest supported release is ${rule.oldestRelease}.`);
  }
  const family = rule.families.find((candidate) => candidate.release?.test(release) ?? true)?.family;
  if (family === undefined) throw unsupported(facts, `${rule.title} ${release}`, SUPPORTED);
  const boot = findBootFiles(tree, family, arch, claims.treeinfo);
  if ('missing' in boot) throw missingBootFiles(facts, `${rule.title} ${release}`, boot.missing, boot.namedBy);
  for (const path of [boot.kernelPath, boot.initrdPath]) {
    if (!SAFE_PATH.test(path)) {
      throw notInstallMedia(
        `the boot file ${quoteUntrusted(path)} on ${facts.isoPath} has a name that cannot be passed on`,
        'Give the ISO as it was published.',
      );
    }
  }
  const { carriesPackages, why } = findPackages(rule.packages, situation);
  const variant = rule.variants.find((candidate) => isTrue(candidate, { ...situation, release, carriesPackages }));
  const isExperimental = rule.isExperimental || variant?.isExperimental === true;
  evidence.push(boot.why, why);
  if (isExperimental) evidence.push('No installation from such a medium has been verified: experimental.');
  return {
    distro: rule.distro,
    release,
    ...(version === undefined ? {} : { version }),
    arch,
    variant: variant?.variant ?? 'dvd',
    family,
    volumeId: facts.volume.volumeId,
    kernelPath: boot.kernelPath,
    initrdPath: boot.initrdPath,
    carriesPackages,
    isExperimental,
    evidence,
  };
}

/** The rule of the most trusted claim that any rule knows. */
function chooseRule(facts: MediumFacts, claims: Claims, tree: MediumTree): RecognitionRule {
  for (const claim of claims.all) {
    const rule = RECOGNITION_RULES.find(({ product }) => claim.products.some((name) => product.test(name)));
    if (rule !== undefined) return rule;
    if (claim.isDecisive) throw unsupported(facts, quoteUntrusted(claim.quote), SUPPORTED);
  }
  const label = facts.volume.volumeId;
  if (tree.has(/(^|\/)(vmlinuz|linux|bzimage|initrd|initramfs|kernel)[^/]*$|^(isolinux|syslinux|casper|efi)$/i)) {
    const found =
      label === '' ? 'a bootable medium without a name' : `a bootable medium labelled ${quoteUntrusted(label)}`;
    throw unsupported(facts, found, SUPPORTED);
  }
  throw notInstallMedia(
    `${facts.isoPath} holds no installer: looked at ${lookedAt(facts)}, and for a boot kernel`,
    `Give the installer ISO of a supported distribution. ${SUPPORTED}`,
    { volumeId: label },
  );
}

/** What names another distribution than the one that was chosen. */
function otherProducts(chosen: RecognitionRule, claims: Claims, hints: RecognitionHints): string[] {
  const names = claims.all.flatMap(({ source, products }) => products.map((name) => ({ source, name })));
  if (hints.fileName !== undefined) names.push({ source: 'the file name', name: hints.fileName });
  return names.flatMap(({ source, name }) => {
    const rule = RECOGNITION_RULES.find(({ product }) => product.test(name));
    if (rule === undefined || rule === chosen) return [];
    return [`${sentenceStart(source)} names ${rule.title}, what is trusted more ${chosen.title}.`];
  });
}

function refuse(facts: MediumFacts, rule: RecognitionRule, situation: Situation): void {
  const refusal = rule.refusals.find((candidate) => isTrue(candidate, situation));
  if (refusal === undefined) return;
  throw new Iso2RootfsError(
    refusal.code,
    `${facts.isoPath} cannot be installed from: labelled ${quoteUntrusted(facts.volume.volumeId)}, it is ${refusal.what}`,
    { hint: refusal.hint, data: { distro: rule.distro, volumeId: facts.volume.volumeId } },
  );
}

const LOADERS: readonly (readonly [RegExp, string])[] = [
  [/^efi\/boot\/bootx64\.efi$/i, 'x86_64'],
  [/^efi\/boot\/bootaa64\.efi$/i, 'aarch64'],
  [/^install\.amd\//i, 'x86_64'],
  [/^install\.a64\//i, 'aarch64'],
  [/^isolinux\/isolinux\.bin$/i, 'x86_64'],
];

/** Claims in their order of trust, then the boot loaders. */
function decideArch(
  facts: MediumFacts,
  rule: RecognitionRule,
  claims: Claims,
  tree: MediumTree,
  evidence: string[],
): Arch {
  const named = claims.all.flatMap(({ source, arch }) => (arch === undefined ? [] : [{ source, arch }]));
  const loader = LOADERS.find(([pattern]) => tree.has(pattern));
  if (loader !== undefined) named.push({ source: 'the boot loader', arch: loader[1] });
  const [first] = named;
  if (first === undefined) {
    throw unsupported(facts, `${rule.title} for an architecture that nothing on the medium names`, SUPPORTED);
  }
  const arch = toArch(first.arch);
  if (arch === undefined) throw unsupported(facts, `${rule.title} for ${quoteUntrusted(first.arch)}`, SUPPORTED);
  for (const other of named) {
    if (other.source !== 'the boot loader' && toArch(other.arch) !== arch) {
      evidence.push(
        `${sentenceStart(other.source)} says ${quoteUntrusted(other.arch)}; ${first.source} is trusted more.`,
      );
    }
  }
  return arch;
}

/** The most trusted claim, made precise by others that do not contradict it. */
function decideRelease(
  facts: MediumFacts,
  rule: RecognitionRule,
  claims: Claims,
  hints: RecognitionHints,
  evidence: string[],
): Release {
  const named = claims.all.flatMap(({ source, products, version }) => {
    if (version !== undefined && rule.placeholderVersions?.includes(version) === true) {
      evidence.push(`Version ${version} in ${source} is a placeholder: it does not count.`);
      return [];
    }
    const texts = version === undefined ? products.map((name) => withoutProduct(rule, name)) : [version];
    const release = texts.flatMap((text) => (text === undefined ? [] : (parseRelease(rule.distro, text) ?? []))).at(0);
    return release === undefined ? [] : [{ source, ...release }];
  });
  const [first, ...others] = named;
  if (first === undefined) {
    const hinted = parseRelease(rule.distro, withoutProduct(rule, hints.fileName ?? '') ?? '');
    if (hinted === undefined)
      throw unsupported(facts, `${rule.title} of a release that nothing on it names`, SUPPORTED);
    evidence.push(`Only the file name says which release it is: ${hinted.release}.`);
    return hinted;
  }
  let decided = first;
  for (const other of others) {
    if (isRefinement(rule.distro, decided.release, other.release)) {
      evidence.push(`${sentenceStart(other.source)} makes release ${decided.release} precise: ${other.release}.`);
      decided = other;
    } else if (other.release === decided.release) {
      decided = { ...other, ...decided };
    } else if (!isRefinement(rule.distro, other.release, decided.release)) {
      evidence.push(
        `${sentenceStart(other.source)} says release ${other.release}, ${decided.source} ${decided.release}: ` +
          `what describes the content is trusted more than what names the medium.`,
      );
    }
  }
  const { release, version } = decided;
  return version === undefined ? { release } : { release, version };
}

function withoutProduct(rule: RecognitionRule, name: string): string | undefined {
  const match = rule.product.exec(name);
  return match === null ? undefined : name.slice(match[0].length);
}

function missingBootFiles(
  facts: MediumFacts,
  product: string,
  missing: readonly string[],
  namedBy: string | undefined,
): Error {
  const files = missing.map(quoteUntrusted);
  return namedBy === undefined
    ? notInstallMedia(
        `${facts.isoPath} is ${product}, but holds no installer: looked for ${files.join(', ')}`,
        'Use the first disc, or the DVD, server or network installation ISO.',
        { missing },
      )
    : notInstallMedia(
        `${facts.isoPath} is ${product}, but ${files.join(' and ')}, which ${namedBy} names, ` +
          `${files.length === 1 ? 'is' : 'are'} not on it`,
        'Download it again and compare its checksum with the published one.',
        { missing },
      );
}

function unsupported(facts: MediumFacts, found: string, hint: string): Error {
  return new Iso2RootfsError('UNSUPPORTED_DISTRO', `${facts.isoPath} is not supported: it is ${found}`, {
    hint,
    data: { found, volumeId: facts.volume.volumeId, supported: SUPPORTED_TITLES, arches: SUPPORTED_ARCHES },
  });
}

function lookedAt(facts: MediumFacts): string {
  const label =
    facts.volume.volumeId === ''
      ? 'the volume label (empty)'
      : `the volume label ${quoteUntrusted(facts.volume.volumeId)}`;
  const files = [...facts.identityFiles.keys()];
  return `${label}, ${files.length === 0 ? '.treeinfo, .discinfo, .disk/info and media.1 (not there)' : files.join(', ')}`;
}

function sentenceStart(source: string): string {
  return source.charAt(0).toUpperCase() + source.slice(1);
}
