import { expect } from 'chai';
import fc from 'fast-check';
import {
  parseArchiveRelease,
  parseDiscinfo,
  parseDiskInfo,
  parseMediaRepo,
  parseSuseMedia,
} from '../../../src/media/parse-identity.js';
import { parseIni } from '../../../src/media/parse-ini.js';
import { parseTreeinfo } from '../../../src/media/parse-treeinfo.js';

describe('parseIni', () => {
  it('reads what real and odd files have', () => {
    const text = [
      '\ufeff# a comment',
      'lost = before any section',
      '[General]\r',
      '  family =  openEuler   ; said so',
      'version:22.03-LTS # long-term',
      '; WARNING.0 = not an option',
      'empty =',
      'commented = # nothing else',
      'url = http://example.org/#part',
      "quoted = 'Rocky Linux'",
      'list = one',
      '   two',
      '[ general ]',
      'version = 24.03',
      'no option at all',
    ].join('\n');
    expect([...parseIni(text).entries()].map(([name, options]) => [name, Object.fromEntries(options)])).to.deep.equal([
      [
        'general',
        {
          family: 'openEuler',
          version: '24.03',
          empty: '',
          commented: '',
          url: 'http://example.org/#part',
          quoted: 'Rocky Linux',
          list: 'one\ntwo',
        },
      ],
    ]);
  });

  it('gives back what was written, however it was spaced', () => {
    const word = fc.stringMatching(/^[A-Za-z][\w./-]{0,12}$/);
    const space = fc.constantFrom('', ' ', '   ', '\t');
    const file = fc.dictionary(word, fc.dictionary(word, word, { minKeys: 1 }), { minKeys: 1 });
    fc.assert(
      fc.property(
        file,
        space,
        space,
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom('=', ':'),
        (sections, a, b, eol, is) => {
          const text = Object.entries(sections)
            .map(([name, options]) =>
              [`[${name}]`, ...Object.entries(options).map(([key, value]) => `${key}${a}${is}${b}${value}${a}`)].join(
                eol,
              ),
            )
            .join(`${eol}# comment${eol}${eol}`);
          const parsed = parseIni(text);
          for (const [name, options] of Object.entries(lowerKeys(sections))) {
            expect(Object.fromEntries(parsed.get(name) ?? [])).to.deep.include(lowerKeys(options));
          }
        },
      ),
    );
  });

  it('takes no time for a megabyte of nonsense', function () {
    this.timeout(2000);
    for (const filler of [' ', 'a', '=', '[', ' #', '\n ', ' a\n', '"']) {
      const nonsense = `[general]\nkey = value\n${filler.repeat(1024 * 1024)}`;
      parseTreeinfo(nonsense);
      parseDiskInfo(nonsense);
      parseDiskInfo(filler.repeat(1024 * 1024));
      parseSuseMedia({ media: nonsense, products: filler.repeat(1024 * 1024), build: nonsense });
    }
  });
});

/** The names that come last win, as in the parser. */
function lowerKeys<Value>(object: Readonly<Record<string, Value>>): Record<string, Value> {
  const entries = Object.entries(object).map(([key, value]) => [key.toLowerCase(), value] as const);
  const last = new Map(entries);
  const isTwice = (key: string): boolean => entries.filter(([other]) => other === key).length > 1;
  // Two sections whose names differ in case only are one section: not what this property is about.
  return Object.fromEntries([...last].filter(([key]) => !isTwice(key)));
}

