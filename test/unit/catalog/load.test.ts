import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { loadCatalog, type Catalog } from '../../../src/catalog/load.js';
import { resolveRelease } from '../../../src/catalog/resolve.js';
import { Iso2RootfsError } from '../../../src/errors.js';

describe('loadCatalog', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-catalog-'));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function load(...texts: string[]): Promise<Catalog> {
    for (const [index, text] of texts.entries()) await writeFile(path.join(directory, `${index}.yaml`), text);
    return loadCatalog({ userDirectories: [directory, '/does/not/exist'] });
  }

  async function refusal(text: string): Promise<Iso2RootfsError> {
    const outcome: unknown = await load(text).catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(Iso2RootfsError).with.property('code', 'CONFIG_INVALID');
    return outcome as Iso2RootfsError;
  }

  it('lets a user override one thing and leaves the rest', async () => {
    const catalog = await load(
      'format: 1\nid: openeuler\nmirrors: ["http://mirror.lab/oe"]\nreleases:\n  22.03-lts: {memory: 6 GiB}\n',
    );
    const medium = resolveRelease(catalog, { distro: 'openeuler', release: '22.03-lts', arch: 'x86_64' });
    expect(medium.urls).to.deep.equal([
      'http://mirror.lab/oe/openEuler-22.03-LTS/ISO/x86_64/openEuler-22.03-LTS-x86_64-dvd.iso',
    ]);
    expect(medium).to.include({ memoryBytes: 6 * 1024 ** 3, kickstartDialect: 'F33' });
    const other = resolveRelease(catalog, { distro: 'openeuler', release: '24.03-lts', arch: 'x86_64' });
    expect(other.memoryBytes).to.equal(4 * 1024 ** 3);
  });

  it('lets a user override a single variant of a single arch', async () => {
    const catalog = await load(
      [
        'format: 1',
        'id: debian',
        'releases:',
        '  12:',
        '    arches:',
        '      aarch64:',
        '        variants:',
        '          dvd: {path: "d.iso", checksum: null}',
        '          netinst: null',
      ].join('\n'),
    );
    const request = { distro: 'debian', release: '12' };
    const medium = resolveRelease(catalog, { ...request, arch: 'arm64' });
    expect(medium.isoFileName).to.equal('d.iso');
    expect(medium.checksum).to.equal(undefined);
    expect(resolveRelease(catalog, { ...request, arch: 'amd64' }).isoFileName).to.include('DVD-1');
    expect(() => resolveRelease(catalog, { ...request, arch: 'arm64', variant: 'netinst' })).to.throw('netinst');
  });

  it('lets a user add a release and a distribution, in several files', async () => {
    const catalog = await load(
      'format: 1\nid: rocky\nreleases:\n  8.9: {values: {major: "8"}, arches: {x86_64: {}}}\n',
      [
        'format: 1',
        'id: mine',
        'name: My Linux',
        'installerFamily: anaconda',
        'mirrors: [http://lab/]',
        'defaultVariant: dvd',
        'variants: {dvd: {path: "{release}/{arch}.iso"}}',
      ].join('\n') + '\nreleases: {1.10: {arches: {aarch64: {}}}}\n',
    );
    const rocky = resolveRelease(catalog, { distro: 'rocky', release: '8.9', arch: 'x86_64' });
    expect(rocky.isoFileName).to.equal('Rocky-8.9-x86_64-dvd.iso');
    const mine = resolveRelease(catalog, { distro: 'mine', release: '1.10', arch: 'aarch64' });
    expect(mine.urls).to.deep.equal(['http://lab/1.10/aarch64.iso']);
    expect(mine.diskBytes).to.equal(undefined);
  });

  it('finds key files beside the catalogue file', async () => {
    const catalog = await load(
      `format: 1\nid: debian\nsigningKey: {fingerprint: "${'ab '.repeat(20)}", file: keys/debian.asc}\n`,
    );
    const medium = resolveRelease(catalog, { distro: 'debian', release: '12', arch: 'x86_64' });
    expect(medium.signingKey).to.deep.equal({
      fingerprint: 'AB'.repeat(20),
      file: path.join(directory, 'keys/debian.asc'),
    });
  });

  const wrong: Readonly<Record<string, [text: string, ...messages: string[]]>> = {
    'YAML that is none': ['format: 1\nid: [', '0.yaml'],
    'the same key twice': ['format: 1\nid: debian\nid: debian\n', 'unique'],
    'no mapping': ['- 1\n', 'mapping'],
    'another format': ['format: 2\nid: debian\n', '0.yaml:1: format'],
    'an unknown key': ['format: 1\nid: debian\nmirror: x\n', 'mirror'],
    'a wrong size': [
      'format: 1\nid: debian\nreleases:\n  12:\n    memory: lots\n',
      '0.yaml:5: releases.12.memory',
      '4 GiB',
    ],
    'a number for a text': ['format: 1\nid: rocky\nreleases: {8.10: {version: 8.10}}\n', "releases.'8.10'.version"],
    'an unknown placeholder': ['format: 1\nid: debian\nvariants: {dvd: {path: "{flavour}.iso"}}\n', '{flavour}'],
    'a mirror that is no URL': ['format: 1\nid: debian\nreleases: {12: {mirrors: [ftp://x]}}\n', 'ftp://x'],
    'a short fingerprint': ['format: 1\nid: debian\nsigningKey: {fingerprint: ABCD, file: x}\n', 'whole fingerprint'],
    'a distribution without a name': ['format: 1\nid: mine\nreleases: {}\n', 'name'],
    "somebody else's name": ['format: 1\nid: fedora\naliases: [debian]\n', 'already names debian'],
    'a release without mirrors': [
      'format: 1\nid: mine\nname: x\ndefaultVariant: a\nvariants: {a: {path: a}}\nreleases: {1: {arches: {x86_64: {}}}}\n',
      'mirrors',
    ],
  };
  for (const [name, [text, ...messages]] of Object.entries(wrong)) {
    it(`refuses ${name}, and says where`, async () => {
      const error = await refusal(text);
      expect(error.message).to.include(directory);
      for (const message of messages) expect(error.message).to.include(message);
      expect(error.data).to.include({ file: path.join(directory, '0.yaml') });
    });
  }
});
