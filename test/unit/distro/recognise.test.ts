/** Media that are in no list: the rules must know them. */
import { expect } from 'chai';
import { recogniseMedium, type RecognitionHints } from '../../../src/distro/recognise.js';
import type { RecognisedMedium } from '../../../src/distro/types.js';
import { Iso2RootfsError } from '../../../src/errors.js';
import type { MediumEntry, MediumFacts } from '../../../src/media/types.js';

interface Invented {
  readonly label: string;
  readonly files: readonly string[];
  readonly links?: Readonly<Record<string, string>>;
  readonly identity?: Readonly<Record<string, string>>;
  readonly applicationId?: string;
}

function factsOf({ label, files, links = {}, identity = {}, applicationId = '' }: Invented): MediumFacts {
  const entries = new Map<string, MediumEntry>();
  for (const path of [...files, ...Object.keys(identity)]) {
    const names = path.split('/');
    for (let depth = 1; depth < names.length; depth += 1) {
      const directory = names.slice(0, depth).join('/');
      entries.set(directory, { path: directory, type: 'directory', sizeBytes: 0 });
    }
    if (names.at(-1) !== '') entries.set(path, { path, type: 'file', sizeBytes: 1 });
  }
  for (const [path, linkTarget] of Object.entries(links)) {
    entries.set(path, { path, type: 'symlink', sizeBytes: 0, linkTarget });
  }
  return {
    isoPath: '/media/any.iso',
    sizeBytes: 1,
    volume: {
      volumeId: label,
      systemId: '',
      publisherId: '',
      preparerId: '',
      applicationId,
      sizeBytes: 1,
      createdAt: undefined,
    },
    entries,
    identityFiles: new Map(Object.entries(identity)),
  };
}

const PXEBOOT = ['images/pxeboot/vmlinuz', 'images/pxeboot/initrd.img', 'images/install.img'];
const REPOSITORY = ['repodata/repomd.xml', 'Packages/bash.rpm'];
const EL_REPOSITORY = ['BaseOS/repodata/repomd.xml', 'BaseOS/Packages/b/bash.rpm', 'AppStream/repodata/repomd.xml'];
const D_I = (cpu: string): string[] => [`install.${cpu}/vmlinuz`, `install.${cpu}/initrd.gz`];
const POOL = ['pool/main/b/bash/bash_5_amd64.deb'];
const CASPER = ['casper/vmlinuz', 'casper/initrd', 'casper/minimal.squashfs'];
const LOADER = ['boot/x86_64/loader/linux', 'boot/x86_64/loader/initrd'];
const treeinfo = (family: string, version: string, arch: string, kernel = 'images/pxeboot/vmlinuz'): string =>
  `[general]\nfamily = ${family}\nversion = ${version}\narch = ${arch}\n[images-${arch}]\nkernel = ${kernel}\ninitrd = images/pxeboot/initrd.img\n`;

