import { Iso2RootfsError } from '../errors.js';
import type { Arch } from '../media/types.js';
import type { Catalog } from './load.js';
import type { Distribution } from './schema.js';
import { suggest } from '../suggest.js';

const ARCH_NAMES: Readonly<Record<string, Arch>> = {
  x86_64: 'x86_64',
  'x86-64': 'x86_64',
  amd64: 'x86_64',
  x64: 'x86_64',
  aarch64: 'aarch64',
  arm64: 'aarch64',
};

/** Variants that distributions name differently: an ISO that boots the installer and fetches the rest. */
const NETWORK_VARIANTS = ['netinst', 'boot', 'netinstall', 'net'];

/** `22.03_LTS SP3` and `22.03-lts-sp3` are the same. */
function normalise(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-');
}

/** Without the separators: `22.03ltssp3`. */
function squeeze(text: string): string {
  return normalise(text).replaceAll('-', '');
}

/** Orders releases as people count: 8.10 after 8.9, 22.03-lts before 22.03-lts-sp1. */
export function compareReleases(left: string, right: string): number {
  return new Intl.Collator('en', { numeric: true }).compare(left, right);
}

export interface NamedRelease {
  readonly distribution: Distribution;
  readonly release: string;
}

/**
 * Finds what people mean by `openEuler` + `22.03-LTS_SP3`, `debian 12`, `bookworm`, `centos7`, `stream9`...
 * The release may be part of the distribution's name, or the other way round.
 * @throws Iso2RootfsError USAGE with suggestions.
 */
export function findRelease(catalog: Catalog, distroText: string, releaseText: string | undefined): NamedRelease {
  const typed = normalise(distroText);
  const whole = findDistribution(catalog, typed);
  if (whole !== undefined) return findIn(whole, releaseText);

  // "debian 12", "centos7", "stream9": a name and then its release.
  for (const [, head, tail] of splits(typed)) {
    const distribution = findDistribution(catalog, head);
    if (distribution === undefined) continue;
    if (releaseText === undefined) return findIn(distribution, tail);
    // "-d centos7 -r 7" is one release said twice; "-d stream9 -r 10" is two.
    const [fromName, fromRelease] = [findIn(distribution, tail), findIn(distribution, releaseText)];
    if (fromName.release === fromRelease.release) return fromName;
    throw new Iso2RootfsError(
      'USAGE',
      `"${distroText}" is release ${fromName.release}, but release ${fromRelease.release} was asked for`,
      { hint: `Say only one of them: -d ${distribution.id} -r ${fromRelease.release}` },
    );
  }
  if (releaseText === undefined) {
    const byCodename = findCodename(catalog, typed);
    if (byCodename !== undefined) return byCodename;
  }
  throw unknownDistribution(catalog, distroText, typed);
}

function findIn(distribution: Distribution, releaseText: string | undefined): NamedRelease {
  const ids = releasesOf(distribution);
  if (releaseText === undefined) {
    throw new Iso2RootfsError('USAGE', `which release of ${distribution.name}?`, {
      hint: `Say one of: ${ids.join(', ')}`,
      data: { releases: ids },
    });
  }
  const release = matchRelease(distribution, ids, releaseText);
  if (release !== undefined) return { distribution, release };
  const names = ids.flatMap((id) => [id, ...(distribution.releases[id]?.aliases ?? [])]);
  throw new Iso2RootfsError('USAGE', `${distribution.name} ${releaseText} is not in the catalogue`, {
    hint: hintOf(suggest(normalise(releaseText), names), ids, `releases of ${distribution.id}`),
    data: { releases: ids },
  });
}

function matchRelease(distribution: Distribution, ids: readonly string[], text: string): string | undefined {
  const typed = squeeze(text);
  const namesOf = (id: string): string[] => [id, ...(distribution.releases[id]?.aliases ?? [])].map(squeeze);
  const exact = ids.find((id) => namesOf(id).includes(typed));
  if (exact !== undefined) return exact;
  // "9" is the newest 9.x.
  const newest = ids.findLast((id) => squeeze(id).startsWith(`${typed}.`));
  if (newest !== undefined) return newest;
  // "2203-lts", "2404": nobody types four digits and means another release than the dotted one.
  if (!/^\d{4}/.test(typed)) return undefined;
  return ids.find((id) => namesOf(id).some((name) => name.replaceAll('.', '') === typed));
}

