import { expect } from 'chai';
import fc from 'fast-check';
import { createEntry, createFile, writeWhole, type TreeEntry, type TreeFile } from '../../../src/tree/entry.js';
import type { HardLinkCensus } from '../../../src/tree/hard-link-census.js';
import { NewcWriter, type NewcSummary } from '../../../src/tree/newc-writer.js';
import { readNewc } from './newc-pieces.js';
import { randomEntry } from './tree-arbitraries.js';

const NOTHING = Buffer.alloc(0);

function write(
  files: readonly TreeFile[],
  census: HardLinkCensus = new Map(),
): { archive: Buffer; summary: NewcSummary } {
  const chunks: Buffer[] = [];
  const writer = new NewcWriter((chunk) => chunks.push(chunk), census);
  for (const file of files) writeWhole(writer, file);
  const summary = writer.finish();
  const archive = Buffer.concat(chunks);
  expect(archive.length).to.equal(summary.archiveBytes);
  return { archive, summary };
}

function entry(path: string, type: TreeEntry['type'], more: Partial<TreeEntry> = {}): TreeFile {
  return { entry: createEntry({ path: Buffer.from(path, 'latin1'), type, ...more }), content: NOTHING };
}

function file(path: string, content: string, more: Partial<TreeEntry> = {}): TreeFile {
  return createFile(Buffer.from(path, 'latin1'), Buffer.from(content), more);
}

function link(path: string, target: string): TreeFile {
  return entry(path, 'hardlink', { linkTarget: Buffer.from(target) });
}

