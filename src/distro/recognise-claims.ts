import {
  parseArchiveRelease,
  parseDiscinfo,
  parseDiskInfo,
  parseMediaRepo,
  parseSuseMedia,
} from '../media/parse-identity.js';
import { parseTreeinfo, type Treeinfo } from '../media/parse-treeinfo.js';
import type { MediumFacts } from '../media/types.js';
import { findArchName } from './recognise-arch.js';

/** What one source on the medium says of it. */
export interface Claim {
  /** For sentences: `.treeinfo`, `the volume label`. */
  readonly source: string;
  /** What it calls the product, most particular first; the release may follow the name. */
  readonly products: readonly string[];
  /** Where it is a field of its own. */
  readonly version: string | undefined;
  readonly arch: string | undefined;
  /** The medium's content, so that a product that we do not know settles the matter. */
  readonly isDecisive: boolean;
  /** As shown to people. */
  readonly quote: string;
}

export interface Claims {
  /** Most trusted first. What describes the content goes before labels, which are copied from medium to medium. */
  readonly all: readonly Claim[];
  readonly treeinfo: Treeinfo | undefined;
  /** Everything that the medium says in words, for rules that look for an edition. */
  readonly words: readonly string[];
}

/** What most application ids name, and of no use here. */
const MASTERING_PROGRAM = /mkisofs|genisoimage|xorriso/i;

export function collectClaims(facts: MediumFacts): Claims {
  const text = (path: string): string | undefined => facts.identityFiles.get(path);
  const treeinfoText = text('.treeinfo') ?? text('treeinfo');
  const treeinfo = treeinfoText === undefined ? undefined : parseTreeinfo(treeinfoText);
  const claims = [
    treeinfo === undefined ? undefined : fromTreeinfo(treeinfo),
    fromDiskInfo(text('.disk/info')),
    fromSuseMedia(facts),
    fromLine('.productinfo', text('.productinfo')?.split(/\r?\n/).slice(0, 2).join(' ')),
    fromLine('media.repo', parseMediaRepo(text('media.repo') ?? '').name),
    ...fromArchives(facts),
    fromDiscinfo(text('.discinfo')),
    fromLine('the volume label', facts.volume.volumeId),
    MASTERING_PROGRAM.test(facts.volume.applicationId)
      ? undefined
      : fromLine('the application id', facts.volume.applicationId),
  ];
  const all = claims.filter((claim) => claim !== undefined);
  return {
    all,
    treeinfo,
    words: [...all.flatMap(({ products, quote }) => [...products, quote]), treeinfo?.variant ?? ''].filter(Boolean),
  };
}

function fromTreeinfo(treeinfo: Treeinfo): Claim {
  const products = [treeinfo.family, treeinfo.name].filter((name) => name !== undefined);
  const quote = [treeinfo.family ?? treeinfo.name, treeinfo.version, treeinfo.arch].filter(Boolean).join(' ');
  return {
    source: '.treeinfo',
    products,
    version: treeinfo.version,
    arch: treeinfo.arch === undefined ? undefined : (findArchName(treeinfo.arch) ?? treeinfo.arch),
    isDecisive: products.length > 0,
    quote,
  };
}

function fromDiskInfo(text: string | undefined): Claim | undefined {
  const info = text === undefined ? undefined : parseDiskInfo(text);
  if (info === undefined || info.product === '') return undefined;
  return {
    source: '.disk/info',
    products: [[info.product, info.codename].filter(Boolean).join(' ')],
    version: undefined,
    arch: findArchName(info.edition),
    isDecisive: true,
    quote: [info.product, info.codename, info.edition].filter(Boolean).join(' '),
  };
}

function fromSuseMedia(facts: MediumFacts): Claim | undefined {
  const media = parseSuseMedia({
    media: facts.identityFiles.get('media.1/media'),
    products: facts.identityFiles.get('media.1/products'),
    build: facts.identityFiles.get('media.1/build'),
  });
  const products = [media.build, ...media.products.map(({ name, version }) => `${name} ${version}`)].filter(
    (name) => name !== undefined,
  );
  if (products.length === 0) return undefined;
  const arch = findArchName(products.join(' '));
  return { source: 'media.1', products, version: undefined, arch, isDecisive: false, quote: products.join(', ') };
}

/** Only `Origin: Debian` and the like: a repository's suite says what it holds, not what the medium is. */
function fromArchives(facts: MediumFacts): Claim[] {
  return [...facts.identityFiles]
    .filter(([path]) => path.startsWith('dists/'))
    .flatMap(([path, content]) => {
      const { origin, version, codename } = parseArchiveRelease(content);
      return fromLine(path, [origin, version ?? codename].filter(Boolean).join(' ')) ?? [];
    });
}

/** The second line is a version, a product with a version, or nothing. */
function fromDiscinfo(text: string | undefined): Claim | undefined {
  if (text === undefined) return undefined;
  const { product, arch } = parseDiscinfo(text);
  const isVersion = product !== undefined && /^[\d.]+$/.test(product);
  return {
    source: '.discinfo',
    products: product === undefined || isVersion ? [] : [product],
    version: isVersion ? product : undefined,
    arch: arch === undefined ? undefined : findArchName(arch),
    isDecisive: false,
    quote: [product, arch].filter(Boolean).join(' '),
  };
}

function fromLine(source: string, line: string | undefined): Claim | undefined {
  const product = line?.trim();
  if (product === undefined || product === '') return undefined;
  return {
    source,
    products: [product],
    version: undefined,
    arch: findArchName(product),
    isDecisive: false,
    quote: product,
  };
}