describe('parseTreeinfo', () => {
  it('reads the pre-productmd form', () => {
    const treeinfo = parseTreeinfo(
      '[general]\nfamily = CentOS Linux\nname = CentOS Linux-7\nversion = 7\narch = x86_64\nvariant = \n' +
        '[stage2]\nmainimage = LiveOS/squashfs.img\n[images-x86_64]\nkernel = images/pxeboot/vmlinuz\ninitrd = images/pxeboot/initrd.img\n',
    );
    expect(treeinfo).to.deep.include({
      format: 'pre-productmd',
      family: 'CentOS Linux',
      version: '7',
      arch: 'x86_64',
      variant: undefined,
      mainImage: 'LiveOS/squashfs.img',
    });
    expect(treeinfo.images.get('x86_64')).to.deep.equal({
      kernel: 'images/pxeboot/vmlinuz',
      initrd: 'images/pxeboot/initrd.img',
    });
  });

  it('trusts the sections of productmd more than those for old programs', () => {
    const treeinfo = parseTreeinfo(
      '[general]\nfamily = Old\nversion = 1\narch = i386\n[header]\nversion = 1.2\n[release]\nname = Rocky Linux\nshort = Rocky\n' +
        'version = 9.6\n[tree]\narch = x86_64\n[variant-BaseOS]\nrepository = BaseOS\n[variant-AppStream]\nrepository = AppStream\n',
    );
    expect(treeinfo).to.deep.include({
      format: 'productmd',
      family: 'Rocky Linux',
      version: '9.6',
      arch: 'x86_64',
      repositories: ['BaseOS', 'AppStream'],
    });
  });
});

describe('the other identity files', () => {
  it('.discinfo', () => {
    expect(parseDiscinfo('1648607000.0\r\n\r\nx86_64\r\n')).to.deep.equal({
      timestamp: '1648607000.0',
      product: undefined,
      arch: 'x86_64',
    });
    expect(parseDiscinfo('\ufeff1\nCentOS Stream 9\nx86_64\nALL').product).to.equal('CentOS Stream 9');
    expect(parseDiscinfo('')).to.deep.equal({ timestamp: undefined, product: undefined, arch: undefined });
  });

  it('media.repo', () => {
    const text = '[InstallMedia]\nname=Rocky Linux 9.6\nmediaid=1748290782.1\nmetadata_expire=-1\ngpgcheck=0\n';
    expect(parseMediaRepo(text).name).to.equal('Rocky Linux 9.6');
  });

  it('.disk/info', () => {
    expect(
      parseDiskInfo('Debian GNU/Linux 12.0.0 "Bookworm" - Official amd64 NETINST with firmware 20230610-10:21'),
    ).to.deep.equal({
      product: 'Debian GNU/Linux 12.0.0',
      codename: 'Bookworm',
      edition: 'Official amd64 NETINST with firmware 20230610-10:21',
    });
    expect(parseDiskInfo('\nUbuntu-Server 22.04 LTS "Jammy Jellyfish" - Release amd64 (20220421)\n')).to.deep.equal({
      product: 'Ubuntu-Server 22.04 LTS',
      codename: 'Jammy Jellyfish',
      edition: 'Release amd64 (20220421)',
    });
    expect(parseDiskInfo('Debian GNU/Linux 12')).to.deep.equal({
      product: 'Debian GNU/Linux 12',
      codename: undefined,
      edition: '',
    });
    expect(parseDiskInfo(' \n')).to.equal(undefined);
  });

  it('media.1', () => {
    expect(
      parseSuseMedia({
        media: 'openSUSE - openSUSE-Leap-15.6-x86_64-Build710.3\nopenSUSE-Leap-15.6-x86_64-Build710.3-Media\n1\n',
        products: '/ openSUSE-Leap 15.6-1\n/sub Another Product 2.0-0\nnonsense\n',
      }),
    ).to.deep.equal({
      vendor: 'openSUSE - openSUSE-Leap-15.6-x86_64-Build710.3',
      build: 'openSUSE-Leap-15.6-x86_64-Build710.3-Media',
      products: [
        { name: 'openSUSE-Leap', version: '15.6' },
        { name: 'Another Product', version: '2.0' },
      ],
    });
    expect(parseSuseMedia({})).to.deep.equal({ vendor: undefined, build: undefined, products: [] });
  });

  it('dists/*/Release', () => {
    expect(parseArchiveRelease('Origin: Debian\nLabel: Debian\nVersion: 12.4\nCodename: bookworm\n')).to.deep.equal({
      origin: 'Debian',
      version: '12.4',
      codename: 'bookworm',
    });
  });

  it('never fail, whatever they hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseTreeinfo(text);
        parseDiscinfo(text);
        parseMediaRepo(text);
        parseDiskInfo(text);
        parseSuseMedia({ media: text, products: text, build: text });
        parseArchiveRelease(text);
      }),
    );
  });
});