const RECOGNISED: readonly (readonly [string, Invented, Partial<RecognisedMedium>, RecognitionHints?])[] = [
  [
    'openEuler edge of a service pack',
    { label: 'openEuler-20.03-LTS-SP3-edge-x86_64', files: [...PXEBOOT, ...REPOSITORY] },
    { distro: 'openeuler', release: '20.03-lts-sp3', variant: 'edge', arch: 'x86_64', carriesPackages: true },
  ],
  [
    'openEuler spelled without a dot',
    {
      label: 'openEuler-2403-LTS-aarch64',
      files: [...PXEBOOT, ...REPOSITORY],
      identity: { '.treeinfo': treeinfo('openEuler', '2403-LTS', 'aarch64') },
    },
    { distro: 'openeuler', release: '24.03-lts', arch: 'aarch64', variant: 'dvd' },
  ],
  [
    'openEuler with an underscore',
    { label: 'openEuler-22.03_LTS_SP1-x86_64', files: PXEBOOT },
    { release: '22.03-lts-sp1', variant: 'netinst', carriesPackages: false },
  ],
  [
    'openEuler everything, which only its file name says',
    { label: 'openEuler-24.03-LTS-x86_64', files: [...PXEBOOT, ...REPOSITORY] },
    { release: '24.03-lts', variant: 'everything' },
    { fileName: 'openEuler-24.03-LTS-everything-x86_64-dvd.iso' },
  ],
  [
    'Rocky 10 for aarch64 by its label',
    { label: 'Rocky-10-0-aarch64-dvd', files: [...PXEBOOT, ...EL_REPOSITORY] },
    { distro: 'rocky', release: '10.0', arch: 'aarch64', variant: 'dvd', family: 'anaconda', isExperimental: false },
  ],
  [
    'a boot.iso, whose label says dvd',
    { label: 'Rocky-9-4-x86_64-dvd', files: PXEBOOT },
    { release: '9.4', variant: 'boot', carriesPackages: false },
  ],
  [
    'AlmaLinux 10 for x86_64_v2',
    {
      label: 'AlmaLinux-10-0-x86_64_v2-dvd',
      files: [...PXEBOOT, ...EL_REPOSITORY],
      identity: { '.treeinfo': treeinfo('AlmaLinux', '10', 'x86_64_v2') },
    },
    { distro: 'almalinux', release: '10.0', arch: 'x86_64', kernelPath: 'images/pxeboot/vmlinuz' },
  ],
  [
    'CentOS 7 for aarch64 (altarch)',
    {
      label: 'CentOS 7 aarch64',
      files: [...PXEBOOT, 'LiveOS/squashfs.img', ...REPOSITORY],
      identity: {
        '.treeinfo': treeinfo('CentOS', '7', 'aarch64'),
        '.discinfo': '1599000000.1\n7.9\naarch64\n',
      },
    },
    { distro: 'centos', release: '7.9', arch: 'aarch64', variant: 'dvd' },
  ],
  [
    'CentOS 7 network installation',
    {
      label: 'CentOS 7 x86_64',
      files: [...PXEBOOT, 'LiveOS/squashfs.img'],
      identity: { '.discinfo': '1599000000.1\n7.9\nx86_64\n' },
    },
    { distro: 'centos', release: '7.9', variant: 'netinst', carriesPackages: false },
  ],
  [
    'CentOS 8',
    { label: 'CentOS-8-5-2111-x86_64-dvd', files: [...PXEBOOT, ...EL_REPOSITORY] },
    { distro: 'centos', release: '8.5' },
  ],
  [
    'CentOS Stream 10 whose .treeinfo tells it from CentOS',
    {
      label: 'CentOS-Stream-10-BaseOS-x86_64',
      files: [...PXEBOOT, ...EL_REPOSITORY],
      identity: { '.treeinfo': treeinfo('CentOS Stream', '10', 'x86_64') },
    },
    { distro: 'centos-stream', release: '10' },
  ],
  [
    'RHEL 9',
    { label: 'RHEL-9-4-0-BaseOS-x86_64', files: [...PXEBOOT, ...EL_REPOSITORY] },
    { distro: 'rhel', release: '9.4', isExperimental: true },
  ],
  [
    'RHEL 7',
    { label: 'RHEL-7.9 Server.x86_64', files: [...PXEBOOT, ...REPOSITORY] },
    { distro: 'rhel', release: '7.9', arch: 'x86_64' },
  ],
  [
    'Oracle Linux',
    { label: 'OL-9-4-0-BaseOS-x86_64', files: [...PXEBOOT, ...EL_REPOSITORY] },
    { distro: 'oracle', release: '9.4', isExperimental: true },
  ],
  [
    'Fedora Everything network installation',
    { label: 'Fedora-E-dvd-x86_64-42', files: PXEBOOT },
    { distro: 'fedora', release: '42', variant: 'netinst', carriesPackages: false },
  ],
  [
    'Anolis 8.8 with versioned kernels, beside a rescue kernel',
    {
      label: 'anolis-8-x86_64-dvd',
      files: [
        'images/pxeboot/vmlinuz-4.19.91-27.an8.x86_64',
        'images/pxeboot/initrd-4.19.91-27.an8.x86_64.img',
        'images/pxeboot/vmlinuz-5.10.134-16.2.an8.x86_64',
        'images/pxeboot/initrd-5.10.134-16.2.an8.x86_64.img',
        'images/pxeboot/vmlinuz-9-rescue',
        'images/pxeboot/initrd-9-rescue.img',
        ...EL_REPOSITORY,
      ],
      identity: { '.treeinfo': treeinfo('Anolis OS', '8.8', 'x86_64') },
    },
    {
      distro: 'anolis',
      release: '8.8',
      isExperimental: true,
      kernelPath: 'images/pxeboot/vmlinuz-5.10.134-16.2.an8.x86_64',
      initrdPath: 'images/pxeboot/initrd-5.10.134-16.2.an8.x86_64.img',
    },
  ],
  [
    'Anolis with its oldest kind of label',
    { label: 'anolis-BaseOS-dvd-x86_64-8', files: [...PXEBOOT, ...EL_REPOSITORY] },
    { distro: 'anolis', release: '8' },
  ],
  [
    'Kylin by .productinfo',
    {
      label: 'Kylin-Server-10',
      files: [...PXEBOOT, ...REPOSITORY],
      identity: {
        '.productinfo': 'Kylin Linux Advanced Server\nrelease V10 (SP3) /(Lance)-x86_64-Build23/20230324\n',
        '.treeinfo': treeinfo('Kylin Linux Advanced Server', 'V10', 'x86_64'),
      },
    },
    { distro: 'kylin', release: 'v10-sp3', isExperimental: true },
  ],
  [
    'Debian 13 DVD',
    {
      label: 'Debian 13.1.0 amd64 1',
      files: [...D_I('amd'), 'install.amd/gtk/vmlinuz', 'install.amd/gtk/initrd.gz', ...POOL],
      identity: {
        '.disk/info': 'Debian GNU/Linux 13.1.0 "Trixie" - Official amd64 DVD Binary-1 with firmware 20250906',
      },
    },
    { distro: 'debian', release: '13', version: '13.1.0', variant: 'dvd', initrdPath: 'install.amd/initrd.gz' },
  ],
  [
    'Debian for arm64 by its label alone',
    { label: 'Debian 12.5.0 arm64 n', files: [...D_I('a64'), ...POOL] },
    { arch: 'aarch64', release: '12', variant: 'netinst', kernelPath: 'install.a64/vmlinuz', carriesPackages: true },
  ],
  [
    'Debian for two architectures',
    { label: 'Debian 12.5.0 amd64 i386 n', files: [...D_I('amd'), ...D_I('386'), ...POOL] },
    { arch: 'x86_64', kernelPath: 'install.amd/vmlinuz' },
  ],
  [
    'Debian with the graphical installer only',
    { label: 'Debian 12.5.0 amd64 1', files: ['install.amd/gtk/vmlinuz', 'install.amd/gtk/initrd.gz', ...POOL] },
    { kernelPath: 'install.amd/gtk/vmlinuz', initrdPath: 'install.amd/gtk/initrd.gz' },
  ],
  [
    'Debian testing by its code name',
    {
      label: 'Debian testing amd64 n',
      files: [...D_I('amd'), ...POOL],
      identity: { '.disk/info': 'Debian GNU/Linux testing "Forky" - Official Snapshot amd64 NETINST 20260101-03:20' },
    },
    { release: '14', variant: 'netinst' },
  ],
  [
    'Debian live with an installer on it',
    {
      label: 'd-live 12.5.0 gn amd64',
      files: ['live/vmlinuz', 'live/filesystem.squashfs', 'install/vmlinuz', 'install/initrd.gz', ...POOL],
      identity: { '.disk/info': 'Debian GNU/Linux 12.5.0 "Bookworm" - Official Live amd64 gnome 2024-02-10T11:28' },
    },
    { variant: 'live', kernelPath: 'install/vmlinuz', isExperimental: true },
  ],
  [
    'a small Debian CD with another label and no packages',
    {
      label: 'MY REMASTER',
      files: D_I('amd'),
      identity: { '.disk/info': 'Debian GNU/Linux 12.13.0 "Bookworm" - Unofficial amd64 NETBOOT' },
    },
    { distro: 'debian', release: '12', variant: 'netboot', carriesPackages: false, volumeId: 'MY REMASTER' },
  ],
  [
    'Debian by its archive alone',
    {
      label: 'CDROM',
      files: [...D_I('amd'), ...POOL],
      identity: { 'dists/bookworm/Release': 'Origin: Debian\nSuite: stable\nVersion: 12.4\nCodename: bookworm\n' },
    },
    { distro: 'debian', release: '12', version: '12.4', arch: 'x86_64' },
  ],
  [
    'Ubuntu with a point release',
    { label: 'Ubuntu-Server 24.04.2 LTS amd64', files: CASPER },
    { distro: 'ubuntu', release: '24.04', version: '24.04.2', variant: 'live-server', family: 'subiquity' },
  ],
  [
    'Ubuntu with an HWE kernel beside its own, for arm64',
    { label: 'Ubuntu-Server 22.04.5 LTS arm64', files: [...CASPER, 'casper/hwe-vmlinuz', 'casper/hwe-initrd'] },
    { arch: 'aarch64', kernelPath: 'casper/vmlinuz', initrdPath: 'casper/initrd' },
  ],
  [
    'Ubuntu with an HWE kernel only',
    {
      label: 'Ubuntu-Server 22.04.5 LTS amd64',
      files: ['casper/hwe-vmlinuz', 'casper/hwe-initrd', 'casper/minimal.squashfs'],
    },
    { kernelPath: 'casper/hwe-vmlinuz', initrdPath: 'casper/hwe-initrd' },
  ],
  [
    'Ubuntu without LTS in its label',
    { label: 'Ubuntu-Server 26.04 amd64', files: CASPER },
    { release: '26.04', variant: 'live-server', isExperimental: false },
  ],
  [
    'a Ubuntu desktop with the new installer',
    { label: 'Ubuntu 24.04.1 LTS amd64', files: [...CASPER, 'casper/install-sources.yaml'] },
    { variant: 'desktop', isExperimental: true },
  ],
  [
    'openSUSE Leap 15.6 DVD',
    {
      label: 'openSUSE-Leap-15.6-DVD-x86_64710.3',
      files: [...LOADER, 'repodata/repomd.xml', 'x86_64/bash.rpm'],
      identity: {
        'media.1/media':
          'openSUSE - openSUSE-Leap-15.6-x86_64-Build710.3\nopenSUSE-Leap-15.6-x86_64-Build710.3-Media\n1\n',
        'media.1/products': '/ openSUSE-Leap 15.6-1\n',
      },
    },
    { distro: 'opensuse-leap', release: '15.6', family: 'autoyast', variant: 'dvd', carriesPackages: true },
  ],
  [
    'openSUSE Leap network installation for aarch64',
    {
      label: 'openSUSE-Leap-15.6-NET-aarch64710.3',
      files: ['boot/aarch64/linux', 'boot/aarch64/initrd', 'media.1/media'],
    },
    {
      arch: 'aarch64',
      variant: 'netinst',
      carriesPackages: false,
      kernelPath: 'boot/aarch64/linux',
      initrdPath: 'boot/aarch64/initrd',
    },
  ],
  [
    'openSUSE Leap 16 online',
    {
      label: 'Install-Leap-16.0-aarch64',
      applicationId: 'LEAP-16.0-ONLINE-INSTALLER-AARCH64-BUILD190.4',
      files: ['boot/aarch64/loader/linux', 'boot/aarch64/loader/initrd'],
    },
    { release: '16.0', family: 'agama', variant: 'online', carriesPackages: false, arch: 'aarch64' },
  ],
  [
    'a medium whose label is of another distribution than its content',
    {
      label: 'CentOS 7 x86_64',
      files: [...PXEBOOT, ...EL_REPOSITORY],
      identity: { '.treeinfo': treeinfo('Rocky Linux', '9.5', 'x86_64') },
    },
    { distro: 'rocky', release: '9.5' },
  ],
  [
    'a medium whose file has the name of another distribution',
    { label: 'AlmaLinux-9-5-x86_64-dvd', files: [...PXEBOOT, ...EL_REPOSITORY] },
    { distro: 'almalinux', release: '9.5', variant: 'dvd' },
    { fileName: 'Rocky-8.10-aarch64-dvd.iso' },
  ],
  [
    'a kernel that is a symlink',
    {
      label: 'openEuler-22.03-LTS-x86_64',
      files: ['isolinux/vmlinuz', 'images/pxeboot/initrd.img'],
      links: { 'images/pxeboot/vmlinuz': '../../isolinux/vmlinuz' },
      identity: { '.treeinfo': treeinfo('openEuler', '22.03-LTS', 'x86_64') },
    },
    { kernelPath: 'isolinux/vmlinuz' },
  ],
  [
    'an empty package pool beside its repodata',
    { label: 'openEuler-22.03-LTS-x86_64', files: [...PXEBOOT, 'repodata/repomd.xml', 'Packages/'] },
    { carriesPackages: false, variant: 'netinst' },
  ],
];

