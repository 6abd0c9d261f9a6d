import { expect } from 'chai';
import { leastMemoryMiB } from '../../../src/tree/least-memory.js';

const MIB = 2 ** 20;

describe('leastMemoryMiB', () => {
  it('is above what a kernel was seen to need for the tree it was measured with, and not by much', () => {
    const stated = leastMemoryMiB([{ compressedBytes: 123_460_030, unpackedBytes: 482_283_520, inodeCount: 11_281 }]);
    expect(stated).to.be.within(1136, 1232);
    // What a test boots it with to see it fail.
    expect(stated * 0.7).to.be.below(1080);
  });

  it('takes twice the tree and the compressed copy where the tree is large: half of the memory is the limit of its tmpfs', () => {
    const at = (unpackedMib: number, compressedMib: number): number =>
      leastMemoryMiB([{ compressedBytes: compressedMib * MIB, unpackedBytes: unpackedMib * MIB, inodeCount: 50_000 }]);
    expect(at(2100, 600) - at(2000, 600)).to.be.within(200, 224);
    expect(at(2000, 700) - at(2000, 600)).to.be.within(96, 112);
  });

  it('leaves user space room to work in where the tree is small', () => {
    expect(leastMemoryMiB([{ compressedBytes: 5 * MIB, unpackedBytes: 10 * MIB, inodeCount: 300 }])).to.be.within(
      256,
      320,
    );
  });

  it('counts archives that are unpacked together, and their inodes', () => {
    const one = { compressedBytes: 50 * MIB, unpackedBytes: 200 * MIB, inodeCount: 1000 };
    const both = leastMemoryMiB([one, one]);
    expect(both).to.equal(leastMemoryMiB([{ compressedBytes: 100 * MIB, unpackedBytes: 400 * MIB, inodeCount: 2000 }]));
    const many = { compressedBytes: MIB, unpackedBytes: 20 * MIB, inodeCount: 500_000 };
    expect(leastMemoryMiB([many])).to.be.above(leastMemoryMiB([{ ...many, inodeCount: 0 }]) + 500);
  });
});
