import { expect } from 'chai';
import { InterruptionCounter } from '../../../src/cli/interruption-counter.js';

describe('InterruptionCounter', () => {
  it('cleans up, says so, then leaves', () => {
    const counter = new InterruptionCounter();
    expect(counter.count('SIGINT', 0)).to.equal('clean-up');
    expect(counter.count('SIGINT', 1000)).to.equal('say-that-it-runs');
    expect(counter.count('SIGINT', 2000)).to.equal('leave');
  });

  it('takes what npm and the terminal deliver at once for one key press', () => {
    const counter = new InterruptionCounter();
    expect(counter.count('SIGINT', 0)).to.equal('clean-up');
    expect(counter.count('SIGINT', 5)).to.equal('nothing');
    expect(counter.count('SIGINT', 1000)).to.equal('say-that-it-runs');
    expect(counter.count('SIGINT', 1005)).to.equal('nothing');
  });

  it('never cuts the clean-up short for SIGTERM or SIGHUP', () => {
    const counter = new InterruptionCounter();
    expect(counter.count('SIGTERM', 0)).to.equal('clean-up');
    for (let second = 1; second < 5; second++) expect(counter.count('SIGTERM', second * 1000)).to.equal('nothing');
    expect(counter.count('SIGHUP', 6000)).to.equal('nothing');
  });
});
