/** Every tree of the test data, as a real ISO. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { recogniseMedium } from '../../../src/distro/recognise.js';
import type { RecognisedMedium } from '../../../src/distro/types.js';
import { Iso2RootfsError } from '../../../src/errors.js';
import { readMedium } from '../../../src/media/read-medium.js';
import { makeIso, makeScratch } from '../media/make-iso.js';

const FIXTURES = path.join(import.meta.dirname, '../../fixtures/media');

interface FixtureMedium {
  readonly volumeId: string;
  readonly systemId: string;
  readonly publisherId: string;
  readonly applicationId: string;
  readonly files: readonly string[];
}

type Expected = Omit<RecognisedMedium, 'evidence' | 'volumeId'>;
interface Refused {
  readonly code: string;
  readonly mentions: readonly string[];
}

const PXEBOOT = { kernelPath: 'images/pxeboot/vmlinuz', initrdPath: 'images/pxeboot/initrd.img' };
const anaconda = (distro: Expected['distro'], release: string, other: Partial<Expected> = {}): Expected => ({
  distro,
  release,
  arch: 'x86_64',
  variant: 'dvd',
  family: 'anaconda',
  ...PXEBOOT,
  carriesPackages: true,
  isExperimental: false,
  ...other,
});

const EXPECTED: Readonly<Record<string, Expected | Refused>> = {
  'openEuler-24.03-LTS-SP4-x86_64-dvd': anaconda('openeuler', '24.03-lts-sp4'),
  'openEuler-20.03-LTS-x86_64-dvd': anaconda('openeuler', '20.03-lts'),
  'openEuler-21.09-aarch64-dvd': anaconda('openeuler', '21.09', { arch: 'aarch64' }),
  'openEuler-22.03-LTS-x86_64-dvd': anaconda('openeuler', '22.03-lts'),
  'openEuler-22.03-LTS-SP4-x86_64-dvd': anaconda('openeuler', '22.03-lts-sp4'),
  'openEuler-23.03-x86_64-dvd': anaconda('openeuler', '23.03'),
  'openEuler-22.03-LTS-netinst-x86_64-dvd': anaconda('openeuler', '22.03-lts', {
    variant: 'netinst',
    carriesPackages: false,
  }),
  'CentOS-7-x86_64-DVD-1611': anaconda('centos', '7.3'),
  'CentOS-Stream-9-latest-x86_64-dvd1': anaconda('centos-stream', '9'),
  'Rocky-9-x86_64-minimal': anaconda('rocky', '9.6', { variant: 'minimal' }),
  'AlmaLinux-9.1-x86_64-dvd': anaconda('almalinux', '9.1'),
  'Fedora-Server-dvd-x86_64-40': anaconda('fedora', '40'),
  'debian-12.0.0-amd64-netinst': {
    distro: 'debian',
    release: '12',
    version: '12.0.0',
    arch: 'x86_64',
    variant: 'netinst',
    family: 'debian-installer',
    kernelPath: 'install.amd/vmlinuz',
    initrdPath: 'install.amd/initrd.gz',
    carriesPackages: true,
    isExperimental: false,
  },
  'ubuntu-22.04-live-server-amd64': {
    distro: 'ubuntu',
    release: '22.04',
    arch: 'x86_64',
    variant: 'live-server',
    family: 'subiquity',
    kernelPath: 'casper/vmlinuz',
    initrdPath: 'casper/initrd',
    carriesPackages: true,
    isExperimental: false,
  },
  'Install-Leap-16.0-x86_64': {
    distro: 'opensuse-leap',
    release: '16.0',
    arch: 'x86_64',
    variant: 'offline',
    family: 'agama',
    kernelPath: 'boot/x86_64/loader/linux',
    initrdPath: 'boot/x86_64/loader/initrd',
    carriesPackages: true,
    isExperimental: true,
  },
  'alpine-virt': { code: 'UNSUPPORTED_DISTRO', mentions: ['alpine-virt 3.9.6 x86_64', 'Supported are openEuler'] },
  'unknown-distro': { code: 'UNSUPPORTED_DISTRO', mentions: ['MYDISTRO-1.0', 'x86_64 and aarch64'] },
  'no-kernel-openeuler': {
    code: 'NOT_INSTALL_MEDIA',
    mentions: ['openEuler 22.03-lts', '"images/pxeboot/vmlinuz" and "images/pxeboot/initrd.img"', '.treeinfo'],
  },
};

describe('recogniseMedium on real ISOs of the test data', () => {
  let media: Readonly<Record<string, FixtureMedium>>;
  let scratch: Awaited<ReturnType<typeof makeScratch>>;
  const isos = new Map<string, string>();

  before(async () => {
    media = JSON.parse(await readFile(path.join(FIXTURES, 'media.json'), 'utf8')) as typeof media;
    scratch = await makeScratch();
    for (const [name, medium] of Object.entries(media)) {
      const tree: Record<string, Buffer | string> = {};
      for (const file of medium.files) {
        tree[file] = await readFile(path.join(FIXTURES, name, file)).catch(() => `stand-in for ${file}\n`);
      }
      isos.set(name, await makeIso(scratch.path, name, tree, medium));
    }
  });
  after(() => scratch.remove());

  it('expects something of every tree', () => {
    expect(Object.keys(EXPECTED)).to.have.members(Object.keys(media));
  });

  for (const [name, expected] of Object.entries(EXPECTED)) {
    it(`${name}: ${'code' in expected ? expected.code : `${expected.distro} ${expected.release}`}`, async () => {
      const facts = await readMedium(isos.get(name)!);
      if ('code' in expected) {
        const error = catchError(() => recogniseMedium(facts));
        expect(error.code).to.equal(expected.code);
        for (const text of expected.mentions) expect(`${error.message} ${error.hint}`).to.include(text);
        return;
      }
      const { evidence, ...recognised } = recogniseMedium(facts);
      expect(recognised).to.deep.equal({ ...expected, volumeId: media[name]!.volumeId });
      expect(evidence).to.include(`The volume label says "${media[name]!.volumeId}".`);
    });
  }

  it('says what the sources disagree about, and which of them counts', async () => {
    const { evidence } = recogniseMedium(await readMedium(isos.get('Rocky-9-x86_64-minimal')!));
    expect(evidence).to.include(
      'The volume label says release 9.0, .treeinfo 9.6: what describes the content is trusted more than what names the medium.',
    );
    const leap = recogniseMedium(await readMedium(isos.get('Install-Leap-16.0-x86_64')!));
    expect(leap.evidence).to.include('Version 15.9 in .treeinfo is a placeholder: it does not count.');
    const alma = recogniseMedium(await readMedium(isos.get('AlmaLinux-9.1-x86_64-dvd')!));
    expect(alma.evidence).to.include('The volume label makes release 9 precise: 9.1.');
  });
});

function catchError(action: () => unknown): Iso2RootfsError {
  try {
    action();
  } catch (error) {
    if (error instanceof Iso2RootfsError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
