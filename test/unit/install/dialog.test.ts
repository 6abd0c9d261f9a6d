import { expect } from 'chai';
import { findDialog } from '../../../src/install/dialog.js';

describe('findDialog', () => {
  it('reads title, priority, text and buttons of a newt dialog over another box', () => {
    const dialog = findDialog([
      '',
      '      ┌────────────────┤ [!!] Install the base system ├─────────────────┐',
      '      │                                                                 │',
      '  ┌───│                        Debootstrap Error                        │ ──┐',
      '  │ Ch│ The following error occurred:                                   │   │',
      '  └───│                                                                 │ ──┘',
      '      │     <Go Back>                                    <Continue>     │',
      '      └─────────────────────────────────────────────────────────────────┘',
    ]);
    expect(dialog).to.deep.equal({
      title: 'Install the base system',
      mark: '!!',
      text: 'Debootstrap Error The following error occurred:',
      buttons: ['Go Back', 'Continue'],
      isQuestion: true,
    });
  });

  it('tells a progress box from a question', () => {
    const dialog = findDialog([
      '┌──────────┤ Installing the base system ├──────────┐',
      '│                       44%                        │',
      '│ Retrieving libc6...                              │',
      '└──────────────────────────────────────────────────┘',
    ]);
    expect(dialog?.isQuestion).to.equal(false);
    expect(dialog?.text).to.contain('44%');
  });

  it('takes no progress box for a question because it can be cancelled', () => {
    const boxOf = (title: string, ...lines: readonly string[]): boolean | undefined =>
      findDialog([
        `${`┌──┤ ${title} ├`.padEnd(39, '─')}┐`,
        ...lines.map((line) => `${`│ ${line}`.padEnd(39)}│`),
        `└${'─'.repeat(38)}┘`,
      ])?.isQuestion;
    expect(boxOf('Configuring apt', '     11%', 'Scanning the media...', '  <Cancel>')).to.equal(false);
    expect(boxOf('[!] Configure apt', '     11%', '  <Cancel>')).to.equal(true);
    expect(boxOf('Disk', 'The disk is 100% full', '  <Cancel>')).to.equal(true);
    expect(boxOf('Download', '     11%', '  <Retry>   <Cancel>')).to.equal(true);
  });

  it('reads frames of ASCII and frames without a title', () => {
    const dialog = findDialog([
      '  +------------| Error |-------------+',
      '  | No repository found.             |',
      '  |             [ OK ]               |',
      '  +----------------------------------+',
    ]);
    expect(dialog).to.include({ title: 'Error', text: 'No repository found.', isQuestion: true });
    expect(dialog?.buttons).to.deep.equal(['OK']);
    expect(
      findDialog(['┌──────────────┐', '│ Reboot now?  │', '│    <Yes>     │', '└──────────────┘'])?.title,
    ).to.equal('');
  });

  it('reads a screen without frames that has buttons', () => {
    const dialog = findDialog([
      '  Serial                                                          [ Help ]',
      '  As the installer is running on a serial console, it has started in basic mode.',
      '                       [ Continue in rich mode  > ]',
      '                       [ Continue in basic mode > ]',
    ]);
    expect(dialog).to.include({ title: 'Serial', isQuestion: true });
  });

  it('finds none in tables, menus and rules', () => {
    expect(findDialog(['+---+---+', '| a | b |', '+---+---+'])).to.equal(undefined);
    expect(findDialog(['================', 'Installation', '1) [x] Language settings'])).to.equal(undefined);
    expect(findDialog([])).to.equal(undefined);
  });
});
