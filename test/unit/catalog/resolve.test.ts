import { expect } from 'chai';
import { Iso2RootfsError } from '../../../src/errors.js';
import { loadCatalog, type Catalog } from '../../../src/catalog/load.js';
import type { ResolvedMedium } from '../../../src/catalog/medium.js';
import { listReleases, resolveRelease } from '../../../src/catalog/resolve.js';

describe('resolveRelease', () => {
  let catalog: Catalog;

  before(async () => {
    catalog = await loadCatalog();
  });

  function resolve(distro: string, release?: string, more: { arch?: string; variant?: string } = {}): ResolvedMedium {
    return resolveRelease(catalog, { distro, release, arch: more.arch ?? 'x86_64', variant: more.variant });
  }

  function refusal(distro: string, release?: string, more: { arch?: string; variant?: string } = {}): Iso2RootfsError {
    try {
      resolve(distro, release, more);
    } catch (error) {
      if (error instanceof Iso2RootfsError) return error;
      throw error;
    }
    throw new Error('nothing was thrown');
  }

  const understood: readonly [distro: string, release: string | undefined, found: string][] = [
    ['openeuler', '22.03-lts', 'openeuler 22.03-lts'],
    ['openEuler', '22.03-LTS', 'openeuler 22.03-lts'],
    ['oe', '22.03_LTS_SP3', 'openeuler 22.03-lts-sp3'],
    ['openeuler', '22.03-LTS SP3', 'openeuler 22.03-lts-sp3'],
    ['openeuler', '22.03-SP3', 'openeuler 22.03-lts-sp3'],
    ['openeuler', '2203-lts', 'openeuler 22.03-lts'],
    ['openEuler-24.03-LTS-SP1', undefined, 'openeuler 24.03-lts-sp1'],
    ['debian', '12', 'debian 12'],
    ['debian 12', undefined, 'debian 12'],
    ['bookworm', undefined, 'debian 12'],
    ['Debian', 'Bookworm', 'debian 12'],
    ['ubuntu', '24.04', 'ubuntu 24.04'],
    ['ubuntu 24.04', undefined, 'ubuntu 24.04'],
    ['noble', undefined, 'ubuntu 24.04'],
    ['ubuntu', '2404', 'ubuntu 24.04'],
    ['rocky', '9', 'rocky 9'],
    ['rocky 9', undefined, 'rocky 9'],
    ['RockyLinux', '9.8', 'rocky 9.8'],
    ['alma', '8.10', 'almalinux 8.10'],
    ['centos-stream 9', undefined, 'centos-stream 9'],
    ['CentOS Stream', '10', 'centos-stream 10'],
    ['stream9', undefined, 'centos-stream 9'],
    ['centos7', undefined, 'centos 7'],
    ['centos7', '7', 'centos 7'],
    ['centos', '7.9', 'centos 7'],
    ['anolis', '8', 'anolis 8.9'],
    ['leap', '15.6', 'opensuse-leap 15.6'],
    ['opensuse', '15', 'opensuse-leap 15.6'],
    ['fedora', '42', 'fedora 42'],
  ];
  for (const [distro, release, found] of understood) {
    it(`understands "${distro}"${release === undefined ? '' : ` "${release}"`}`, () => {
      const medium = resolve(distro, release);
      expect(`${medium.distro} ${medium.release}`).to.equal(found);
    });
  }

  const mistaken: readonly [distro: string, release: string | undefined, hint: string][] = [
    ['opneeuler', '22.03-lts', 'Did you mean openeuler'],
    ['debain 12', undefined, 'Did you mean debian?'],
    ['bookwrom', undefined, 'Did you mean bookworm?'],
    ['debian', 'bookwrom', 'Did you mean bookworm?'],
    ['openeuler', '22.03-lts-sp9', '22.03-lts-sp1'],
    ['openeuler', '22.04', 'Did you mean 22.03?'],
    ['slackware', '15', 'The distributions are: almalinux'],
    ['rocky', '7', 'The releases of rocky are: 8, 8.10, 9, 9.8, 10, 10.2'],
    ['fedora', undefined, 'Say one of: 40, 41'],
    ['stream9', '10', 'Say only one of them'],
    ['', '9', 'The distributions are'],
  ];
  for (const [distro, release, hint] of mistaken) {
    it(`helps with "${distro}"${release === undefined ? '' : ` "${release}"`}`, () => {
      const error = refusal(distro, release);
      expect(error.code).to.equal('USAGE');
      expect(error.hint).to.include(hint);
    });
  }

  it('understands arches and variants', () => {
    expect(resolve('debian', '12', { arch: 'ARM64' }).arch).to.equal('aarch64');
    expect(resolve('debian', '12', { arch: 'amd64', variant: 'netinst' }).variant).to.equal('netinst');
    expect(resolve('rocky', '9', { variant: 'netinst' }).variant).to.equal('boot');
    expect(refusal('debian', '12', { arch: 'riscv64' }).hint).to.equal('It is there for: x86_64, aarch64');
    expect(refusal('rocky', '9', { variant: 'minimul' }).hint).to.include('Did you mean minimal?');
    expect(refusal('openeuler', '20.03-lts', { variant: 'netinst' }).code).to.equal('USAGE');
  });

  it('spells openEuler as the project does', () => {
    const medium = resolve('openeuler', '22.03-lts-sp3', { arch: 'aarch64' });
    const path = 'openEuler-22.03-LTS-SP3/ISO/aarch64/openEuler-22.03-LTS-SP3-aarch64-dvd.iso';
    expect(medium.urls[0]).to.equal(`https://repo.openeuler.org/${path}`);
    expect(medium.urls[1]).to.equal(`https://mirrors.huaweicloud.com/openeuler/${path}`);
    expect(medium.isoFileName).to.equal('openEuler-22.03-LTS-SP3-aarch64-dvd.iso');
    expect(medium.checksum?.sources[0]).to.deep.equal({ url: `https://repo.openeuler.org/${path}.sha256sum` });
    expect(medium).to.include({ installerFamily: 'anaconda', kickstartDialect: 'F36', memoryBytes: 4 * 1024 ** 3 });
    expect(medium.unverified).to.deep.equal(['kickstartDialect']);
  });

  it('spells Debian, Ubuntu and Fedora as they do', () => {
    const debian = resolve('debian', '12', { arch: 'aarch64', variant: 'netinst' });
    expect(debian.urls).to.deep.equal([
      'https://cdimage.debian.org/cdimage/archive/12.14.0/arm64/iso-cd/debian-12.14.0-arm64-netinst.iso',
      'https://cdimage.debian.org/cdimage/archive/latest-oldstable/arm64/iso-cd/debian-12.14.0-arm64-netinst.iso',
    ]);
    expect(debian.checksum?.sources[0]).to.deep.equal({
      url: 'https://cdimage.debian.org/cdimage/archive/12.14.0/arm64/iso-cd/SHA256SUMS',
      signatureUrl: 'https://cdimage.debian.org/cdimage/archive/12.14.0/arm64/iso-cd/SHA256SUMS.sign',
    });
    expect(resolve('ubuntu', '20.04', { arch: 'arm64' }).urls[0]).to.equal(
      'https://cdimage.ubuntu.com/releases/focal/release/ubuntu-20.04.5-live-server-arm64.iso',
    );
    expect(resolve('fedora', '43').checksum?.sources[0]?.url).to.equal(
      'https://download.fedoraproject.org/pub/fedora/linux/releases/43/Server/x86_64/iso/Fedora-Server-43-1.6-x86_64-CHECKSUM',
    );
  });

  it('has every release that is promised, for both arches', () => {
    const listed = listReleases(catalog);
    const names = listed.map(({ distro, release }) => `${distro} ${release}`);
    const lts = (version: string, last: number): string[] =>
      Array.from({ length: last + 1 }, (_, sp) => `openeuler ${version}-lts${sp === 0 ? '' : `-sp${sp}`}`);
    const promised = [
      ...lts('20.03', 4),
      ...lts('22.03', 4),
      ...lts('24.03', 3),
      ...['debian 11', 'debian 12', 'debian 13', 'ubuntu 20.04', 'ubuntu 22.04', 'ubuntu 24.04'],
      ...['centos 7', 'centos-stream 9', 'centos-stream 10', 'fedora 40', 'opensuse-leap 15.6'],
      ...['rocky 8', 'rocky 9', 'rocky 10', 'almalinux 8', 'almalinux 9', 'almalinux 10'],
    ];
    expect(names).to.include.members(promised);
    for (const { arches } of listed) expect(arches).to.deep.equal(['x86_64', 'aarch64']);
    expect(listed.filter(({ isExperimental }) => isExperimental).map(({ distro }) => distro)).to.include('anolis');
  });

  it('lists releases as people count', () => {
    const rocky = listReleases(catalog).filter(({ distro }) => distro === 'rocky');
    expect(rocky.map(({ release }) => release)).to.deep.equal(['8', '8.10', '9', '9.8', '10', '10.2']);
    expect(rocky[0]).to.deep.include({ endOfLife: '2029-05-31', variants: ['dvd', 'minimal', 'boot'] });
  });
});
