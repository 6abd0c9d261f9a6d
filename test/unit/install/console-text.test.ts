import { expect } from 'chai';
import fc from 'fast-check';
import { type ConsoleLineKind, ConsoleText, INSTALLER_LOG_MARKER } from '../../../src/install/console-text.js';

interface Reading {
  readonly lines: readonly string[];
  readonly kinds: readonly ConsoleLineKind[];
  readonly partial: string;
  readonly rows: readonly string[];
}

function read(input: string | Uint8Array, cuts: readonly number[] = []): Reading {
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  const lines: string[] = [];
  const kinds: ConsoleLineKind[] = [];
  const text = new ConsoleText({
    onLine: (line, kind) => {
      lines.push(line);
      kinds.push(kind);
    },
  });
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    text.write(bytes.subarray(from, cut));
    from = cut;
  }
  text.write(bytes.subarray(from));
  return { lines, kinds, partial: text.partialLine, rows: text.screen.rows };
}

describe('ConsoleText', () => {
  it('ends lines at LF, CRLF and CR CR LF, and keeps an open prompt apart', () => {
    const { lines, partial } = read('one\ntwo\r\nthree\r\r\nPress ENTER to quit: ');
    expect(lines).to.deep.equal(['one', 'two', 'three']);
    expect(partial).to.equal('Press ENTER to quit: ');
  });

  it('takes what is rewritten after a CR for lines of their own', () => {
    expect(read('10%\r20%\r100%\n').lines).to.deep.equal(['10%', '20%', '100%']);
  });

  it('applies backspaces', () => {
    expect(read('connecting...  -\b\\\b|\bok\n').lines).to.deep.equal(['connecting...  ok']);
  });

  it('strips colours, titles, charset switches and private modes', () => {
    const { lines } = read(
      '\x1b[?25l\x1b[1;31mred\x1b[0m \x1b]0;title\x07a\x1b]2;other\x1b\\b\x1b(Bc\x1b=\x1b[?2004h\n',
    );
    expect(lines).to.deep.equal(['red abc']);
  });

  it('draws DEC special graphics as lines', () => {
    expect(read('\x1b(0lqqk\x1b(B lqqk\n').lines).to.deep.equal(['┌──┐ lqqk']);
    expect(read('\x1b)0\x0elqk\x0f lqk\n').lines).to.deep.equal(['┌─┐ lqk']);
  });

  it('ends a line where the cursor is addressed, and moves inside a line where it moves sideways', () => {
    const { lines, kinds } = read(
      '\x1b[14;1HQuestion\x1b[16;1HWhat now?\x1b[1;1HResolving required\x1b[8D\x1b[1Cbase  \n',
    );
    expect(lines).to.deep.equal(['Question', 'What now?', 'Resolving rbase  d']);
    expect(kinds).to.deep.equal(['fragment', 'fragment', 'fragment']);
  });

  it('decodes UTF-8 that is cut anywhere', () => {
    const text = 'größer 木 🐧 ├┤\n';
    for (let cut = 0; cut <= Buffer.byteLength(text); cut += 1) {
      expect(read(text, [cut]).lines, `cut at ${cut}`).to.deep.equal(['größer 木 🐧 ├┤']);
    }
  });

  it('replaces invalid bytes and goes on', () => {
    expect(read(Buffer.from([0x41, 0xff, 0xc3, 0x0a, 0x42, 0x0a])).lines).to.deep.equal(['A\ufffd\ufffd', 'B']);
  });

  it("takes the installer's log lines out of a screen that is being drawn", () => {
    const { lines, kinds, rows } = read(
      `\x1b[2J\x1b[1;1Habcd${INSTALLER_LOG_MARKER}Nov 21 02:52:00 main-menu: INFO\r\nefgh\x1b[2;1Hij`,
    );
    expect(lines[0]).to.equal('Nov 21 02:52:00 main-menu: INFO');
    expect(kinds[0]).to.equal('log');
    expect(rows.slice(0, 2)).to.deep.equal(['abcdefgh', 'ij']);
  });

  it('keeps the screen: autowrap, scrolling in a region, erasing, insert mode', () => {
    expect(read(`${'x'.repeat(80)}y`).rows.slice(0, 2)).to.deep.equal(['x'.repeat(80), 'y']);
    expect(read('\x1b[2;3r\x1b[1;1Htop\x1b[2;1Ha\r\nb\r\nc').rows.slice(0, 3)).to.deep.equal(['top', 'b', 'c']);
    expect(read('abcdef\x1b[1;3H\x1b[K').rows[0]).to.equal('ab');
    expect(read('abc\x1b[1;2H\x1b[4hX\x1b[4l').rows[0]).to.equal('aXbc');
  });

  it('cuts an endless line and an endless sequence', () => {
    const longest = Math.max(...read('x'.repeat(100_000)).lines.map((line) => line.length));
    expect(longest).to.equal(8192);
    expect(read(`\x1b]0;${'t'.repeat(10_000)}\nnext\n`).lines.at(-1)).to.equal('next');
    expect(read(`\x1b[${'1;'.repeat(1000)}\nnext\n`).lines.at(-1)).to.equal('next');
    expect(read('\x1b[999999999C\x1b[999999999;999999999H\x1b[99999999Ltext').rows.join('')).to.contain('t');
  });

  it('gives the same lines and screen however the bytes are cut', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'DI| ',
        'D',
        'DI',
        '\r\n',
        '\n',
        '\r',
        '\b',
        '\t',
        '\x1b[2J',
        '\x1b[5;7H',
        '\x1b[1;31m',
        '\x1b(0',
        '\x1b(B',
      ),
      fc.constantFrom(
        '\x1b[K',
        '\x1b[3D',
        '\x1b[A',
        '\x1bM',
        '\x1b]0;t\x07',
        '\x1b',
        '\x1b[',
        '木',
        '🐧',
        'lqk',
        'some text',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(300), { maxLength: 12 }), (pieces, positions) => {
        const bytes = new TextEncoder().encode(pieces.join(''));
        const cuts = positions.map((position) => Math.min(position, bytes.length));
        const { lines, kinds, rows, partial } = read(bytes, cuts);
        expect({ lines, kinds, rows, partial }).to.deep.equal(read(bytes));
      }),
      { numRuns: 150 },
    );
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => void read(bytes)),
      { numRuns: 100 },
    );
  });
});