const REFUSED: readonly (readonly [string, Invented, string, RegExp])[] = [
  ['an empty volume', { label: '', files: [] }, 'NOT_INSTALL_MEDIA', /volume label \(empty\).*\.treeinfo/],
  ['a cloud-init seed', { label: 'cidata', files: ['user-data', 'meta-data'] }, 'NOT_INSTALL_MEDIA', /"cidata"/],
  ['a Windows ISO', { label: 'CCCOMA_X64FRE', files: ['README.TXT'] }, 'NOT_INSTALL_MEDIA', /CCCOMA_X64FRE/],
  [
    'openEuler for loongarch64',
    {
      label: 'openEuler-22.03-LTS-loongarch64',
      files: [...PXEBOOT, ...REPOSITORY],
      identity: { '.treeinfo': treeinfo('openEuler', '22.03-LTS', 'loongarch64') },
    },
    'UNSUPPORTED_DISTRO',
    /openEuler for "loongarch64".*x86_64 and aarch64/,
  ],
  ['Rocky for ppc64le', { label: 'Rocky-9-4-ppc64le-dvd', files: PXEBOOT }, 'UNSUPPORTED_DISTRO', /"ppc64le"/],
  ['Debian for i386', { label: 'Debian 12.5.0 i386 n', files: D_I('386') }, 'UNSUPPORTED_DISTRO', /Debian for "i386"/],
  [
    'Linux Mint',
    {
      label: 'Linux Mint 21.3 Cinnamon 64-bit',
      files: CASPER,
      identity: { '.disk/info': 'Linux Mint 21.3 "Virginia" - Release amd64 20240110' },
    },
    'UNSUPPORTED_DISTRO',
    /Linux Mint 21\.3.*Supported are/,
  ],
  ['Kubuntu', { label: 'Kubuntu 24.04 LTS amd64', files: CASPER }, 'UNSUPPORTED_DISTRO', /Kubuntu 24\.04/],
  [
    'a remix that keeps the label of its origin',
    {
      label: 'Rocky-9-4-x86_64-dvd',
      files: [...PXEBOOT, ...EL_REPOSITORY],
      identity: { '.treeinfo': treeinfo('Corporate Linux', '3', 'x86_64') },
    },
    'UNSUPPORTED_DISTRO',
    /Corporate Linux 3/,
  ],
  [
    'CentOS 6',
    { label: 'CentOS 6.10 x86_64', files: PXEBOOT },
    'UNSUPPORTED_DISTRO',
    /CentOS Linux 6\.10.*release is 7/,
  ],
  ['Ubuntu 18.04', { label: 'Ubuntu-Server 18.04.6 LTS amd64', files: CASPER }, 'UNSUPPORTED_DISTRO', /18\.04.*20\.04/],
  [
    'Tumbleweed',
    { label: 'openSUSE-Tumbleweed-DVD-x86_6420250101', files: LOADER },
    'UNSUPPORTED_DISTRO',
    /Tumbleweed/,
  ],
  ['Leap Micro', { label: 'openSUSE-Leap-Micro-5.5-DVD-x86_64', files: LOADER }, 'UNSUPPORTED_DISTRO', /Leap-Micro/],
  [
    'Fedora Workstation live',
    { label: 'Fedora-WS-Live-42-1-1', files: [...LOADER, 'LiveOS/squashfs.img', 'EFI/BOOT/BOOTX64.EFI'] },
    'NOT_INSTALL_MEDIA',
    /live medium/,
  ],
  [
    'a live medium whose label does not say so',
    {
      label: 'Rocky-Workstation-9-4',
      files: ['LiveOS/squashfs.img', 'images/pxeboot/vmlinuz', 'images/pxeboot/initrd.img'],
    },
    'NOT_INSTALL_MEDIA',
    /live medium/,
  ],
  [
    'Debian live without an installer',
    { label: 'd-live 13.0.0 kd amd64', files: ['live/vmlinuz', 'live/initrd.img', 'live/filesystem.squashfs'] },
    'NOT_INSTALL_MEDIA',
    /live medium/,
  ],
  [
    'a Ubuntu desktop of old',
    { label: 'Ubuntu 20.04.6 LTS amd64', files: CASPER },
    'NOT_INSTALL_MEDIA',
    /desktop medium/,
  ],
  ['Silverblue', { label: 'Fedora-SB-ostree-x86_64-42', files: PXEBOOT }, 'UNSUPPORTED_DISTRO', /OSTree/],
  [
    'a DVD of sources',
    { label: 'openEuler-22.03-LTS-source', files: ['Source/bash.src.rpm', 'repodata/repomd.xml'] },
    'NOT_INSTALL_MEDIA',
    /sources/,
  ],
  [
    'the second disc of a set',
    {
      label: 'Debian 12.5.0 amd64 2',
      files: POOL,
      identity: { '.disk/info': 'Debian GNU/Linux 12.5.0 "Bookworm" - Official amd64 DVD Binary-2 20240210' },
    },
    'NOT_INSTALL_MEDIA',
    /Debian 12, but holds no installer: looked for "install\.amd\/vmlinuz".*first disc/,
  ],
  [
    'a release that nothing names',
    { label: 'CentOS-Stream-BaseOS-x86_64', files: PXEBOOT },
    'UNSUPPORTED_DISTRO',
    /CentOS Stream of a release/,
  ],
  [
    'a .treeinfo that points out of the medium',
    {
      label: 'openEuler-22.03-LTS-x86_64',
      files: PXEBOOT,
      identity: { '.treeinfo': treeinfo('openEuler', '22.03-LTS', 'x86_64', '../../../boot/vmlinuz') },
    },
    'NOT_INSTALL_MEDIA',
    /"\.\.\/\.\.\/\.\.\/boot\/vmlinuz", which \.treeinfo names, is not on it/,
  ],
  [
    'a kernel whose name would be an option',
    {
      label: 'openEuler-22.03-LTS-x86_64',
      files: [...PXEBOOT, 'images/vmlinuz,readonly=off'],
      identity: { '.treeinfo': treeinfo('openEuler', '22.03-LTS', 'x86_64', 'images/vmlinuz,readonly=off') },
    },
    'NOT_INSTALL_MEDIA',
    /cannot be passed on/,
  ],
  [
    'a label with terminal escapes',
    { label: 'EVIL\u009b31m', files: ['boot/vmlinuz'] },
    'UNSUPPORTED_DISTRO',
    /labelled "EVIL\\u009b31m"/,
  ],
];