describe('NewcWriter', () => {
  it('writes every type', () => {
    const { archive, summary } = write([
      entry('', 'directory', { mode: 0o1755 }),
      file('f\xff\n', 'content', { mode: 0o4755, uid: 4_294_967_295, gid: 70_000, mtimeSeconds: 1_700_000_000 }),
      entry('l', 'symlink', { linkTarget: Buffer.from('to nowhere') }),
      entry('c', 'character-device', { mode: 0o600, deviceMajor: 5, deviceMinor: 1_048_575 }),
      entry('b', 'block-device', { mode: 0, deviceMajor: 8 }),
      entry('p', 'fifo'),
    ]);
    expect(archive.length % 512).to.equal(0);
    const plain = { uid: 0, gid: 0, nlink: 1, mtime: 0, rdev: '0:0', content: '' };
    expect(readNewc(archive)).to.deep.equal([
      { ...plain, name: '.', ino: 1, mode: 0o041755, nlink: 2 },
      {
        ...plain,
        name: 'f\xff\n',
        ino: 2,
        mode: 0o104755,
        uid: 0xffffffff,
        gid: 70_000,
        mtime: 1_700_000_000,
        content: 'content',
      },
      { ...plain, name: 'l', ino: 3, mode: 0o120777, content: 'to nowhere' },
      { ...plain, name: 'c', ino: 4, mode: 0o020600, rdev: '5:1048575' },
      { ...plain, name: 'b', ino: 5, mode: 0o060000, rdev: '8:0' },
      { ...plain, name: 'p', ino: 6, mode: 0o010644 },
    ]);
    expect(summary).to.include({ inodeCount: 6, contentBytes: 7, unpackedBytes: 4096, largestFileBytes: 7 });
  });

  it('writes hard links as one inode whose first name has the content', () => {
    const census = new Map([...['a', 'b', 'c'].map((name) => [name, 3] as const), ['s', 2], ['t', 2]]);
    const { archive } = write(
      [
        file('a', 'data', { mode: 0o755, uid: 7, mtimeSeconds: 9 }),
        file('other', 'x'),
        link('b', 'a'),
        link('c', 'b'),
        entry('s', 'symlink', { linkTarget: Buffer.from('->') }),
        link('t', 's'),
      ],
      census,
    );
    const entries = readNewc(archive);
    const shared = { ino: 1, mode: 0o100755, uid: 7, gid: 0, nlink: 3, mtime: 9, rdev: '0:0' };
    expect(entries.filter(({ ino }) => ino === 1)).to.deep.equal([
      { ...shared, name: 'a', content: 'data' },
      { ...shared, name: 'b', content: '' },
      { ...shared, name: 'c', content: '' },
    ]);
    // A symlink has no content apart from its target, so every name of it has that.
    expect(entries.slice(-2).map(({ name, ino, nlink, content }) => [name, ino, nlink, content])).to.deep.equal([
      ['s', 3, 2, '->'],
      ['t', 3, 2, '->'],
    ]);
  });

  it('clamps times that newc cannot hold', () => {
    const times = [-1, 2 ** 32].map((mtimeSeconds, index) => file(String(index), '', { mtimeSeconds }));
    expect(readNewc(write(times).archive).map(({ mtime }) => mtime)).to.deep.equal([0, 0xffffffff]);
  });

  it('reports what is lost', () => {
    const capability = Buffer.from('0100000200200000', 'hex');
    const { summary } = write([
      file('ping\n', '', {
        xattrs: new Map([
          ['security.capability', capability],
          ['security.selinux', NOTHING],
        ]),
        selinuxLabel: 'x',
      }),
      file('acl', '', { accessAcl: 'user::rw-\nuser:70:r--\nmask::r--\n', xattrs: new Map([['user.x', NOTHING]]) }),
      entry('d', 'directory', {
        accessAcl: 'user::rwx\ngroup::r-x\nother::r-x\n',
        defaultAcl: 'user::rwx\n',
        selinuxLabel: 'x',
      }),
      file('labelled', '', { selinuxLabel: 'x' }),
    ]);
    expect(summary.lostLabelCount).to.equal(3);
    expect(summary.lostMetadata).to.deep.equal([
      { path: 'ping\\012', xattrs: ['security.capability'], capabilityHex: '0100000200200000' },
      { path: 'acl', xattrs: ['system.posix_acl_access', 'user.x'] },
      { path: 'd', xattrs: ['system.posix_acl_default'] },
    ]);
  });

  it('refuses what newc cannot hold, by name', () => {
    const refusal = (refused: TreeFile): Chai.Assertion =>
      expect(() => new NewcWriter(() => undefined, new Map()).writeEntry(refused.entry)).to.throw();
    refusal(entry('big', 'file', { sizeBytes: 2 ** 32 }))
      .with.property('message')
      .that.contains('big has 4294967296 bytes');
    refusal(entry('big', 'file', { sizeBytes: 2 ** 32 }))
      .with.property('hint')
      .that.contains('--outputs');
    refusal(entry('TRAILER!!!', 'directory')).with.property('code', 'TREE_NOT_REPRESENTABLE');
    refusal(entry('n'.repeat(4096), 'file')).with.property('code', 'TREE_NOT_REPRESENTABLE');
    refusal(entry('l', 'symlink', { linkTarget: Buffer.alloc(4096, 'x') })).with.property(
      'code',
      'TREE_NOT_REPRESENTABLE',
    );
    refusal(entry('a/b', 'file')).with.property('message', 'a/b comes before its directory');
    expect(() => write([entry('d', 'directory'), file('d/TRAILER!!!', ''), file('n'.repeat(4095), '')])).not.to.throw();
    expect(() =>
      new NewcWriter(() => undefined, new Map()).writeEntry(entry('b', 'file', { sizeBytes: 2 ** 32 - 1 }).entry),
    ).not.to.throw();
  });

  it('refuses hard links that the census does not know, and those to what is not there', () => {
    expect(() => write([file('a', 'x'), link('b', 'a')]))
      .to.throw('b is a hard link to a')
      .with.property('code', 'INTERNAL');
    const census = new Map([
      ['a', 2],
      ['b', 2],
    ]);
    expect(() => write([link('b', 'a')], census))
      .to.throw('b is a hard link to a')
      .with.property('code', 'TREE_NOT_REPRESENTABLE');
  });

  it('refuses content of another length than announced', () => {
    const writer = new NewcWriter(() => undefined, new Map());
    writer.writeEntry(createEntry({ path: Buffer.from('a'), type: 'file', sizeBytes: 3 }));
    expect(() => writer.finish())
      .to.throw('the content of a')
      .with.property('code', 'INTERNAL');
  });

  it('writes any tree so that it can be read, the same every time', () => {
    fc.assert(
      fc.property(fc.array(randomEntry, { maxLength: 6 }), (random) => {
        const files = random
          .filter(({ entry: { type } }) => type !== 'hardlink')
          .map(({ entry: { path, ...rest }, content }) => ({
            entry: { ...rest, path: path.map((byte) => (byte === 0x2f ? 0x2d : byte)) as Buffer },
            content,
          }));
        const { archive } = write(files);
        expect(write(files).archive.equals(archive)).to.equal(true);
        expect(readNewc(archive).map(({ name, uid, content }) => ({ name, uid, content }))).to.deep.equal(
          files.map(({ entry: { path, uid, type, linkTarget }, content }) => ({
            name: path.toString('latin1'),
            uid,
            content: (type === 'symlink' ? linkTarget : content).toString('latin1'),
          })),
        );
      }),
      { numRuns: 60 },
    );
  });
});
