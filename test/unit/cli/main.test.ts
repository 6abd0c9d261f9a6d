import { expect } from 'chai';
import { withDefaultCommand } from '../../../src/cli/main.js';
import { describeFailure } from '../../../src/cli/show-failure.js';
import { Iso2RootfsError } from '../../../src/errors.js';

describe('withDefaultCommand', () => {
  it('is build when the first argument is a flag', () => {
    expect(withDefaultCommand(['-f', 'x.iso'])).to.deep.equal(['build', '-f', 'x.iso']);
    expect(withDefaultCommand(['--json', '-f', 'x.iso'])).to.deep.equal(['build', '--json', '-f', 'x.iso']);
    expect(withDefaultCommand(['doctor', '-f'])).to.deep.equal(['doctor', '-f']);
    expect(withDefaultCommand([])).to.deep.equal([]);
  });

  it('leaves help and version alone, in their short forms too', () => {
    expect(withDefaultCommand(['-h'])).to.deep.equal(['--help']);
    expect(withDefaultCommand(['--help', 'x'])).to.deep.equal(['--help', 'x']);
    expect(withDefaultCommand(['-v'])).to.deep.equal(['--version']);
  });
});

describe('describeFailure', () => {
  it('has four lines, whatever a message holds', () => {
    const failure = new Iso2RootfsError('BUILD_FAILED', 'the installer said:\n\u001b[31mFATAL\u001b[0m\nno disk', {
      hint: 'Look\nthere.',
      stage: 'install',
      log: '/var/log/x',
    });
    expect(describeFailure(failure)).to.equal(
      'Error: the installer said: FATAL no disk (BUILD_FAILED)\nStage: install\nTry this: Look there.\nLog: /var/log/x\n',
    );
    expect(describeFailure(new Iso2RootfsError('USAGE', 'wrong'))).to.equal(
      'Error: wrong (USAGE)\nStage: before the first stage\nTry this: iso2rootfs --help\nLog: none\n',
    );
  });

  it('puts what the console said last before the four lines, indented and without control characters', () => {
    const console = ['Error: disk\r\nStage: none', '\u001b[31m1) [x]   red', 'tab\there   '];
    const lines = describeFailure(new Iso2RootfsError('BUILD_FAILED', 'wrong', { data: { console } })).split('\n');
    expect(lines.slice(0, 5)).to.deep.equal([
      'Console (the last 3 lines):',
      '  | Error: disk Stage: none',
      '  | 1) [x]   red',
      '  | tab\there',
      'Error: wrong (BUILD_FAILED)',
    ]);
    expect(describeFailure(new Iso2RootfsError('BUILD_FAILED', 'wrong', { data: { console: [] } }))).to.match(
      /^Error: /,
    );
  });
});
