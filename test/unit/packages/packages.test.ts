import { expect } from 'chai';
import { comparePackageVersions } from '../../../src/packages/compare-versions.js';
import { readDpkgStatus } from '../../../src/packages/read-dpkg.js';
import { createList } from '../../../src/packages/types.js';
import { formatSbom, packageUrl } from '../../../src/packages/write-sbom.js';
import { failureOf } from '../tools/fake-programs.js';

const STATUS = `Package: bash
Status: install ok installed
Installed-Size: 7164
Maintainer: Matthias Klose <doko@debian.org>
Architecture: amd64
Version: 5.2.15-2+b8
Source: bash (5.2.15-2)
Description: shell
 Package: not-this-one
 Status: install ok installed

Package: gone
Status: deinstall ok config-files
Version: 1
Architecture: all

Package: ünïcode
Status: hold ok installed
Version: 1:2~rc1
Architecture: all
`;

async function* pieces(text: string, bytes: number): AsyncGenerator<Buffer, void, undefined> {
  const data = Buffer.from(text);
  await Promise.resolve();
  for (let at = 0; at < data.length; at += bytes) yield data.subarray(at, at + bytes);
}

describe('the list of dpkg', () => {
  it('is the same however it is cut into chunks', async () => {
    for (const size of [1, 7, 100, 1 << 20]) {
      expect(await readDpkgStatus(pieces(STATUS, size))).to.deep.equal([
        {
          name: 'bash',
          version: '5.2.15-2+b8',
          arch: 'amd64',
          source: 'bash (5.2.15-2)',
          vendor: 'Matthias Klose <doko@debian.org>',
          installedBytes: 7164 * 1024,
        },
        { name: 'ünïcode', version: '1:2~rc1', arch: 'all', source: 'ünïcode' },
      ]);
    }
  });

  it('has thousands of packages, and is larger than a mebibyte', async () => {
    const stanzas = Array.from(
      { length: 5000 },
      (_, index) =>
        `Package: p${index}\nStatus: install ok installed\nVersion: ${index}\nDescription: ${'x'.repeat(300)}\n`,
    );
    expect(await readDpkgStatus(pieces(stanzas.join('\n'), 65_536))).to.have.length(5000);
  });

  it('is refused when a paragraph has no end', async () => {
    const failure = await failureOf(readDpkgStatus(pieces('x'.repeat(5 * 1024 * 1024), 65_536)));
    expect(failure.code).to.equal('INTEGRITY');
  });
});

describe('versions of packages', () => {
  for (const [smaller, larger] of [
    ['1.9-1', '1.10-1'],
    ['9:1', '10:0.1'],
    ['5.0', '1:0.1'],
    ['1.0~rc1-1', '1.0-1'],
    ['1.0-1', '1.0-1.oe2203'],
  ] as const) {
    it(`${smaller} is older than ${larger}`, () => {
      expect(comparePackageVersions(smaller, larger)).to.be.lessThan(0);
      expect(comparePackageVersions(larger, smaller)).to.be.greaterThan(0);
      expect(comparePackageVersions(larger, larger)).to.equal(0);
    });
  }
});

describe('the bill of materials', () => {
  const list = createList('rpm', [
    {
      name: 'zlib',
      version: '1.2-3',
      release: '3',
      arch: 'x86_64',
      license: 'zlib',
      vendor: 'V',
      source: 'zlib-1.2-3.src.rpm',
    },
    { name: 'a+b', version: '2:1.0~rc1-1', epoch: 2, release: '1', arch: 'noarch' },
    { name: 'zlib', version: '1.2-3', release: '3', arch: 'x86_64' },
  ]);
  const subject = {
    distro: 'openeuler',
    release: '22.03-lts',
    arch: 'x86_64',
    tarSha256: 'ab'.repeat(32),
    timeMs: 1_700_000_000_000,
    programVersion: '1.2.3',
    provenance: { 'iso:sha256': 'cd'.repeat(32) },
  };

  it('is CycloneDX with a package URL for every package', () => {
    const bom = JSON.parse(formatSbom(list, subject)) as {
      specVersion: string;
      serialNumber: string;
      metadata: { timestamp: string; component: { name: string; version: string; properties: unknown[] } };
      components: { purl: string; licenses?: unknown }[];
      dependencies: { ref: string; dependsOn?: string[] }[];
    };
    expect(bom.specVersion).to.equal('1.6');
    expect(bom.serialNumber).to.match(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(bom.metadata.timestamp).to.equal('2023-11-14T22:13:20.000Z');
    expect(bom.metadata.component).to.deep.include({ name: 'openeuler', version: '22.03-lts' });
    expect(bom.metadata.component.properties).to.deep.equal([
      { name: 'iso2rootfs:iso:sha256', value: 'cd'.repeat(32) },
    ]);
    expect(bom.components.map(({ purl }) => purl)).to.have.members([
      'pkg:rpm/openeuler/a%2Bb@1.0~rc1-1?arch=noarch&distro=openeuler-22.03-lts&epoch=2',
      'pkg:rpm/openeuler/zlib@1.2-3?arch=x86_64&distro=openeuler-22.03-lts',
      'pkg:rpm/openeuler/zlib@1.2-3?arch=x86_64&distro=openeuler-22.03-lts&upstream=zlib-1.2-3.src.rpm',
    ]);
    expect(bom.dependencies.find(({ ref }) => ref === 'openeuler-22.03-lts-x86_64')?.dependsOn).to.have.length(3);
  });

  it('is the same each time, and another one for another system', () => {
    expect(formatSbom(list, subject)).to.equal(formatSbom(createList('rpm', [...list.packages].reverse()), subject));
    expect(formatSbom(list, subject)).not.to.equal(formatSbom(list, { ...subject, tarSha256: 'ef'.repeat(32) }));
  });

  it('names packages of Debian as its namespace says', () => {
    const bash = { name: 'bash', version: '1:5.2+b8', arch: 'amd64', source: 'bash' };
    expect(packageUrl('dpkg', bash, { distro: 'debian', release: '12' })).to.equal(
      'pkg:deb/debian/bash@1:5.2%2Bb8?arch=amd64&distro=debian-12',
    );
    expect(packageUrl('rpm', bash, { distro: 'opensuse-leap', release: '15.6' })).to.contain('pkg:rpm/opensuse/');
  });
});
