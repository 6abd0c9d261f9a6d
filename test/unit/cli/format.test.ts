import { expect } from 'chai';
import { fitColumns, formatBytes, formatDuration, printable, singleLine } from '../../../src/cli/format.js';

describe('formatDuration', () => {
  const durations: readonly (readonly [number, string])[] = [
    [0, '0 s'],
    [400, '0.4 s'],
    [2000, '2 s'],
    [9940, '9.9 s'],
    [9960, '10 s'],
    [12_400, '12 s'],
    [59_400, '59 s'],
    [59_600, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [3_720_000, '1 h 02 min'],
  ];
  for (const [milliseconds, text] of durations) {
    it(`writes ${milliseconds} ms as '${text}'`, () => expect(formatDuration(milliseconds)).to.equal(text));
  }
});

describe('formatBytes', () => {
  it('uses powers of 1024', () => {
    expect(formatBytes(1023)).to.equal('1023 B');
    expect(formatBytes(3.4 * 2 ** 30)).to.equal('3.4 GiB');
    expect(formatBytes(5000 * 2 ** 40)).to.equal('5000.0 TiB');
  });
});

describe('printable', () => {
  it('removes what steers a terminal', () => {
    expect(printable('\u001b[31mred\u001b[0m \u001b]0;title\u0007end')).to.equal('red end');
    expect(printable('a\rb\bc\u0000d\u009b31me')).to.equal('abcde');
    expect(printable('safe\u202egnp.exe\u2066x')).to.equal('safegnp.exex');
  });

  it('leaves text, tabs and line breaks alone', () => {
    expect(printable('zürich 中文 é\t1\n2')).to.equal('zürich 中文 é\t1\n2');
  });
});

describe('singleLine', () => {
  it('has no line breaks', () => {
    expect(singleLine('one\r\n  two\n\nthree\t4 ')).to.equal('one two three 4');
    expect(singleLine('a\u2028b')).to.equal('ab');
  });
});

describe('fitColumns', () => {
  it('cuts what is too long, and says so', () => {
    expect(fitColumns('1234567890', 10)).to.equal('1234567890');
    expect(fitColumns('12345678901', 10)).to.equal('1234567...');
    expect(fitColumns('12345', 2)).to.equal('..');
    expect(fitColumns('12345', 0)).to.equal('');
    expect(fitColumns('12345', -1)).to.equal('');
  });

  it('counts two columns for wide letters, none for combining marks', () => {
    expect(fitColumns('中文中文', 8)).to.equal('中文中文');
    expect(fitColumns('中文中文', 7)).to.equal('中文...');
    expect(fitColumns('中文中文', 6)).to.equal('中...');
    expect(fitColumns('e\u0301e\u0301e\u0301', 3)).to.equal('e\u0301e\u0301e\u0301');
    expect(fitColumns('🚀🚀', 4)).to.equal('🚀🚀');
  });
});
