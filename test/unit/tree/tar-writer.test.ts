import { expect } from 'chai';
import fc from 'fast-check';
import { createEntry, createFile, writeWhole, type TreeFile } from '../../../src/tree/entry.js';
import { TarWriter } from '../../../src/tree/tar-writer.js';
import { readArchive } from './archive-pieces.js';
import { randomEntry } from './tree-arbitraries.js';

function write(files: readonly TreeFile[]): Buffer {
  const chunks: Buffer[] = [];
  const writer = new TarWriter((chunk) => chunks.push(chunk));
  for (const file of files) writeWhole(writer, file);
  writer.finish();
  const archive = Buffer.concat(chunks);
  expect(archive.length).to.equal(writer.offsetBytes);
  return archive;
}

describe('TarWriter', () => {
  it('writes what TarReader reads, any bytes, the same every time', () => {
    fc.assert(
      fc.property(fc.array(randomEntry, { maxLength: 6 }), fc.integer({ min: 1, max: 5000 }), (files, chunkBytes) => {
        const archive = write(files);
        expect(archive.length % 10240).to.equal(0);
        const read = readArchive(archive, chunkBytes);
        expect(read).to.deep.equal(
          files.map(({ entry, content }) => ({ entry, content: entry.type === 'file' ? content : undefined })),
        );
        expect(
          write(read.map(({ entry, content }) => ({ entry, content: content ?? Buffer.alloc(0) }))).equals(archive),
        ).to.equal(true);
      }),
      { numRuns: 60 },
    );
  });

  it('writes an extended header only for what the plain one cannot hold', () => {
    const plain = createFile(Buffer.from('etc/fstab'), Buffer.from('x'), {
      uid: 2_097_151,
      mtimeSeconds: 1_700_000_000,
    });
    expect(write([plain]).toString('latin1')).not.to.contain('PaxHeader');
    for (const like of [
      { uid: 2_097_152 },
      { gid: 4_294_967_295 },
      { mtimeNanoseconds: 1 },
      { mtimeSeconds: -1 },
      { xattrs: new Map([['user.x', Buffer.alloc(0)]]) },
      { accessAcl: 'user::rw-\n' },
      { selinuxLabel: 'x' },
    ]) {
      const archive = write([createFile(Buffer.from('a'), Buffer.alloc(0), like)]).toString('latin1');
      expect(archive.slice(0, 13), JSON.stringify(like)).to.equal('././@PaxHeader'.slice(0, 13));
    }
  });

  it('names things as GNU tar does', () => {
    const archive = write([
      { entry: createEntry({ path: Buffer.alloc(0), type: 'directory' }), content: Buffer.alloc(0) },
      { entry: createEntry({ path: Buffer.from('etc'), type: 'directory' }), content: Buffer.alloc(0) },
      createFile(Buffer.from('etc/fstab'), Buffer.alloc(0)),
      {
        entry: createEntry({ path: Buffer.from('h'), type: 'hardlink', linkTarget: Buffer.from('etc/fstab') }),
        content: Buffer.alloc(0),
      },
    ]);
    const names = [0, 512, 1024, 1536].map((at) => archive.toString('latin1', at, archive.indexOf(0, at)));
    expect(names).to.deep.equal(['./', './etc/', './etc/fstab', './h']);
    expect(archive.toString('latin1', 1536 + 157, 1536 + 170)).to.equal('./etc/fstab\0\0');
  });

  it('splits a name over both fields where it fits, to the byte', () => {
    for (const [path, isPlain] of [
      [`${'p'.repeat(153)}/${'n'.repeat(100)}`, true],
      [`${'p'.repeat(154)}/${'n'.repeat(100)}`, false],
      [`${'p'.repeat(153)}/${'n'.repeat(101)}`, false],
      ['n'.repeat(100), true],
      ['n'.repeat(101), false],
    ] as const) {
      const archive = write([createFile(Buffer.from(path), Buffer.alloc(0))]);
      expect(!archive.toString('latin1').includes('PaxHeader'), path).to.equal(isPlain);
      expect(readArchive(archive)[0]!.entry.path.toString()).to.equal(path);
    }
  });

  it('keeps a name that is no UTF-8 in the header, where every tar takes it as it is', () => {
    expect(write([createFile(Buffer.from('n\xff', 'latin1'), Buffer.alloc(0))]).toString('latin1')).not.to.contain(
      'PaxHeader',
    );
    expect(write([createFile(Buffer.from('ä'), Buffer.alloc(0))]).toString('latin1')).to.contain('path=./');
  });

  it('refuses content of another length than announced', () => {
    const writer = new TarWriter(() => undefined);
    writer.writeEntry(createEntry({ path: Buffer.from('a'), type: 'file', sizeBytes: 3 }));
    writer.writeContent(Buffer.from('ab'));
    expect(() => writer.endContent())
      .to.throw('the content of a')
      .with.property('code', 'INTERNAL');
    expect(() => writer.finish()).to.throw('the content of a');
  });

  it('refuses a device number that no header holds', () => {
    const device = createEntry({ path: Buffer.from('dev/x'), type: 'block-device', deviceMajor: 2_097_152 });
    expect(() => new TarWriter(() => undefined).writeEntry(device))
      .to.throw('dev/x')
      .with.property('code', 'TREE_NOT_REPRESENTABLE');
  });

  it('hands on large content without copying it', () => {
    const chunks: Buffer[] = [];
    const writer = new TarWriter((chunk) => chunks.push(chunk));
    const content = Buffer.alloc(100_000, 1);
    writeWhole(writer, createFile(Buffer.from('a'), content));
    writer.finish();
    expect(chunks.some((chunk) => chunk.buffer === content.buffer)).to.equal(true);
  });
});
