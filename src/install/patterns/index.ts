/** The pattern packs, compiled for one installer family: one test per line where nothing matches. */
import type { InstallerFamily } from '../../distro/types.js';
import { ANACONDA } from './anaconda.js';
import { AUTOYAST } from './autoyast.js';
import { COMMON } from './common.js';
import { DEBIAN_INSTALLER } from './debian-installer.js';
import { SUBIQUITY } from './subiquity.js';
import type { Pattern, PatternPack, PatternScope } from './types.js';

export type { Pattern, PatternPack, PatternScope, PatternWeight } from './types.js';

export const PATTERN_PACKS: Readonly<Record<InstallerFamily, readonly PatternPack[]>> = {
  anaconda: [COMMON, ANACONDA],
  'debian-installer': [COMMON, DEBIAN_INSTALLER],
  subiquity: [COMMON, SUBIQUITY],
  autoyast: [COMMON, AUTOYAST],
  agama: [COMMON, AUTOYAST],
};

/** A message of the kernel itself, not of a program that writes to its log: no installer speaks there. */
const KERNEL_LINE =
  /^(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8} kernel: )?\s*\[ *\d+\.\d{6}\] (?!(?:[\w.-]+ )?[\w./@-]+\[\d+\]: )(?!dracut)/;

export class PatternMatcher {
  readonly #patterns: readonly Pattern[];
  readonly #ignore: RegExp | undefined;
  readonly #any: RegExp;

  constructor(family: InstallerFamily) {
    const packs = PATTERN_PACKS[family];
    this.#patterns = packs.flatMap((pack) => pack.patterns);
    this.#ignore = union(packs.flatMap((pack) => pack.ignore));
    // Case is ignored here: this only has to be quick and must not miss anything.
    this.#any = union(this.#patterns.map((pattern) => pattern.regex)) ?? /(?!)/;
  }

  /** The patterns that a line matches, the most telling first. */
  match(line: string, scope: PatternScope): readonly Pattern[] {
    if (!this.#any.test(line) || this.#ignore?.test(line) === true) return [];
    const candidates = KERNEL_LINE.test(line) ? COMMON.patterns : this.#patterns;
    const matches = candidates.filter(
      (pattern) =>
        isInScope(pattern, scope) &&
        pattern.regex.test(line) &&
        !(pattern.except !== undefined && pattern.except.test(line)),
    );
    return matches.sort((a, b) => rank(a) - rank(b));
  }
}

function isInScope(pattern: Pattern, scope: PatternScope): boolean {
  const own = pattern.scope ?? 'both';
  return own === 'both' || scope === 'both' || own === scope;
}

/** Lower is more telling. */
export function rank(pattern: Pattern): number {
  const weight = { fatal: 0, presumed: 1, clue: 2 }[pattern.weight ?? 'fatal'];
  const vagueness = pattern.isGeneric === true ? 3 : pattern.outcome === 'installer-error' ? 0.5 : 0;
  return vagueness + weight;
}

function union(expressions: readonly RegExp[]): RegExp | undefined {
  if (expressions.length === 0) return undefined;
  return new RegExp(expressions.map((expression) => `(?:${expression.source})`).join('|'), 'i');
}
