import { expect } from 'chai';
import fc from 'fast-check';
import { compareReleases, isSameRelease, normaliseRelease } from '../../../src/distro/recognise-release.js';
import { RECOGNITION_RULES } from '../../../src/distro/recognise-rules.js';
import type { DistroId } from '../../../src/distro/types.js';

const SPELLINGS: readonly (readonly [DistroId, string, string | undefined])[] = [
  ['openeuler', '22.03-LTS-SP3', '22.03-lts-sp3'],
  ['openeuler', '2403-LTS', '24.03-lts'],
  ['openeuler', 'openEuler-2203-LTS-SP1', '22.03-lts-sp1'],
  ['openeuler', '22.03_LTS', '22.03-lts'],
  ['openeuler', '24.03 lts sp2', '24.03-lts-sp2'],
  ['openeuler', '22.03-SP4', '22.03-lts-sp4'],
  ['openeuler', '23.09', '23.09'],
  ['openeuler', 'stable', undefined],
  ['debian', '12.0.0', '12'],
  ['debian', 'Bookworm', '12'],
  ['debian', '125', undefined],
  ['ubuntu', '22.04.5 LTS', '22.04'],
  ['ubuntu', 'noble', '24.04'],
  ['centos', '7.9.2009', '7.9'],
  ['centos-stream', '9-stream', '9'],
  ['rhel', '9-4-0-BaseOS-x86_64', '9.4'],
  ['oracle', 'R9-U4', '9.4'],
  ['almalinux', '10-0-x86_64_v2-dvd', '10.0'],
  ['fedora', '-S-dvd-x86_64-40', '40'],
  ['opensuse-leap', '15.6-DVD-x86_64710.3', '15.6'],
  ['kylin', 'V10 (Lance)', 'v10-sp3'],
  ['kylin', 'V10-SP3-2403', 'v10-sp3'],
  ['kylin', '10', 'v10'],
];

describe('normaliseRelease', () => {
  for (const [distro, text, expected] of SPELLINGS) {
    it(`${distro} ${text}: ${expected ?? 'none'}`, () => {
      expect(normaliseRelease(distro, text)).to.equal(expected);
    });
  }

  it('leaves what it has normalised as it is', () => {
    const anyDistro = fc.constantFrom(...RECOGNITION_RULES.map(({ distro }) => distro));
    const anyText = fc.oneof(fc.string(), fc.stringMatching(/^[vR]?\d{1,4}[._-]?\d{0,4}([-_ ]LTS)?([-_ ]SP\d)?$/));
    fc.assert(
      fc.property(anyDistro, anyText, (distro, text) => {
        const once = normaliseRelease(distro, text);
        if (once !== undefined) expect(normaliseRelease(distro, once)).to.equal(once);
      }),
    );
  });
});

describe('isSameRelease', () => {
  it('lets a series stand for its releases, in both directions', () => {
    expect(isSameRelease('rocky', '9', '9.6')).to.equal(true);
    expect(isSameRelease('centos', '7.9.2009', '7')).to.equal(true);
    expect(isSameRelease('openeuler', '22.03', '22.03-LTS')).to.equal(true);
    expect(isSameRelease('kylin', 'V10', 'v10-sp3')).to.equal(true);
  });

  it('keeps releases apart that only begin alike', () => {
    expect(isSameRelease('rocky', '9.6', '9.5')).to.equal(false);
    expect(isSameRelease('rocky', '9', '10.0')).to.equal(false);
    expect(isSameRelease('openeuler', '22.03-lts', '22.03-lts-sp3')).to.equal(false);
    expect(isSameRelease('opensuse-leap', '15.6', '15.5')).to.equal(false);
  });

  it('knows no release in nonsense', () => {
    expect(isSameRelease('debian', 'x', 'x')).to.equal(false);
  });
});

describe('compareReleases', () => {
  it('compares numbers, not letters', () => {
    expect(compareReleases('9.10', '9.9')).to.be.greaterThan(0);
    expect(compareReleases('20.03-lts', '20.03')).to.equal(0);
    expect(compareReleases('v10', 'v10-sp1')).to.be.lessThan(0);
  });
});
