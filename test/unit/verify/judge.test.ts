import { expect } from 'chai';
import type { BootOutcome } from '../../../src/verify/boot.js';
import { judge, type Expectation } from '../../../src/verify/judge.js';
import { problem } from '../../../src/verify/problems.js';
import { parseReport, type Report } from '../../../src/verify/report.js';

const EXPECTED: Expectation = {
  kernelVersion: '6.1.0',
  root: { matches: /^tmpfs$/, description: 'a tmpfs' },
  needsCapabilities: true,
};

const GOOD: Report = {
  ...parseReport(''),
  isComplete: true,
  kernel: '6.1.0',
  root: 'tmpfs',
  state: 'running',
  defaultTarget: 'multi-user.target',
  isDefaultTargetActive: true,
  addresses: ['eth0 10.0.2.15/24'],
  capabilities: [{ path: 'usr/bin/ping', state: 'present' }],
};

function outcome(report: Partial<Report>, rest: Partial<BootOutcome> = {}): BootOutcome {
  return {
    report: { ...GOOD, ...report },
    problems: [],
    consoleTail: ['the last line'],
    end: 'reported',
    elapsedMs: 20_000,
    shutdownMs: 3000,
    ...rest,
  };
}

function names(booted: BootOutcome, expected = EXPECTED): string[] {
  return judge(booted, expected).map(({ name }) => name);
}

describe('judge', () => {
  it('has nothing to say of a good boot', () => {
    expect(judge(outcome({}), EXPECTED)).to.deep.equal([]);
  });

  it('names each thing that is not as it should be', () => {
    expect(names(outcome({ kernel: '6.1.1' }))).to.deep.equal(['wrong-kernel']);
    expect(names(outcome({ root: 'ramfs' }))).to.deep.equal(['wrong-root']);
    expect(names(outcome({ addresses: [] }))).to.deep.equal(['no-address']);
    expect(names(outcome({ capabilities: [{ path: 'usr/bin/ping', state: 'absent' }] }))).to.deep.equal([
      'capability-lost',
    ]);
    expect(names(outcome({ orderingCycles: ['a.service deleted'] }))).to.deep.equal(['ordering-cycle']);
    expect(names(outcome({ isDefaultTargetActive: false }))).to.deep.equal(['target-not-reached']);
    expect(names(outcome({}, { shutdownMs: undefined }))).to.deep.equal(['shutdown-hangs']);
  });

  it('reports failed units, which do not make an image a bad one', () => {
    const problems = judge(outcome({ state: 'degraded', failedUnits: ['a.service', 'b.mount'] }), EXPECTED);
    expect(problems.map(({ name, isFatal }) => ({ name, isFatal }))).to.deep.equal([
      { name: 'units-failed', isFatal: false },
    ]);
    expect(problems[0]?.message).to.include('a.service, b.mount');
  });

  it('does not ask NFS for capabilities', () => {
    const lost = outcome({ capabilities: [{ path: 'usr/bin/ping', state: 'absent' }] });
    expect(names(lost, { ...EXPECTED, needsCapabilities: false })).to.deep.equal([]);
  });

  it('says of a system in emergency mode which units failed, and not also what never came to be', () => {
    const problems = judge(
      outcome({
        state: 'maintenance',
        mode: 'emergency',
        isDefaultTargetActive: false,
        failedUnits: ['data.mount'],
        addresses: [],
        capabilities: [],
      }),
      EXPECTED,
    );
    expect(problems.map(({ name }) => name)).to.deep.equal(['emergency-mode']);
    expect(problems[0]?.message).to.include('data.mount');
  });

  it('does not take rescue mode for a system that is up, though its default target is reached', () => {
    const rescue = outcome({ state: 'maintenance', mode: 'rescue', addresses: [] }, { shutdownMs: undefined });
    expect(names(rescue)).to.deep.equal(['rescue-mode']);
  });

  it('says what a shutdown waited for', () => {
    const waiting = outcome({}, { shutdownMs: undefined, consoleTail: ['A stop job is running for a.service'] });
    expect(judge(waiting, EXPECTED)[0]?.message).to.include('a.service');
  });

  it('puts the cause before its consequences', () => {
    const stuck = outcome(parseReport(''), {
      end: 'stuck',
      problems: [problem('kernel-panic', 'no init'), problem('initramfs-too-large', 'write error')],
    });
    expect(names(stuck)).to.deep.equal(['initramfs-too-large', 'kernel-panic']);
  });

  it('says what the system waited for when its time was over', () => {
    const waiting = outcome({ ...parseReport(''), jobs: ['77 slow.service start running'] }, { end: 'timed-out' });
    expect(judge(waiting, EXPECTED)[0]?.message).to.include('slow.service');
    const silent = outcome(parseReport(''), { end: 'timed-out' });
    expect(judge(silent, EXPECTED)[0]?.message).to.include('the last line');
  });
});