/** Ids of the releases that are not taken away, oldest first. */
export function releasesOf(distribution: Distribution): string[] {
  return Object.keys(distribution.releases)
    .filter((id) => distribution.releases[id] !== null)
    .sort(compareReleases);
}

function findDistribution(catalog: Catalog, name: string): Distribution | undefined {
  for (const distribution of catalog.distributions.values()) {
    if ([distribution.id, ...(distribution.aliases ?? [])].some((own) => squeeze(own) === squeeze(name))) {
      return distribution;
    }
  }
  return undefined;
}

function findCodename(catalog: Catalog, name: string): NamedRelease | undefined {
  if (!/^[a-z]/.test(name)) return undefined;
  for (const distribution of catalog.distributions.values()) {
    for (const release of releasesOf(distribution)) {
      if (distribution.releases[release]?.aliases?.some((alias) => normalise(alias) === name)) {
        return { distribution, release };
      }
    }
  }
  return undefined;
}

/** The ways to cut `centos-stream-9` or `centos7` into a name and a release, the longest name first. */
function splits(typed: string): [string, string, string][] {
  const cuts: [string, string, string][] = [];
  for (let at = typed.length - 1; at > 0; at -= 1) {
    const head = typed.slice(0, at);
    const tail = typed.slice(at);
    const isDashed = tail.startsWith('-');
    if (isDashed || (/\D$/.test(head) && /^\d/.test(tail))) cuts.push([typed, head, isDashed ? tail.slice(1) : tail]);
  }
  return cuts.filter(([, head, tail]) => tail !== '' && !head.endsWith('-'));
}

function unknownDistribution(catalog: Catalog, text: string, typed: string): Iso2RootfsError {
  const ids = [...catalog.distributions.keys()].sort();
  const names = [...catalog.distributions.values()].flatMap((distribution) => [
    distribution.id,
    ...(distribution.aliases ?? []),
    ...codenamesOf(distribution),
  ]);
  const withoutRelease = typed.replace(/-?\d[\w.-]*$/, '');
  return new Iso2RootfsError('USAGE', `no distribution is called "${text}"`, {
    hint: hintOf(suggest(withoutRelease === '' ? typed : withoutRelease, names), ids, 'distributions'),
    data: { distributions: ids },
  });
}

function codenamesOf(distribution: Distribution): string[] {
  return Object.values(distribution.releases).flatMap((entry) =>
    (entry?.aliases ?? []).filter((alias) => /^[a-z]/.test(alias)),
  );
}

function hintOf(near: readonly string[], all: readonly string[], what: string): string {
  const question = near.length === 0 ? '' : `Did you mean ${near.join(' or ')}? `;
  return `${question}The ${what} are: ${all.join(', ')}`;
}

/** @throws Iso2RootfsError USAGE */
export function findArch(text: string, available: readonly Arch[], what: string): Arch {
  const arch = ARCH_NAMES[text.trim().toLowerCase()];
  if (arch !== undefined && available.includes(arch)) return arch;
  throw new Iso2RootfsError('USAGE', `${what} is not there for "${text}"`, {
    hint: `It is there for: ${available.join(', ')}`,
    data: { arches: available },
  });
}

/** @throws Iso2RootfsError USAGE */
export function findVariant(text: string, available: readonly string[], what: string): string {
  const typed = normalise(text);
  if (available.includes(typed)) return typed;
  const sameKind = available.find((name) => NETWORK_VARIANTS.includes(name));
  if (sameKind !== undefined && NETWORK_VARIANTS.includes(typed)) return sameKind;
  throw new Iso2RootfsError('USAGE', `${what} has no medium called "${text}"`, {
    hint: hintOf(suggest(typed, available), available, 'media'),
    data: { variants: available },
  });
}
