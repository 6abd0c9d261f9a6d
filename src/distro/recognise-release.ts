import type { DistroId } from './types.js';

export interface Release {
  /** As typed after `-r`. */
  readonly release: string;
  /** Where the text says more than the release. */
  readonly version?: string;
}

/** How a distribution writes its releases. */
interface ReleaseForm {
  /** Reads the release out of a label's rest, a version field or what a user typed. */
  readonly parse: (text: string) => Release | undefined;
  /** Releases that name a series only (`9`): another source may say which of it (`9.1`). */
  readonly vague?: RegExp;
}

const DEBIAN_CODENAMES: Readonly<Record<string, string>> = {
  buster: '10',
  bullseye: '11',
  bookworm: '12',
  trixie: '13',
  forky: '14',
  duke: '15',
};
const UBUNTU_CODENAMES: Readonly<Record<string, string>> = {
  bionic: '18.04',
  focal: '20.04',
  jammy: '22.04',
  noble: '24.04',
  resolute: '26.04',
};
/** Kylin's service packs are known by their names. */
const KYLIN_CODENAMES: Readonly<Record<string, string>> = { tercel: 'sp1', sword: 'sp2', lance: 'sp3' };

const ARCH_TOKEN = /x86[_-]64(_v\d)?|aarch64|amd64|arm64|i[3-6]86|ppc64(le|el)?|s390x?|loongarch64|riscv64/gi;

function byCodename(text: string, codenames: Readonly<Record<string, string>>): string | undefined {
  for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g)) {
    if (Object.hasOwn(codenames, word)) return codenames[word];
  }
  return undefined;
}

/** `9`, `9.6`, `9-6`, `9-4-0`, `7.9.2009`, `R9-U4` */
const MAJOR_MINOR: ReleaseForm = {
  parse: (text) => {
    const [, major, minor] = /(?<!\d)(\d{1,2})(?!\d)(?:[-._ ]U?(\d{1,2})(?!\d))?/i.exec(text) ?? [];
    return major === undefined ? undefined : { release: minor === undefined ? major : `${major}.${Number(minor)}` };
  },
  vague: /^\d+$/,
};

const MAJOR: ReleaseForm = {
  parse: (text) => {
    const [major] = /(?<!\d)\d{1,2}(?!\d)/.exec(text) ?? [];
    return major === undefined ? undefined : { release: major };
  },
};

/** `12.0.0`, `12`, `bookworm` */
const DEBIAN: ReleaseForm = {
  parse: (text) => {
    const [version, major] = /(?<!\d)(\d{1,2})(?!\d)(?:\.\d+)*/.exec(text) ?? [];
    if (version !== undefined && major !== undefined) {
      return { release: major, ...(version === major ? {} : { version }) };
    }
    const release = byCodename(text, DEBIAN_CODENAMES);
    return release === undefined ? undefined : { release };
  },
};

/** `22.04`, `22.04.5`, `jammy` */
const UBUNTU: ReleaseForm = {
  parse: (text) => {
    const [version, release] = /(?<!\d)(\d\d\.\d\d)(?!\d)(?:\.\d+)?/.exec(text) ?? [];
    if (version !== undefined && release !== undefined) return { release, ...(version === release ? {} : { version }) };
    const named = byCodename(text, UBUNTU_CODENAMES);
    return named === undefined ? undefined : { release: named };
  },
};

const LEAP: ReleaseForm = {
  parse: (text) => {
    const [release] = /(?<!\d)\d{2}\.\d(?!\d)/.exec(text) ?? [];
    return release === undefined ? undefined : { release };
  },
};

/** `22.03-LTS-SP3`, `2203-LTS`, `22.03_LTS`, `24.03 LTS SP1`, `23.03` */
const OPENEULER: ReleaseForm = {
  parse: (text) => {
    const [, year, month, lts, servicePack] =
      /(?<!\d)(\d{2})\.?(\d{2})(?!\d)(?:[-_. ]*(LTS))?(?:[-_. ]*SP[-_ ]?(\d+))?/i.exec(text) ?? [];
    if (year === undefined || month === undefined) return undefined;
    const suffix = servicePack === undefined ? '' : `-sp${Number(servicePack)}`;
    // Only long-term releases have service packs.
    return { release: `${year}.${month}${lts === undefined && suffix === '' ? '' : '-lts'}${suffix}` };
  },
  vague: /^\d+\.\d+$/,
};

/** `V10-SP3`, `V10 (SP3)`, `V10 (Lance)`, `V10` */
const KYLIN: ReleaseForm = {
  parse: (text) => {
    const [, major, servicePack] = /V?(?<!\d)(\d{1,2})(?!\d)(?:\W*SP-?(\d+))?/i.exec(text) ?? [];
    if (major === undefined) return undefined;
    const suffix = servicePack === undefined ? byCodename(text, KYLIN_CODENAMES) : `sp${servicePack}`;
    return { release: suffix === undefined ? `v${major}` : `v${major}-${suffix}` };
  },
  vague: /^v\d+$/,
};

const FORMS: Readonly<Record<DistroId, ReleaseForm>> = {
  openeuler: OPENEULER,
  debian: DEBIAN,
  ubuntu: UBUNTU,
  centos: MAJOR_MINOR,
  'centos-stream': MAJOR,
  rocky: MAJOR_MINOR,
  almalinux: MAJOR_MINOR,
  rhel: MAJOR_MINOR,
  oracle: MAJOR_MINOR,
  fedora: MAJOR,
  'opensuse-leap': LEAP,
  anolis: MAJOR_MINOR,
  kylin: KYLIN,
};

/** Reads a release however it is spelled (`2403-LTS`, `9-4-0`, `Bookworm`); undefined when the text names none. */
export function parseRelease(distro: DistroId, text: string): Release | undefined {
  return FORMS[distro].parse(text.replaceAll(ARCH_TOKEN, ' '));
}

/** The release as we write it. What is not a release of the distribution is undefined. */
export function normaliseRelease(distro: DistroId, text: string): string | undefined {
  return parseRelease(distro, text)?.release;
}

/** True when `precise` says the same as `vague` and more: `9` and `9.1`, but not `22.03-lts` and `22.03-lts-sp1`. */
export function isRefinement(distro: DistroId, vague: string, precise: string): boolean {
  return (
    FORMS[distro].vague?.test(vague) === true && (precise.startsWith(`${vague}.`) || precise.startsWith(`${vague}-`))
  );
}

/** True when two spellings do not contradict each other: equal, or one names the series of the other. */
export function isSameRelease(distro: DistroId, one: string, other: string): boolean {
  const [a, b] = [normaliseRelease(distro, one), normaliseRelease(distro, other)];
  if (a === undefined || b === undefined) return false;
  return a === b || isRefinement(distro, a, b) || isRefinement(distro, b, a);
}

/** Compares the numbers of two releases in order. */
export function compareReleases(one: string, other: string): number {
  const [a, b] = [one, other].map((release) => (release.match(/\d+/g) ?? []).map(Number)) as [number[], number[]];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
