import { expect } from 'chai';
import { readTar } from '../../../src/tree/tar-reader.js';
import { ARCHIVE_END, ROOT, header, inChunks, padded, pax, readArchive, record } from './archive-pieces.js';

function readOne(...pieces: readonly Buffer[]): ReturnType<typeof readArchive>[number] {
  const entries = readArchive(Buffer.concat([...pieces, ARCHIVE_END]));
  expect(entries).to.have.length(1);
  return entries[0]!;
}

function refusal(...pieces: readonly Buffer[]): Chai.Assertion {
  return expect(() => readArchive(Buffer.concat(pieces)));
}

describe('TarReader', () => {
  it('reads every type', () => {
    const types = {
      '\0': 'file',
      '0': 'file',
      '7': 'file',
      '1': 'hardlink',
      '2': 'symlink',
      '3': 'character-device',
      '4': 'block-device',
      '5': 'directory',
      '6': 'fifo',
    };
    for (const [flag, type] of Object.entries(types)) {
      expect(readOne(header({ name: 'a', type: flag, linkName: 'b' })).entry.type).to.equal(type);
    }
    expect(readOne(header({ name: 'a/', type: '\0', magic: '' })).entry.type).to.equal('directory');
  });

  it('joins prefix and name, but only where the format has a prefix', () => {
    const raw = [[345, Buffer.from('usr/share')]] as const;
    expect(readOne(header({ name: 'x', raw })).entry.path.toString()).to.equal('usr/share/x');
    expect(readOne(header({ name: 'x', raw, magic: 'ustar  ' })).entry.path.toString()).to.equal('x');
  });

  it('reads base-256 numbers', () => {
    const size = Buffer.from('800000000000000000000003', 'hex');
    const mtime = Buffer.from('fffffffffffffffffffffffe', 'hex');
    const uid = Buffer.from('80000000fffffffe', 'hex');
    const { entry, content } = readOne(
      header({
        name: 'x',
        raw: [
          [124, size],
          [136, mtime],
          [108, uid],
        ],
      }),
      padded('abc'),
    );
    expect(content?.toString()).to.equal('abc');
    expect(entry).to.include({ sizeBytes: 3, mtimeSeconds: -2, uid: 0xfffffffe });
  });

  it('reads GNU long names and links', () => {
    const long = 'd/'.repeat(200);
    const longName = [header({ name: '././@LongLink', type: 'L', size: 402 }), padded(`${long}n\0`)];
    const longLink = [header({ name: '././@LongLink', type: 'K', size: 402 }), padded(`${long}l\0`)];
    const { entry } = readOne(
      ...longName,
      ...longLink,
      header({ name: 'cut', type: '2', linkName: 'cut', magic: 'ustar  ' }),
    );
    expect(entry.path.toString()).to.equal(`${long}n`);
    expect(entry.linkTarget.toString()).to.equal(`${long}l`);
  });

  it('takes pax records over the header, local ones over global ones, the last over those before', () => {
    const archive = Buffer.concat([
      pax({ uid: '7', gid: '8', hdrcharset: 'BINARY' }, 'g'),
      pax(record('uid', '9') + record('mtime', '1') + record('mtime', '12.5') + record('gid', '')),
      header({ name: 'a' }),
      header({ name: 'b' }),
      ARCHIVE_END,
    ]);
    const [a, b] = readArchive(archive);
    expect(a!.entry).to.include({ uid: 9, gid: 0, mtimeSeconds: 12, mtimeNanoseconds: 5e8 });
    expect(b!.entry).to.include({ uid: 7, gid: 8, mtimeSeconds: 0 });
  });

  it('keeps attributes as bytes: binary, empty, with newlines', () => {
    const capability = '\x01\0\0\x02\0\x20\0\n12 a=b\n\xff';
    const { entry } = readOne(
      pax({
        path: './f\xff\n',
        'SCHILY.xattr.security.capability': capability,
        'SCHILY.xattr.user.empty': '',
        'SCHILY.xattr.user.a%3Db': '=',
        'SCHILY.acl.access': 'user::rw-\nuser:7:r--\n',
        'SCHILY.acl.default': 'user::rwx\n',
        'RHT.security.selinux': 'system_u:object_r:bin_t:s0',
      }),
      header({ name: 'f' }),
    );
    expect(entry.path.toString('latin1')).to.equal('f\xff\n');
    expect([...entry.xattrs].map(([name, value]) => [name, value.toString('latin1')])).to.deep.equal([
      ['security.capability', capability],
      ['user.empty', ''],
      ['user.a=b', '='],
    ]);
    expect(entry).to.include({
      accessAcl: 'user::rw-\nuser:7:r--\n',
      defaultAcl: 'user::rwx\n',
      selinuxLabel: 'system_u:object_r:bin_t:s0',
    });
  });

  it('takes a size beyond 8 GiB from a pax record', async () => {
    const start = Buffer.concat([pax({ size: '9000000000' }), header({ name: 'big' })]);
    for await (const event of readTar(inChunks(start, 512))) {
      expect(event).to.have.nested.property('entry.sizeBytes', 9_000_000_000);
      return;
    }
  });

  it('skips a volume label, ignores what follows the end, and does not mind where chunks end', () => {
    const archive = Buffer.concat([
      header({ name: 'label', type: 'V' }),
      ROOT,
      pax({ mtime: '1.5' }),
      header({ name: './a', size: 700 }),
      padded('x'.repeat(700)),
      header({ name: './empty' }),
      ARCHIVE_END,
      Buffer.from('behind the end'),
    ]);
    const whole = readArchive(archive);
    expect(whole.map(({ entry, content }) => [entry.path.toString(), content?.length])).to.deep.equal([
      ['', undefined],
      ['a', 700],
      ['empty', 0],
    ]);
    for (const chunkBytes of [1, 7, 511, 512, 513, 1000]) expect(readArchive(archive, chunkBytes)).to.deep.equal(whole);
  });

  it('refuses an archive that is cut anywhere', () => {
    const archive = Buffer.concat([
      ROOT,
      pax({ mtime: '1.5' }),
      header({ name: 'a', size: 600 }),
      padded('x'.repeat(600)),
      ARCHIVE_END,
    ]);
    expect(readArchive(archive)).to.have.length(2);
    for (let cut = 0; cut < archive.length; cut += 100)
      refusal(archive.subarray(0, cut)).to.throw('truncated').with.property('code', 'INTEGRITY');
  });

  it('refuses what is damaged', () => {
    refusal(header({ name: 'a', checksum: 1 }), ARCHIVE_END).to.throw('checksum');
    refusal(header({ name: 'a', raw: [[124, Buffer.from('12x')]] }), ARCHIVE_END).to.throw('octal');
    refusal(header({ name: 'a', raw: [[124, Buffer.from('ff'.repeat(12), 'hex')]] }), ARCHIVE_END).to.throw('negative');
    refusal(header({ name: 'a', raw: [[124, Buffer.from('bf'.repeat(12), 'hex')]] }), ARCHIVE_END).to.throw(
      'beyond reason',
    );
    refusal(header({ name: 'a', type: 'M' }), ARCHIVE_END).to.throw('a is of a type that is not known: M');
    refusal(header({ name: 'a', type: '5', size: 3 }), padded('abc'), ARCHIVE_END).to.throw(
      'a is a directory with content',
    );
    refusal(header({ name: '' }), ARCHIVE_END).to.throw('no name');
    refusal(header({ name: 'a', type: '2' }), ARCHIVE_END).to.throw('links to nothing');
    refusal(ROOT, Buffer.alloc(512), ROOT, ARCHIVE_END).to.throw('lone zero block');
    refusal(pax({ uid: '1' }), ARCHIVE_END).to.throw('ends with an extended header');
    refusal(pax({ uid: '4294967296' }), ROOT, ARCHIVE_END).to.throw("'uid'");
    refusal(header({ name: 'x', type: 'x', size: 17 * 1024 * 1024 }), ARCHIVE_END).to.throw('too large');
    refusal(Buffer.alloc(1024, 'no tar')).to.throw();
  });

  it('refuses hostile paths, wherever they stand', () => {
    refusal(header({ name: '/etc/passwd' }), ARCHIVE_END)
      .to.throw('is absolute: /etc/passwd')
      .with.property('code', 'INTEGRITY');
    refusal(header({ name: 'a/../../b' }), ARCHIVE_END).to.throw("has '..' in it: a/../../b");
    refusal(header({ name: 'a', type: '1', linkName: '../b' }), ARCHIVE_END).to.throw("has '..' in it: ../b");
    refusal(header({ name: 'a', type: '1', linkName: './' }), ARCHIVE_END).to.throw('hard link to the root');
    refusal(pax({ path: '/x' }), header({ name: 'a' }), ARCHIVE_END).to.throw('is absolute: /x');
    refusal(pax({ path: 'a\0b' }), header({ name: 'a' }), ARCHIVE_END).to.throw('NUL in it: a\\000b');
    expect(readOne(header({ name: 'a', type: '2', linkName: '/../x' })).entry.linkTarget.toString()).to.equal('/../x');
  });

  describe('with sparse files', () => {
    const number = (value: number): Buffer => Buffer.from(`${value.toString(8).padStart(11, '0')}\0`);
    const expected = Buffer.concat([Buffer.from('head'), Buffer.alloc(1996), Buffer.from('tail'), Buffer.alloc(96)]);

    it('expands the old GNU form, extended too', () => {
      const parts = [
        [0, 4],
        [2000, 4],
        [2100, 0],
      ].map(([start, length]) => Buffer.concat([number(start!), number(length!)]));
      const plain = header({
        name: 's',
        type: 'S',
        size: 8,
        magic: 'ustar  ',
        raw: [
          [386, Buffer.concat(parts)],
          [483, number(2100)],
        ],
      });
      expect(readOne(plain, padded('headtail')).content).to.deep.equal(expected);
      const more = Buffer.alloc(512);
      Buffer.concat(parts.slice(1)).copy(more);
      const extended = header({
        name: 's',
        type: 'S',
        size: 8,
        magic: 'ustar  ',
        raw: [
          [386, parts[0]!],
          [482, Buffer.from([1])],
          [483, number(2100)],
        ],
      });
      const { entry, content } = readOne(extended, more, padded('headtail'));
      expect(content).to.deep.equal(expected);
      expect(entry.sizeBytes).to.equal(2100);
    });

    it('expands the pax forms 0.0, 0.1 and 1.0', () => {
      const pairs = [
        [0, 4],
        [2000, 4],
        [2100, 0],
      ].map(
        ([start, length]) => record('GNU.sparse.offset', String(start)) + record('GNU.sparse.numbytes', String(length)),
      );
      const form00 = pax(record('GNU.sparse.size', '2100') + record('GNU.sparse.numblocks', '3') + pairs.join(''));
      const form01 = pax({
        'GNU.sparse.size': '2100',
        'GNU.sparse.name': './s',
        'GNU.sparse.map': '0,4,2000,4,2100,0',
      });
      const form10 = pax({
        'GNU.sparse.major': '1',
        'GNU.sparse.minor': '0',
        'GNU.sparse.name': './s',
        'GNU.sparse.realsize': '2100',
      });
      const map = padded('3\n0\n4\n2000\n4\n2100\n0\n');
      for (const archive of [
        [form00, header({ name: 's', size: 8 }), padded('headtail')],
        [form01, header({ name: 'GNUSparseFile.1/s', size: 8 }), padded('headtail')],
        [form10, header({ name: 'GNUSparseFile.1/s', size: 520 }), map, padded('headtail')],
      ]) {
        const { entry, content } = readOne(...archive);
        expect(entry.path.toString()).to.equal('s');
        expect(content).to.deep.equal(expected);
        expect(readArchive(Buffer.concat([...archive, ARCHIVE_END]), 100)[0]!.content).to.deep.equal(expected);
      }
    });

    it('refuses maps that contradict themselves', () => {
      const sparse = (map: string, realBytes = '2100'): Buffer =>
        pax({ 'GNU.sparse.size': realBytes, 'GNU.sparse.map': map });
      const file = [header({ name: 's', size: 8 }), padded('headtail'), ARCHIVE_END];
      refusal(sparse('0,4,2,4'), ...file).to.throw('overlap');
      refusal(sparse('0,4,2000,5'), ...file).to.throw('contradicts its size');
      refusal(sparse('0,4,2000,4', '2003'), ...file).to.throw('contradicts its size');
      refusal(sparse('0,4,-5,4'), ...file).to.throw('no number');
      const form10 = pax({ 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '9' });
      refusal(form10, header({ name: 's', size: 512 }), padded('2\n0\n4\n'), ARCHIVE_END).to.throw(
        'not made of numbers',
      );
      refusal(form10, header({ name: 's', size: 512 }), Buffer.alloc(512, '1\n'), Buffer.alloc(512, '1\n')).to.throw(
        'contradicts',
      );
    });

    it('does not expand a huge one before it is asked to', () => {
      const huge = Buffer.concat([
        pax({ 'GNU.sparse.size': String(2 ** 50), 'GNU.sparse.map': '0,0' }),
        header({ name: 's' }),
      ]);
      const events = readTar(inChunks(huge, 2048));
      return events
        .next()
        .then(() => events.next())
        .then(({ value }) => {
          expect(value).to.have.nested.property('chunk.length', 65536);
        });
    });
  });
});
