import { expect } from 'chai';
import { bootArguments } from '../../../src/install/run-installation.js';

describe('bootArguments', () => {
  const kernelArguments = ['console=ttyS0'];

  it('keep an emulated x86 machine from a panic over its timer', () => {
    expect(bootArguments({ kernelArguments, accelerator: 'tcg', arch: 'x86_64' })).to.deep.equal([
      'console=ttyS0',
      'no_timer_check',
    ]);
  });

  it('are those of the answer file on any other machine', () => {
    expect(bootArguments({ kernelArguments, accelerator: 'kvm', arch: 'x86_64' })).to.deep.equal(kernelArguments);
    expect(bootArguments({ kernelArguments, accelerator: 'tcg', arch: 'aarch64' })).to.deep.equal(kernelArguments);
  });
});
