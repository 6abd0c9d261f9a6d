import { expect } from 'chai';
import fc from 'fast-check';
import { parseBytes, parseDuration, writeBytes, writeDuration } from '../../../src/config/quantity.js';

describe('parseBytes', () => {
  const sizes: readonly (readonly [string, number])[] = [
    ['8G', 8 * 2 ** 30],
    ['8GiB', 8 * 2 ** 30],
    ['8gb', 8 * 2 ** 30],
    ['4096M', 4 * 2 ** 30],
    ['1.5 T', 1.5 * 2 ** 40],
    [' 512k ', 512 * 2 ** 10],
    ['1000', 1000],
    ['7B', 7],
  ];
  for (const [text, bytes] of sizes) {
    it(`reads '${text}'`, () => expect(parseBytes(text)).to.equal(bytes));
  }

  for (const text of ['', '0', '0G', '-1G', '8X', 'G', '8 G B', '1e3', '99999999T', 'NaN', 'Infinity', '8G\n9G']) {
    it(`refuses '${text.replace('\n', '\\n')}'`, () => expect(parseBytes(text)).to.equal(undefined));
  }
});

describe('parseDuration', () => {
  const durations: readonly (readonly [string, number])[] = [
    ['600', 600_000],
    ['90m', 5_400_000],
    ['90 min', 5_400_000],
    ['2h', 7_200_000],
    ['1.5s', 1500],
    ['30d', 30 * 86_400_000],
    ['2w', 14 * 86_400_000],
  ];
  for (const [text, milliseconds] of durations) {
    it(`reads '${text}'`, () => expect(parseDuration(text)).to.equal(milliseconds));
  }

  for (const text of ['', '0', '-5m', '5x', 'm', '1e9', 'constructor', '5 constructor', '0.0001s']) {
    it(`refuses '${text}'`, () => expect(parseDuration(text)).to.equal(undefined));
  }
});

describe('writeBytes and writeDuration', () => {
  it('write what is read again as the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.constantFrom(1, 2 ** 10, 2 ** 20), (number, unit) => {
        expect(parseBytes(writeBytes(number * unit))).to.equal(number * unit);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.constantFrom(1, 1000, 60_000), (number, unit) => {
        expect(parseDuration(writeDuration(number * unit))).to.equal(number * unit);
      }),
    );
  });

  it('write the shortest exact form', () => {
    expect(writeBytes(8 * 2 ** 30)).to.equal('8G');
    expect(writeBytes(1.5 * 2 ** 30)).to.equal('1536M');
    expect(writeDuration(5_400_000)).to.equal('90m');
    expect(writeDuration(1500)).to.equal('1.5s');
  });
});
