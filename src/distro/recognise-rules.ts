/**
 * What is known of each distribution's media, as data. A medium that is not in any list is recognised by the same rules.
 * Labels and spellings: osinfo-db's patterns and the media themselves; `isExperimental` where no installation of the
 * distribution has confirmed them.
 */
import type { ErrorCode } from '../errors.js';
import type { DistroId, InstallerFamily } from './types.js';

/** True when everything that it says is so. */
export interface Condition {
  /** One of the texts on the medium (labels, product and edition names) matches. */
  readonly says?: RegExp;
  /** None of these texts matches. */
  readonly saysNothingLike?: RegExp;
  /** The tree has an entry whose path matches. */
  readonly has?: RegExp;
  readonly lacks?: RegExp;
  /** The file's name matches: a hint, so only where the medium cannot tell. */
  readonly fileName?: RegExp;
  readonly release?: RegExp;
  readonly carriesPackages?: boolean;
}

export interface VariantRule extends Condition {
  readonly variant: string;
  readonly isExperimental?: boolean;
}

/** A medium of a known distribution that we cannot install from. */
export interface Refusal extends Condition {
  readonly code: ErrorCode & ('NOT_INSTALL_MEDIA' | 'UNSUPPORTED_DISTRO');
  /** Completes "it is ...". */
  readonly what: string;
  readonly hint: string;
}

/** How to see that a medium carries the packages. */
export type PackageEvidence =
  /** `repodata/repomd.xml` anywhere, and not beside an empty pool. */
  | { readonly by: 'repodata' }
  | { readonly by: 'files'; readonly files: RegExp }
  /** The medium's name says it; where it does not, as `repodata`. */
  | { readonly by: 'words'; readonly carries: RegExp; readonly lacks: RegExp };

export interface RecognitionRule {
  readonly distro: DistroId;
  readonly title: string;
  /** Start of a product name or label; the release follows. */
  readonly product: RegExp;
  /** By release, the first that matches. */
  readonly families: readonly { readonly family: InstallerFamily; readonly release?: RegExp }[];
  readonly oldestRelease: string;
  readonly packages: PackageEvidence;
  readonly variants: readonly VariantRule[];
  readonly refusals: readonly Refusal[];
  /** Versions in `.treeinfo` that are known to be made up. */
  readonly placeholderVersions?: readonly string[];
  readonly isExperimental: boolean;
}

const USE_INSTALLER_MEDIA =
  'Use a medium with the text installer: the DVD, minimal, server or network installation ISO.';

const LIVE_ANACONDA: readonly Refusal[] = [
  {
    says: /(^|[-_ ])live(cd|dvd)?([-_ ]|$)/i,
    code: 'NOT_INSTALL_MEDIA',
    what: 'a live medium, without an installer that can run unattended',
    hint: USE_INSTALLER_MEDIA,
  },
  {
    has: /^LiveOS\//i,
    lacks: /^(images\/install\.img|[._](treeinf|discinf).*|(.*\/)?repodata\/repomd\.xml)$/i,
    code: 'NOT_INSTALL_MEDIA',
    what: 'a live medium, without an installer that can run unattended',
    hint: USE_INSTALLER_MEDIA,
  },
];

const NOT_FOR_INSTALLATION: readonly Refusal[] = [
  {
    says: /(^|[-_ ])(source|src|debug|debuginfo)([-_ ]|$)/i,
    lacks: /^(images\/pxeboot|isolinux)\//i,
    code: 'NOT_INSTALL_MEDIA',
    what: 'a medium of sources or debugging packages, without an installer',
    hint: USE_INSTALLER_MEDIA,
  },
];

const EL_VARIANTS: readonly VariantRule[] = [
  { variant: 'boot', carriesPackages: false },
  { variant: 'minimal', has: /^minimal\/repodata\/repomd\.xml$/i },
  { variant: 'minimal', says: /^minimal$/i },
  { variant: 'minimal', fileName: /[-_]minimal[-_.]/i },
  { variant: 'everything', fileName: /[-_]everything[-_.]/i },
  { variant: 'dvd' },
];

/** What most of Anaconda's distributions share. */
const ANACONDA = {
  families: [{ family: 'anaconda' }],
  packages: { by: 'repodata' },
  variants: EL_VARIANTS,
  refusals: [...LIVE_ANACONDA, ...NOT_FOR_INSTALLATION],
  isExperimental: false,
} as const satisfies Partial<RecognitionRule>;