describe('recogniseMedium', () => {
  for (const [name, invented, expected, hints] of RECOGNISED) {
    it(`recognises ${name}`, () => {
      const recognised = recogniseMedium(factsOf(invented), hints);
      const compared = Object.fromEntries(
        Object.keys(expected).map((key) => [key, recognised[key as keyof RecognisedMedium]]),
      );
      expect(compared).to.deep.equal(expected);
    });
  }

  for (const [name, invented, code, message] of REFUSED) {
    it(`refuses ${name}`, () => {
      let refusal: unknown;
      try {
        refusal = recogniseMedium(factsOf(invented));
      } catch (error) {
        refusal = error;
      }
      expect(refusal).to.be.instanceOf(Iso2RootfsError);
      const { code: found, message: text, hint } = refusal as Iso2RootfsError;
      expect(found).to.equal(code);
      expect(hint).to.be.a('string').and.not.equal('');
      expect(`${text} ${hint}`).to.match(message);
    });
  }

  it('says who names another distribution, and who is trusted', () => {
    const medium: Invented = {
      label: 'CentOS 7 x86_64',
      files: [...PXEBOOT, ...EL_REPOSITORY],
      identity: { '.treeinfo': treeinfo('Rocky Linux', '9.5', 'x86_64') },
    };
    const { evidence } = recogniseMedium(factsOf(medium), { fileName: 'debian-12.iso' });
    expect(evidence).to.include('The volume label names CentOS Linux, what is trusted more Rocky Linux.');
    expect(evidence).to.include('The file name names Debian, what is trusted more Rocky Linux.');
  });

  it('uses the file name only where the medium names no release, and says so', () => {
    const medium: Invented = { label: 'CentOS-Stream-BaseOS-x86_64', files: [...PXEBOOT, ...EL_REPOSITORY] };
    const recognised = recogniseMedium(factsOf(medium), { fileName: 'CentOS-Stream-8-x86_64-latest-dvd1.iso' });
    expect(recognised.release).to.equal('8');
    expect(recognised.evidence).to.include('Only the file name says which release it is: 8.');
  });
});
