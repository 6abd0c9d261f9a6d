import { expect } from 'chai';
import { RateMeter } from '../../../src/cli/rate-meter.js';
import { describeStage, type RunningStage } from '../../../src/cli/status-line.js';

const MIB = 2 ** 20;

function stage(about: Partial<RunningStage> = {}): RunningStage {
  return { startedMs: 0, phase: '', progress: undefined, meter: new RateMeter(), ...about };
}

describe('RateMeter', () => {
  it('knows nothing before it has measured for a while', () => {
    const meter = new RateMeter();
    expect(meter.rate(0)).to.equal(undefined);
    meter.add(0, 0);
    meter.add(MIB, 100);
    expect(meter.rate(100)).to.equal(undefined);
  });

  it('follows the last seconds', () => {
    const meter = new RateMeter();
    for (let second = 0; second <= 20; second++) meter.add(second * MIB, second * 1000);
    expect(meter.rate(20_000)).to.equal(MIB);
    for (let second = 1; second <= 10; second++) meter.add(20 * MIB + second * 10 * MIB, 20_000 + second * 1000);
    expect(meter.rate(30_000)).to.equal(10 * MIB);
  });

  it('falls while nothing comes', () => {
    const meter = new RateMeter();
    meter.add(0, 0);
    meter.add(10 * MIB, 1000);
    expect(meter.rate(1000)).to.equal(10 * MIB);
    expect(meter.rate(10_000)).to.equal(MIB);
  });

  it('begins anew when the counter does', () => {
    const meter = new RateMeter();
    meter.add(100 * MIB, 0);
    meter.add(0, 1000);
    meter.add(MIB, 2000);
    expect(meter.rate(2000)).to.equal(MIB);
  });
});

describe('describeStage', () => {
  const meter = new RateMeter();
  meter.add(0, 0);
  meter.add(100 * MIB, 10_000);
  const progress = { type: 'progress', stage: 'fetch', unit: 'bytes', done: 100 * MIB, total: 400 * MIB } as const;

  it('shows bytes, rate and time left', () => {
    expect(describeStage(new Map([['fetch', stage({ progress, meter })]]), 120, 10_000)).to.equal(
      'fetch [=====               ]: 10 s, 100.0 MiB of 400.0 MiB, 10.0 MiB/s, 30 s left',
    );
  });

  it('shows the phase of the installer and what it counts', () => {
    const counted = { type: 'progress', stage: 'install', unit: 'packages', done: 5, total: 200 } as const;
    const running = new Map([['install', stage({ phase: 'installing\u001b[2J packages\n', progress: counted })]]);
    expect(describeStage(running, 120, 65_400)).to.equal(
      'install [=                   ]: 1 min 05 s, installing packages, 5 of 200 packages',
    );
  });

  it('shows percentages and amounts without a total', () => {
    const percent = { type: 'progress', stage: 'install', unit: 'percent', done: 41.7, total: 100 } as const;
    expect(describeStage(new Map([['install', stage({ progress: percent })]]), 60, 1000)).to.equal('install: 1 s, 41%');
    const open = { type: 'progress', stage: 'trees', unit: 'bytes', done: MIB } as const;
    expect(describeStage(new Map([['trees', stage({ progress: open })]]), 120, 1000)).to.equal('trees: 1 s, 1.0 MiB');
  });

  it('names all stages that run, and tells of the one that can say more', () => {
    const running = new Map([
      ['trees', stage({ progress: { ...progress, stage: 'trees', total: undefined } as never })],
      ['kernel', stage()],
    ]);
    expect(describeStage(running, 120, 2000)).to.equal('trees + kernel: 2 s, 100.0 MiB');
  });

  it('fits into any terminal', () => {
    const running = new Map([['fetch', stage({ progress, meter, phase: 'a phase' })]]);
    for (let columns = 0; columns < 130; columns++) {
      expect(describeStage(running, columns, 10_000).length).to.be.at.most(columns);
    }
    expect(describeStage(running, 40, 10_000)).to.equal('fetch: 10 s, a phase, 100.0 MiB of 40...');
  });

  it('is empty when nothing runs', () => {
    expect(describeStage(new Map(), 80)).to.equal('');
  });
});
