import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { Iso2RootfsError } from '../../../src/errors.js';
import { isNdb, readNdb } from '../../../src/packages/read-ndb.js';
import type { InstalledPackage } from '../../../src/packages/types.js';
import { failureOf } from '../tools/fake-programs.js';
import { TAG, database, header, type Tag } from './ndb-pieces.js';

const BASH: readonly Tag[] = [
  [TAG.name, 'bash'],
  [TAG.version, '5.2.15'],
  [TAG.release, '150600.1'],
  [TAG.epoch, 3],
  [TAG.summary, ['The shell', 'Die Shell']],
  [TAG.size, 7_000_001],
  [TAG.vendor, 'SUSE LLC <https://www.suse.com/>'],
  [TAG.license, 'GPL-3.0-or-later'],
  [TAG.arch, 'x86_64'],
  [TAG.source, 'bash-5.2.15-150600.1.src.rpm'],
];
const KEY: readonly Tag[] = [
  [TAG.name, 'gpg-pubkey'],
  [TAG.version, '39db7c82'],
  [TAG.release, '5f68629b'],
];

describe('a package database of SUSE (ndb)', () => {
  let directory: string;
  before(async () => (directory = await mkdtemp(path.join(tmpdir(), 'ndb-'))));
  after(async () => rm(directory, { recursive: true }));

  async function read(content: Buffer): Promise<InstalledPackage[]> {
    const file = path.join(directory, 'Packages.db');
    await writeFile(file, content);
    return readNdb(file);
  }

  it('gives what is installed, without the keys of publishers', async () => {
    expect(await read(database([header(KEY), header(BASH)]))).to.deep.equal([
      {
        name: 'bash',
        version: '3:5.2.15-150600.1',
        epoch: 3,
        release: '150600.1',
        arch: 'x86_64',
        source: 'bash-5.2.15-150600.1.src.rpm',
        license: 'GPL-3.0-or-later',
        vendor: 'SUSE LLC <https://www.suse.com/>',
        installedBytes: 7_000_001,
      },
    ]);
  });

  it('knows sizes of more than 4 GiB, several languages, letters of other alphabets; a name gives a terminal no commands', async () => {
    const tags: readonly Tag[] = [
      [TAG.name, 'gro\u00df\u001b[2J'],
      [TAG.version, '1'],
      [TAG.release, '2'],
      [TAG.vendor, 'Обществo 株式会社'],
      [TAG.license, ['Müller-Lizenz', 'other']],
      [TAG.longSize, 5_000_000_000n],
    ];
    expect(await read(database([header(tags)]))).to.deep.equal([
      {
        name: 'groß\ufffd[2J',
        version: '1-2',
        release: '2',
        arch: 'noarch',
        vendor: 'Обществo 株式会社',
        license: 'Müller-Lizenz',
        installedBytes: 5_000_000_000,
      },
    ]);
    // Of old packages, whose letters are of no alphabet that is said.
    const latin1: readonly Tag[] = [...BASH.slice(0, 6), [TAG.vendor, Buffer.from('M\u00fcller', 'latin1')]];
    expect((await read(database([header(latin1)])))[0]?.vendor).to.equal('M\ufffdller');
  });

  it('takes what was changed in a header after the package was made', async () => {
    const [installed] = await read(database([header([...BASH, [TAG.vendor, 'Somebody else']])]));
    expect(installed?.vendor).to.equal('Somebody else');
  });

  it('has thousands of packages, some of them with a hundred thousand files, in any order', async () => {
    const files = Array.from({ length: 100_000 }, (_, index) => `file-${index}`);
    const headers = Array.from({ length: 3000 }, (_, index) => {
      const name: Tag = [TAG.name, `package-${index}`];
      // The source's name lies behind the files here.
      return header([
        name,
        ...BASH.slice(1, -1),
        ...(index % 1000 === 7 ? [[TAG.baseNames, files] as const] : []),
        ...BASH.slice(-1),
      ]);
    });
    const order = headers.map((_, index) => (index * 7) % headers.length);
    const packages = await read(database(headers, order));
    expect(packages.map(({ name }) => name)).to.have.members(headers.map((_, index) => `package-${index}`));
    expect(new Set(packages.map(({ source }) => source))).to.deep.equal(new Set(['bash-5.2.15-150600.1.src.rpm']));
  });

  it('is known by how it begins', async () => {
    const file = path.join(directory, 'other');
    for (const [content, isOne] of [
      [database([header(BASH)]), true],
      [Buffer.from('SQLite format 3\0'), false],
      [Buffer.alloc(0), false],
    ] as const) {
      await writeFile(file, content);
      expect(await isNdb(file)).to.equal(isOne);
    }
  });

  const whole = database([header(BASH), header(KEY), header(BASH)]);
  const changed = (at: number, value: number, order: 'LE' | 'BE' = 'LE'): Buffer => {
    const copy = Buffer.from(whole);
    if (order === 'LE') copy.writeUInt32LE(value, at);
    else copy.writeUInt32BE(value, at);
    return copy;
  };
  const blob = 4096;
  for (const [what, content, complaint] of [
    ['no content', Buffer.alloc(0), /truncated/],
    ['nothing but a header', whole.subarray(0, 32), /truncated/],
    ['an end in the middle of a package', whole.subarray(0, whole.length - 16), /truncated/],
    ['a version of the future', changed(4, 1), /version 1/],
    ['more slots than it can have', changed(12, 0xffffffff), /pages/],
    ['no slots', changed(12, 0), /pages/],
    ['slots where packages are', changed(12, 2), /truncated|slot/],
    ['a package outside of it', changed(32 + 8, 0xfffffff0), /truncated/],
    ['a package in the slots', changed(32 + 8, 1), /overlap/],
    ['two packages in one place', changed(32 + 8, whole.readUInt32LE(48 + 8)), /overlap/],
    ['a package of no length', changed(32 + 12, 0), /long/],
    ['a package that says it is another', changed(blob + 4, 9), /where its slot says/],
    ['a package that is longer than its place', changed(blob + 12, 0xffffffff), /long/],
    ['a header with more tags than it has', changed(blob + 16, 0xffff, 'BE'), /size/],
    ['a header with millions of tags', changed(blob + 16, 0x01000000, 'BE'), /tags/],
    ['a header with no tags', changed(blob + 16, 0, 'BE'), /tags/],
    ['a name outside of the header', changed(blob + 16 + 8 + 16 + 8, 0x7fffffff, 'BE'), /outside/],
    ['a name that is a number', changed(blob + 16 + 8 + 16 + 4, 4, 'BE'), /no text/],
    ['a package without a name', database([header(BASH.slice(1))]), /no package/],
  ] as const) {
    it(`is refused with ${what}`, async () => {
      const failure = await failureOf(read(content));
      expect(failure.code).to.equal('INTEGRITY');
      expect(failure.message).to.match(complaint);
    });
  }

  it('is read or refused, whatever is in it', async () => {
    const at = fc.oneof(fc.nat(127), fc.integer({ min: blob, max: whole.length - 1 }));
    const values = fc.oneof(fc.constantFrom(0, 1, 16, 255, 256, 0x7fffffff, 0xffffffff), fc.nat(5000));
    const change = fc.record({ at, value: values, isBig: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const copy = Buffer.from(whole);
        for (const { at: place, value, isBig } of changes) {
          const start = Math.min(place, copy.length - 4);
          if (isBig) copy.writeUInt32BE(value, start);
          else copy.writeUInt32LE(value, start);
        }
        try {
          const packages = await read(copy);
          expect(packages.length).to.be.lessThan(4);
        } catch (error) {
          expect(error).to.be.instanceOf(Iso2RootfsError).with.property('code', 'INTEGRITY');
        }
      }),
      { numRuns: 500 },
    );
  });
});
