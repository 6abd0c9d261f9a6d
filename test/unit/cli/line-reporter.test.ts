import { expect } from 'chai';
import { LineReporter } from '../../../src/cli/line-reporter.js';
import type { BuildEvent } from '../../../src/events.js';

function report(events: readonly BuildEvent[], showsConsole = false): string {
  let text = '';
  const reporter = new LineReporter({ write: (part) => (text += part) }, { showsConsole });
  for (const event of events) reporter.emit(event);
  reporter.close();
  return text;
}

describe('LineReporter', () => {
  it('writes one line for each stage, and one for each phase of the installer', () => {
    expect(
      report([
        { type: 'stage-start', stage: 'fetch' },
        { type: 'progress', stage: 'fetch', unit: 'bytes', done: 1, total: 2 },
        { type: 'stage-done', stage: 'fetch', elapsedMs: 2100 },
        { type: 'stage-start', stage: 'install' },
        { type: 'phase', stage: 'install', phase: 'partitioning' },
        { type: 'phase', stage: 'install', phase: 'partitioning' },
        { type: 'phase', stage: 'install', phase: 'packages' },
        { type: 'stage-done', stage: 'install', elapsedMs: 185_000 },
        { type: 'stage-skipped', stage: 'sparsify', reason: 'in the cache' },
        { type: 'notice', message: 'Software emulation.' },
        { type: 'warning', message: 'No checksum.' },
      ]),
    ).to.equal(
      [
        'fetch: done in 2.1 s',
        'install: partitioning',
        'install: packages',
        'install: done in 3 min 05 s',
        'sparsify: skipped (in the cache)',
        'Software emulation.',
        'Warning: No checksum.',
        '',
      ].join('\n'),
    );
  });

  it('shows the console only when asked to, and nothing in it that steers a terminal', () => {
    const line: BuildEvent = { type: 'console-line', line: '\u001b]0;owned\u0007\u001b[2Jlogin:\r' };
    expect(report([line])).to.equal('');
    expect(report([line], true)).to.equal('| login:\n');
    expect(report([{ type: 'phase', stage: 'install', phase: 'a\u001b[31m\nb' }])).to.equal('install: a b\n');
    expect(report([{ type: 'notice', message: 'from \u001b[5mserver' }])).to.equal('from server\n');
  });
});
