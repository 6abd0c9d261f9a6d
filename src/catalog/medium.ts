import { Iso2RootfsError } from '../errors.js';
import type { Arch } from '../media/types.js';
import type { ChecksumLocation, Distribution, MediumSettings, SigningKey } from './schema.js';

/** Where a publisher says what the SHA-256 of an ISO is. */
export interface ChecksumSource {
  readonly url: string;
  /** A detached signature, or a clear-signed copy. */
  readonly signatureUrl?: string;
}

/** One medium of the catalogue, spelled out. */
export interface ResolvedMedium {
  /** Id of the distribution. */
  readonly distro: string;
  readonly distroName: string;
  readonly release: string;
  readonly arch: Arch;
  readonly variant: string;
  readonly isoFileName: string;
  /** In the order in which they are to be tried. */
  readonly urls: readonly string[];
  /** Undefined: it is not known where the checksum is published. */
  readonly checksum:
    | {
        /** In the order in which they are to be tried: the publisher's own first. */
        readonly sources: readonly ChecksumSource[];
        readonly dialect: ChecksumLocation['dialect'];
      }
    | undefined;
  readonly signingKey: SigningKey | undefined;
  readonly installerFamily: NonNullable<MediumSettings['installerFamily']>;
  /** Name of the pykickstart handler; undefined for other installers and where it is not known. */
  readonly kickstartDialect: string | undefined;
  /** Least memory that the installer needs, where it is known. */
  readonly memoryBytes: number | undefined;
  /** Least disk that an installation needs, where it is known. */
  readonly diskBytes: number | undefined;
  /** Day (`2024-06-30`) after which the distribution stops maintaining the release. */
  readonly endOfLife: string | undefined;
  readonly isExperimental: boolean;
  /** Fields of the catalogue that nobody has checked against the publisher. */
  readonly unverified: readonly string[];
  readonly notes: readonly string[];
}

const ARCHES: readonly Arch[] = ['x86_64', 'aarch64'];

export function archesOf(distribution: Distribution, release: string): Arch[] {
  return ARCHES.filter((arch) => isPresent(distribution.releases[release]?.arches?.[arch]));
}

export function variantsOf(distribution: Distribution, release: string, arch: Arch): string[] {
  const entry = distribution.releases[release];
  // An inner null takes away what an outer level has.
  const levels = { ...distribution.variants, ...entry?.variants, ...entry?.arches?.[arch]?.variants };
  return Object.keys(levels).filter((variant) => levels[variant] !== null);
}

export function* combinations(distribution: Distribution): Generator<{ release: string; arch: Arch; variant: string }> {
  for (const release of Object.keys(distribution.releases)) {
    for (const arch of archesOf(distribution, release)) {
      for (const variant of variantsOf(distribution, release, arch)) yield { release, arch, variant };
    }
  }
}

/** @throws Iso2RootfsError CONFIG_INVALID when the catalogue does not say enough of it. */
export function describeMedium(
  distribution: Distribution,
  release: string,
  arch: Arch,
  variant: string,
): ResolvedMedium {
  const entry = distribution.releases[release];
  const archEntry = entry?.arches?.[arch];
  const levels = [
    distribution,
    entry,
    archEntry,
    distribution.variants[variant],
    entry?.variants?.[variant],
    archEntry?.variants?.[variant],
  ].filter(isPresent);
  const settings = Object.assign({}, ...levels) as MediumSettings;
  const name = `${distribution.id} ${release} ${arch} ${variant}`;
  const placeholders: Record<string, string> = {
    ...(Object.assign({}, ...levels.map((level) => level.values ?? {})) as Record<string, string>),
    release,
    version: entry?.version ?? release,
    arch: distribution.archNames?.[arch] ?? arch,
  };
  const { mirrors, path, installerFamily, checksum } = settings;
  if (mirrors === undefined || path === undefined || installerFamily === undefined) {
    const missing = mirrors === undefined ? 'mirrors' : path === undefined ? 'path' : 'installerFamily';
    throw new Iso2RootfsError('CONFIG_INVALID', `${name}: "${missing}" is not given`);
  }
  const isoPath = expand(path, placeholders, name);
  const isoFileName = isoPath.slice(isoPath.lastIndexOf('/') + 1);
  const urls = mirrors.map((mirror) => joinUrl(expand(mirror, placeholders, name), isoPath, name));
  const beside = (template: string, isoUrl: string): string =>
    new URL(expand(template, { ...placeholders, file: isoFileName }, name), isoUrl).href;
  return {
    distro: distribution.id,
    distroName: distribution.name,
    release,
    arch,
    variant,
    isoFileName,
    urls,
    checksum: checksum
      ? {
          sources: urls.map((isoUrl) => ({
            url: beside(checksum.file, isoUrl),
            ...(checksum.signature ? { signatureUrl: beside(checksum.signature, isoUrl) } : {}),
          })),
          dialect: checksum.dialect,
        }
      : undefined,
    signingKey: settings.signingKey ?? undefined,
    installerFamily,
    kickstartDialect: settings.kickstartDialect,
    memoryBytes: settings.memory,
    diskBytes: settings.disk,
    endOfLife: entry?.endOfLife,
    isExperimental: settings.experimental ?? false,
    unverified: unique(levels.flatMap((level) => level.unverified ?? [])),
    notes: unique(levels.flatMap((level) => level.notes ?? [])),
  };
}

function expand(template: string, placeholders: Readonly<Record<string, string>>, name: string): string {
  return template.replace(/\{(\w+)\}/g, (whole, key: string) => {
    const value = placeholders[key];
    if (value === undefined) {
      throw new Iso2RootfsError('CONFIG_INVALID', `${name}: nothing says what ${whole} in "${template}" is`);
    }
    return value;
  });
}

function joinUrl(mirror: string, isoPath: string, name: string): string {
  const text = `${mirror.replace(/\/+$/, '')}/${isoPath.replace(/^\/+/, '')}`;
  if (!/^https?:/i.test(text) || !URL.canParse(text)) {
    throw new Iso2RootfsError('CONFIG_INVALID', `${name}: "${mirror}" is not an http or https URL`);
  }
  return new URL(text).href;
}

function isPresent<Value>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
