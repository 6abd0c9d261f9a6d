import { expect } from 'chai';
import { isBackgroundLine, isReadable, messageOf, signatureOf } from '../../../src/install/text.js';

describe('messageOf', () => {
  const LINES: readonly (readonly [string, string])[] = [
    ['[   34.520680] anaconda[2628]: Non interactive installation failed: x', 'Non interactive installation failed: x'],
    ['03:16:48,884 WARNING org.fedoraproject.Anaconda.Modules.Storage:Traceback (most', 'Traceback (most'],
    [
      '15:06:13,751 WARNING org.x.Storage:pyanaconda.StorageConfigurationError: No',
      'pyanaconda.StorageConfigurationError: No',
    ],
    ['18:10:59,811 ERR anaconda:packaging: base repo (url) not valid', 'base repo (url) not valid'],
    ['2022-08-11 09:09:47,358 ERROR root:39 finish: subiquity/Install: FAIL', 'subiquity/Install: FAIL'],
    [
      "Nov 25 11:15:01 main-menu[3381]: WARNING **: Menu item 'pkgsel' failed.",
      "WARNING **: Menu item 'pkgsel' failed.",
    ],
    ['[  321.5] text', '[  321.5] text'],
    ['plain: text', 'plain: text'],
  ];
  for (const [line, message] of LINES) it(line, () => expect(messageOf(line)).to.equal(message));
});

describe('signatureOf', () => {
  it('is the same when only clocks, dots and spinners differ', () => {
    const bar = (time: string): string => `[ (1*installer)  2 shell ][ Nov 21 ${time} ]`;
    expect(signatureOf(bar(' 2:21'))).to.equal(signatureOf(bar('12:22')));
    expect(signatureOf('Starting automated install...')).to.equal(signatureOf('Starting automated install.......'));
    expect(signatureOf('[   1.000000] hello')).to.equal(signatureOf('[   2.000000] hello'));
    expect(signatureOf('...|-\\/')).to.equal('');
  });

  it('differs when numbers of progress differ', () => {
    expect(signatureOf('Downloading 367 RPMs (4%)')).to.not.equal(signatureOf('Downloading 367 RPMs (10%)'));
  });
});

describe('lines of a console', () => {
  it('are background when kernel, systemd or the terminal bar write them', () => {
    expect(isBackgroundLine('[   77.123456] random: crng init done')).to.equal(true);
    expect(isBackgroundLine('[  OK  ] Reached target Basic System.')).to.equal(true);
    expect(isBackgroundLine('[anaconda]1:main* 2:shell >Switch tab: Alt+Tab | Help: F1')).to.equal(true);
    expect(isBackgroundLine('[x] Language settings')).to.equal(false);
  });

  it('are readable when there are words and no frames', () => {
    expect(isReadable('Installing glibc')).to.equal(true);
    expect(isReadable('│ Installing glibc │')).to.equal(false);
    expect(isReadable('44%')).to.equal(false);
  });
});
