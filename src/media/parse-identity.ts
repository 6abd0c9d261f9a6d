import { iniValue, parseIni } from './parse-ini.js';

/** `.discinfo` of Anaconda media: time stamp, product or version, arch, disc numbers, a line each. */
export interface Discinfo {
  readonly timestamp: string | undefined;
  /** `CentOS Stream 9`, `7.3`, `40`, or nothing. */
  readonly product: string | undefined;
  readonly arch: string | undefined;
}

export function parseDiscinfo(text: string): Discinfo {
  const [timestamp, product, arch] = linesOf(text);
  return { timestamp: timestamp || undefined, product: product || undefined, arch: arch || undefined };
}

/** `media.repo` of Anaconda media: a repository definition whose name is the product's. */
export interface MediaRepo {
  readonly name: string | undefined;
}

export function parseMediaRepo(text: string): MediaRepo {
  return { name: iniValue(parseIni(text), 'installmedia', 'name') };
}

/** `.disk/info` of Debian and Ubuntu: `Debian GNU/Linux 12.0.0 "Bookworm" - Official amd64 NETINST with firmware 20230610-10:21`. */
export interface DiskInfo {
  /** What precedes the code name: product and version. */
  readonly product: string;
  readonly codename: string | undefined;
  /** What follows the dash: edition, arch, build. */
  readonly edition: string;
}

export function parseDiskInfo(text: string): DiskInfo | undefined {
  const line = linesOf(text).find((candidate) => candidate !== '');
  if (line === undefined) return undefined;
  const match = /^(?<product>[^"]*?)\s*(?:"(?<codename>[^"]*)")?\s*(?:\s-\s+(?<edition>.*))?$/.exec(line)?.groups;
  return {
    product: match?.['product'] ?? line,
    codename: match?.['codename'],
    edition: match?.['edition'] ?? '',
  };
}

/** `media.1/` of SUSE media. */
export interface SuseMedia {
  /** `media.1/media`, first line: the vendor. */
  readonly vendor: string | undefined;
  /** `media.1/media`, second line, or `media.1/build`: product, version, arch and build in one word. */
  readonly build: string | undefined;
  /** `media.1/products`: directory, product, version per line; the version's release is cut off. */
  readonly products: readonly { readonly name: string; readonly version: string }[];
}

export function parseSuseMedia(files: {
  readonly media?: string | undefined;
  readonly products?: string | undefined;
  readonly build?: string | undefined;
}): SuseMedia {
  const [vendor, media] = linesOf(files.media ?? '');
  const [build] = linesOf(files.build ?? '');
  const products = linesOf(files.products ?? '').flatMap((line) => {
    const { name, version } = /^\S+\s+(?<name>.+?)\s+(?<version>[\d.]+)(-\S*)?$/.exec(line)?.groups ?? {};
    return name === undefined || version === undefined ? [] : [{ name, version }];
  });
  return { vendor: vendor || undefined, build: build || media || undefined, products };
}

/** A Debian archive's `dists/<suite>/Release`. */
export interface ArchiveRelease {
  readonly origin: string | undefined;
  readonly codename: string | undefined;
  readonly version: string | undefined;
}

export function parseArchiveRelease(text: string): ArchiveRelease {
  const field = (name: string): string | undefined => new RegExp(`^${name}:[ \\t]*(\\S.*?)\\s*$`, 'im').exec(text)?.[1];
  return { origin: field('Origin'), codename: field('Codename'), version: field('Version') };
}

/** Bounded, because the expressions above are not made for a line of a megabyte. */
function linesOf(text: string): string[] {
  return text
    .slice(0, 16 * 1024)
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n|\r/)
    .map((line) => line.slice(0, 512).trim());
}
