import { expect } from 'chai';
import { parseSize } from '../../../src/catalog/size.js';
import { editDistance, suggest } from '../../../src/suggest.js';

describe('parseSize', () => {
  it('reads binary and decimal units', () => {
    expect(parseSize('4 GiB')).to.equal(4 * 1024 ** 3);
    expect(parseSize('20 GB')).to.equal(20e9);
    expect(parseSize('1.5 GiB')).to.equal(1.5 * 1024 ** 3);
    expect(parseSize('512MiB')).to.equal(512 * 1024 ** 2);
    expect(parseSize('7 B')).to.equal(7);
    for (const wrong of ['', '4', '4 gib', '-1 GiB', 'GiB', '1e3 MB']) expect(parseSize(wrong)).to.equal(undefined);
  });
});

describe('suggest', () => {
  it('counts edits', () => {
    expect(editDistance('kitten', 'sitting')).to.equal(3);
    expect(editDistance('', 'abc')).to.equal(3);
    expect(editDistance('abc', 'abc')).to.equal(0);
  });

  it('names what comes near, the nearest first', () => {
    expect(suggest('debain', ['debian', 'fedora'])).to.deep.equal(['debian']);
    expect(suggest('sp1', ['sp3', 'sp1', 'sp2', 'sp4']))
      .to.have.length(3)
      .and.to.include('sp1');
    expect(suggest('xyz', ['debian'])).to.deep.equal([]);
  });
});
