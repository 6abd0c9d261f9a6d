import { expect } from 'chai';
import fc from 'fast-check';
import { createEntry, type EntryType } from '../../../src/tree/entry.js';
import { shareParts, TreeParts } from '../../../src/tree/tree-parts.js';

const MIB = 2 ** 20;

function partsOf(entries: readonly (readonly [path: string, type: EntryType, more?: number | string])[]): TreeParts {
  const parts = new TreeParts();
  for (const [path, type, more] of entries) {
    const sizeBytes = typeof more === 'number' ? more : 0;
    const linkTarget = Buffer.from(typeof more === 'string' ? more : '');
    parts.observe(createEntry({ path: Buffer.from(path), type, sizeBytes, linkTarget }));
  }
  return parts;
}

const USR = [
  ['', 'directory'],
  ['usr', 'directory'],
  ['usr/bin', 'directory'],
  ['usr/bin/ls', 'file', MIB],
  ['usr/lib', 'directory'],
  ['usr/lib/libc.so', 'file', 2 * MIB],
  ['usr/lib/modules', 'directory'],
  ['usr/lib/modules/6.1', 'directory'],
  ['usr/lib/modules/6.1/a.ko', 'file', 5 * MIB],
  ['usr/share', 'directory'],
  ['usr/share/a b', 'directory'],
  ['usr/share/a b/c', 'file', 7 * MIB],
] as const;

describe('parts of a tree', () => {
  it('are directories that no other part is in, the heaviest first; the rest is counted', () => {
    const { parts, restWeight } = partsOf(USR).summary();
    expect(parts.map(({ directories }) => directories)).to.deep.equal([
      ['usr/share'],
      ['usr/lib/modules'],
      ['usr/bin'],
    ]);
    expect(parts[1]?.weight).to.be.within(5 * MIB, 5.1 * MIB);
    expect(restWeight).to.be.within(2 * MIB, 2.1 * MIB);
  });

  it('belong together where a file has names in both, and to the rest where one of them does', () => {
    const together = partsOf([...USR, ['usr/share/again', 'hardlink', 'usr/bin/ls']]).summary();
    expect(together.parts.map(({ directories }) => [...directories].sort())).to.deep.equal([
      ['usr/bin', 'usr/share'],
      ['usr/lib/modules'],
    ]);
    const apart = partsOf([...USR, ['usr/lib/modules/libc', 'hardlink', 'usr/lib/libc.so']]).summary();
    expect(apart.parts.map(({ directories }) => directories)).to.deep.equal([['usr/share'], ['usr/bin']]);
  });

  it('are shared out evenly, each once, but for those that the rest takes', () => {
    const weights = fc.array(fc.nat({ max: 1000 }), { maxLength: 24 });
    fc.assert(
      fc.property(weights, fc.nat({ max: 1000 }), fc.integer({ min: 1, max: 8 }), (all, restWeight, workers) => {
        const parts = all.map((weight, index) => ({ directories: [String(index)], weight }));
        const shares = shareParts(parts, restWeight, workers);
        expect(shares.length).to.be.below(workers);
        const shared = shares.flat();
        expect(new Set(shared).size).to.equal(shared.length);
        const weightOf = (share: readonly string[]): number =>
          share.reduce((sum, index) => sum + (all[Number(index)] ?? 0), 0);
        const average = (restWeight + all.reduce((sum, weight) => sum + weight, 0)) / workers;
        for (const share of shares) expect(weightOf(share)).to.be.at.most(average + Math.max(...all));
      }),
    );
  });
});