/** The first rule whose `product` matches is taken: the more particular ones stand first. */
export const RECOGNITION_RULES: readonly RecognitionRule[] = [
  {
    ...ANACONDA,
    distro: 'openeuler',
    title: 'openEuler',
    product: /^openeuler(?![a-z])/i,
    oldestRelease: '20.03',
    variants: [
      { variant: 'netinst', carriesPackages: false },
      { variant: 'everything', says: /[-_ ]everything([-_ ]|$)/i },
      { variant: 'edge', says: /[-_ ]edge([-_ ]|$)/i },
      { variant: 'everything', fileName: /[-_]everything[-_.]/i },
      { variant: 'edge', fileName: /[-_]edge[-_.]/i },
      { variant: 'dvd' },
    ],
  },
  {
    ...ANACONDA,
    distro: 'centos-stream',
    title: 'CentOS Stream',
    product: /^centos[-_ ]stream(?![a-z])/i,
    oldestRelease: '8',
  },
  {
    ...ANACONDA,
    distro: 'centos',
    title: 'CentOS Linux',
    product: /^centos([-_ ](linux|altarch))?(?![a-z])/i,
    oldestRelease: '7',
    variants: [{ variant: 'netinst', carriesPackages: false, release: /^7/ }, ...EL_VARIANTS],
  },
  { ...ANACONDA, distro: 'rocky', title: 'Rocky Linux', product: /^rocky([-_ ]linux)?(?![a-z])/i, oldestRelease: '8' },
  { ...ANACONDA, distro: 'almalinux', title: 'AlmaLinux', product: /^alma[-_ ]?linux(?![a-z])/i, oldestRelease: '8' },
  {
    ...ANACONDA,
    distro: 'rhel',
    title: 'Red Hat Enterprise Linux',
    product: /^(red[-_ ]hat[-_ ]enterprise[-_ ]linux([-_ ]server)?|rhel)(?![a-z])/i,
    oldestRelease: '7',
    isExperimental: true,
  },
  {
    ...ANACONDA,
    distro: 'oracle',
    title: 'Oracle Linux',
    product: /^(oracle[-_ ]?linux([-_ ]server)?(?![a-z])|ol(?=[-_ ]?\d))/i,
    oldestRelease: '7',
    isExperimental: true,
  },
  {
    ...ANACONDA,
    distro: 'fedora',
    title: 'Fedora',
    product: /^fedora([-_ ]linux)?(?![a-z])/i,
    oldestRelease: '29',
    variants: [{ variant: 'netinst', carriesPackages: false }, { variant: 'dvd' }],
    refusals: [
      {
        says: /[-_ ](ostree|silverblue|kinoite|iot|coreos|atomic)([-_ ]|$)/i,
        code: 'UNSUPPORTED_DISTRO',
        what: 'an image-based Fedora (OSTree), whose root filesystem is not made of packages',
        hint: 'Use the Fedora Server DVD or a network installation ISO.',
      },
      ...LIVE_ANACONDA,
    ],
  },
  {
    ...ANACONDA,
    distro: 'anolis',
    title: 'Anolis OS',
    product: /^anolis[-_ ]?(os)?(?![a-z])/i,
    oldestRelease: '7',
    isExperimental: true,
  },
  {
    ...ANACONDA,
    distro: 'kylin',
    title: 'Kylin Linux Advanced Server',
    product: /^kylin([-_ ]linux)?([-_ ]advanced)?([-_ ]server)?(?![a-z])/i,
    oldestRelease: 'v10',
    refusals: [
      {
        says: /^kylin[-_ ]desktop/i,
        code: 'UNSUPPORTED_DISTRO',
        what: 'Kylin Desktop',
        hint: 'Use Kylin Linux Advanced Server.',
      },
      ...LIVE_ANACONDA,
    ],
    isExperimental: true,
  },
  {
    distro: 'opensuse-leap',
    title: 'openSUSE Leap',
    product: /^(opensuse[-_ ]leap|install-leap|leap(?=[-_ ]\d))(?![-_ ]micro|[a-z])/i,
    families: [{ family: 'autoyast', release: /^15\./ }, { family: 'agama' }],
    oldestRelease: '15.0',
    packages: {
      by: 'words',
      carries: /[-_ ]offline[-_ ]/i,
      lacks: /[-_ ](online|net)[-_ ]/i,
    },
    variants: [
      { variant: 'offline', release: /^1[6-9]/, carriesPackages: true },
      { variant: 'online', release: /^1[6-9]/, carriesPackages: false },
      { variant: 'netinst', carriesPackages: false },
      { variant: 'dvd' },
    ],
    refusals: [
      {
        says: /[-_ ](live|rescue)([-_ ]|$)/i,
        code: 'NOT_INSTALL_MEDIA',
        what: 'a live or rescue medium, without an installer that can run unattended',
        hint: USE_INSTALLER_MEDIA,
      },
    ],
    placeholderVersions: ['15.9'],
    isExperimental: true,
  },
  {
    distro: 'ubuntu',
    title: 'Ubuntu',
    product: /^ubuntu([-_ ]server)?(?=[-_ ]\d|[-_ ]*$)/i,
    families: [{ family: 'subiquity' }],
    oldestRelease: '20.04',
    packages: { by: 'files', files: /^casper\/.*\.squashfs$/i },
    variants: [
      { variant: 'live-server', says: /^ubuntu-server/i },
      { variant: 'desktop', isExperimental: true },
    ],
    refusals: [
      {
        saysNothingLike: /^ubuntu-server/i,
        has: /^casper\//i,
        lacks: /^casper\/install-sources\.yaml$/i,
        code: 'NOT_INSTALL_MEDIA',
        what: 'a desktop medium, whose installer cannot run unattended',
        hint: 'Use the live-server ISO.',
      },
    ],
    isExperimental: false,
  },
  {
    distro: 'debian',
    title: 'Debian',
    product: /^(debian([- ]gnu\/linux)?|d-live)(?![a-z])/i,
    families: [{ family: 'debian-installer' }],
    oldestRelease: '10',
    packages: { by: 'files', files: /^pool\/.*\.deb$/i },
    variants: [
      { variant: 'live', says: /\blive\b/i, isExperimental: true },
      { variant: 'netboot', carriesPackages: false },
      { variant: 'netinst', says: /\bnetinst\b/i },
      { variant: 'netinst', says: /^debian .* n$/i },
      { variant: 'dvd', says: /\bDVD\b/i },
      { variant: 'bd', says: /\bD?L?BD\b/ },
      { variant: 'cd', says: /\bCD\b/ },
      { variant: 'dvd' },
    ],
    refusals: [
      {
        has: /^live\//i,
        lacks: /^(install[^/]*|d-i)\/(gtk\/)?vmlinuz$/i,
        code: 'NOT_INSTALL_MEDIA',
        what: 'a live medium, without an installer that can run unattended',
        hint: 'Use the netinst or DVD ISO.',
      },
    ],
    isExperimental: false,
  },
];

export const SUPPORTED_TITLES: readonly string[] = RECOGNITION_RULES.map((rule) => rule.title);
