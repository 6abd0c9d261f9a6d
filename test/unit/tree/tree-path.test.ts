import { expect } from 'chai';
import fc from 'fast-check';
import { normaliseTreePath, parentKey, printablePath } from '../../../src/tree/tree-path.js';

function normalise(path: string): string {
  return normaliseTreePath(Buffer.from(path, 'latin1')).toString('latin1');
}

describe('paths in a tree', () => {
  it('have one form', () => {
    expect(normalise('./etc/fstab')).to.equal('etc/fstab');
    expect(normalise('etc/')).to.equal('etc');
    expect(normalise('./')).to.equal('');
    expect(normalise('.')).to.equal('');
    expect(normalise('.//a/./b//')).to.equal('a/b');
    expect(normalise('..a/b../...')).to.equal('..a/b../...');
    expect(normalise('-n\xff\xfe')).to.equal('-n\xff\xfe');
  });

  for (const [path, reason] of [
    ['/etc/passwd', 'absolute'],
    ['../x', "'..'"],
    ['a/../../x', "'..'"],
    ['a/..', "'..'"],
    ['./..', "'..'"],
    ['.//etc', undefined],
    ['a\0b', 'NUL'],
  ] as const) {
    it(`${reason === undefined ? 'accepts' : 'refuses'} ${JSON.stringify(path)}`, () => {
      if (reason === undefined) expect(normalise(path)).to.equal('etc');
      else
        expect(() => normalise(path))
          .to.throw(reason)
          .with.property('code', 'INTEGRITY');
    });
  }

  it('know their directory', () => {
    expect(parentKey('a/b/c')).to.equal('a/b');
    expect(parentKey('a')).to.equal('');
  });

  it('are printed so that they can be read and fool nobody', () => {
    expect(printablePath(Buffer.from('usr/bin/grün'))).to.equal('usr/bin/grün');
    expect(printablePath(Buffer.from('a\nb\\c\x1b[31m'))).to.equal('a\\012b\\\\c\\033[31m');
    expect(printablePath(Buffer.from([0x61, 0xff, 0x5c, 0x7e]))).to.equal('a\\377\\\\~');
    expect(printablePath(Buffer.from('a\u202eb'))).to.equal('a\\342\\200\\256b');
  });

  it('are printed without loss', () => {
    const unprint = (text: string): Buffer =>
      Buffer.concat(
        [...text.matchAll(/\\(\d{3})|\\\\|[^\\]/gsu)].map(([piece, octal]) =>
          octal === undefined ? Buffer.from(piece === '\\\\' ? '\\' : piece) : Buffer.from([parseInt(octal, 8)]),
        ),
      );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 40 }),
          fc.string({ unit: 'binary' }).map((s) => Buffer.from(s)),
        ),
        (bytes) => {
          expect(unprint(printablePath(Buffer.from(bytes)))).to.deep.equal(Buffer.from(bytes));
        },
      ),
    );
  });
});
