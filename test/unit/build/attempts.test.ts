import { expect } from 'chai';
import { enlarge, tellAttempts, wordResource } from '../../../src/build/attempts.js';
import { Iso2RootfsError } from '../../../src/errors.js';

const GIB = 1024 ** 3;
const sizes = { memoryMiB: 2048, diskSizeBytes: 4 * GIB };
const host = { memoryBytes: 64 * GIB };

function lacking(resource: 'memory' | 'disk' | null, data: Readonly<Record<string, unknown>> = {}): Iso2RootfsError {
  return new Iso2RootfsError('BUILD_FAILED', 'it failed', {
    hint: 'Give more.',
    data: { retryWith: resource, ...data },
  });
}

describe('enlarge', () => {
  it('doubles what was lacking and nothing else', () => {
    expect(enlarge(sizes, lacking('memory'), host)).to.deep.equal({ ...sizes, memoryMiB: 4096 });
    expect(enlarge(sizes, lacking('disk'), host)).to.deep.equal({ ...sizes, diskSizeBytes: 8 * GIB });
  });

  it('gives nothing where nothing was lacking', () => {
    expect(enlarge(sizes, lacking(null), host)).to.equal(undefined);
    expect(enlarge(sizes, new Error('x'), host)).to.equal(undefined);
    expect(enlarge(sizes, new Iso2RootfsError('NO_SPACE', 'the host is full'), host)).to.equal(undefined);
  });

  it('gives at least what the installer says that it lacks', () => {
    const said: readonly (readonly [string, number])[] = [
      ['An additional 9.5 GiB is needed.', 9.5],
      ['needs 6144MB more space on the / filesystem', 6],
      ['At least 8 GiB more space needed on the following filesystems: /', 8],
    ];
    for (const [line, gib] of said) {
      const larger = enlarge(sizes, lacking('disk', { line }), host);
      expect(larger?.diskSizeBytes, line).to.be.at.least((4 + gib) * GIB);
      expect(larger?.diskSizeBytes, line).to.be.below((4 + gib * 1.3) * GIB);
    }
    const onConsole = lacking('disk', { line: 'no space', console: ['x', 'An additional 9.5 GiB is needed.'] });
    expect(enlarge(sizes, onConsole, host)?.diskSizeBytes).to.be.above(13 * GIB);
    // Nothing that can be meant.
    const absurd = lacking('disk', { line: 'An additional 99999999 GiB is needed.' });
    expect(enlarge(sizes, absurd, host)?.diskSizeBytes).to.equal(8 * GIB);
  });

  it('does not give a guest more memory than the host has', () => {
    expect(enlarge(sizes, lacking('memory'), { memoryBytes: 3.5 * GIB })?.memoryMiB).to.equal(3225);
    expect(enlarge(sizes, lacking('memory'), { memoryBytes: 2 * GIB })).to.equal(undefined);
  });
});

describe('tellAttempts', () => {
  const first = { ...sizes, failure: { outcome: 'no-space', message: 'x' } };

  it('says what has been tried, so that the same is not tried again', () => {
    const twice = tellAttempts(lacking('disk'), [first, { ...first, diskSizeBytes: 8 * GIB }], true);
    expect((twice as Iso2RootfsError).hint).to.equal('Give more. It had a disk of 4.0 GiB, then a disk of 8.0 GiB.');
    expect((twice as Iso2RootfsError).data?.['attempts']).to.have.length(2);
    const once = tellAttempts(lacking('memory'), [first], false);
    expect((once as Iso2RootfsError).hint).to.equal(
      'Give more. It had 2048 MiB of memory; without --no-retry it is tried once more with more by itself.',
    );
  });

  it('leaves other failures their advice', () => {
    const error = lacking(null);
    expect((tellAttempts(error, [first], true) as Iso2RootfsError).hint).to.equal('Give more.');
    const foreign = new Error('x');
    expect(tellAttempts(foreign, [first], true)).to.equal(foreign);
  });
});

describe('wordResource', () => {
  it('has units', () => {
    expect(wordResource('disk', { ...sizes, diskSizeBytes: 3_145_728_000 })).to.equal('a disk of 2.9 GiB');
    expect(wordResource('memory', sizes)).to.equal('2048 MiB of memory');
  });
});
