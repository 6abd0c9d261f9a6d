import { expect } from 'chai';
import { bootArguments } from '../../../src/install/run-installation.js';

describe('bootArguments', () => {
  const kernelArguments = ['console=ttyS0'];
  const isDebugging = false;

  it('keep an emulated x86 machine from a panic over its timer', () => {
    expect(bootArguments({ kernelArguments, isDebugging, accelerator: 'tcg', arch: 'x86_64' })).to.deep.equal([
      'console=ttyS0',
      'no_timer_check',
    ]);
  });

  it('are those of the answer file on any other machine', () => {
    expect(bootArguments({ kernelArguments, isDebugging, accelerator: 'kvm', arch: 'x86_64' })).to.deep.equal(
      kernelArguments,
    );
    expect(bootArguments({ kernelArguments, isDebugging, accelerator: 'tcg', arch: 'aarch64' })).to.deep.equal(
      kernelArguments,
    );
  });

  it('let Anaconda stay at its error for whoever debugs', () => {
    const asked = { kernelArguments: ['inst.text', 'inst.cmdline'], accelerator: 'kvm', arch: 'aarch64' } as const;
    expect(bootArguments({ ...asked, isDebugging: true })).to.deep.equal(['inst.text']);
    expect(bootArguments({ ...asked, isDebugging: false })).to.deep.equal(['inst.text', 'inst.cmdline']);
  });
});
