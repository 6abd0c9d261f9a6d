import { expect } from 'chai';
import { parseReport } from '../../../src/verify/report.js';

const RUNNING = `
ISO2ROOTFS begin 1\r
ISO2ROOTFS kernel 6.1.0-56-cloud-amd64\r
ISO2ROOTFS root tmpfs\r
ISO2ROOTFS job 76 sshd-keygen.service                  start running\r
ISO2ROOTFS state degraded\r
ISO2ROOTFS default-target graphical.target\r
ISO2ROOTFS default-target-state active\r
ISO2ROOTFS failed-unit broken.service\r
ISO2ROOTFS failed-unit other.mount\r
ISO2ROOTFS address ens2 10.0.2.15/24\r
ISO2ROOTFS capability present usr/bin/ping\r
ISO2ROOTFS capability absent opt/with spaces/in it\r
ISO2ROOTFS capability nonsense\r
ISO2ROOTFS selinux 1\r
ISO2ROOTFS memory memtotal 1198039040\r
ISO2ROOTFS memory memavailable 557690880\r
ISO2ROOTFS end\r
`;

describe('parseReport', () => {
  it('reads what a system says of itself', () => {
    expect(parseReport(RUNNING)).to.deep.equal({
      isComplete: true,
      kernel: '6.1.0-56-cloud-amd64',
      root: 'tmpfs',
      state: 'degraded',
      mode: undefined,
      defaultTarget: 'graphical.target',
      isDefaultTargetActive: true,
      failedUnits: ['broken.service', 'other.mount'],
      jobs: ['76 sshd-keygen.service start running'],
      orderingCycles: [],
      addresses: ['ens2 10.0.2.15/24'],
      capabilities: [
        { path: 'usr/bin/ping', state: 'present' },
        { path: 'opt/with spaces/in it', state: 'absent' },
      ],
      isSelinuxEnforcing: true,
      memory: { totalBytes: 1198039040, availableBytes: 557690880 },
    });
  });

  it('tells rescue from emergency mode, which are one state to systemd', () => {
    const mode = (text: string): unknown => parseReport(text).mode;
    expect(mode('ISO2ROOTFS state maintenance\nISO2ROOTFS mode rescue\n')).to.equal('rescue');
    expect(mode('ISO2ROOTFS state maintenance\nISO2ROOTFS mode emergency\n')).to.equal('emergency');
    expect(mode('ISO2ROOTFS state running\nISO2ROOTFS mode rescue\n')).to.equal(undefined);
  });

  it('is not complete while the end, or the beginning, is missing', () => {
    expect(parseReport(RUNNING.replace('ISO2ROOTFS end', 'ISO2ROOTFS en')).isComplete).to.equal(false);
    expect(parseReport('ISO2ROOTFS end\n').isComplete).to.equal(false);
    expect(parseReport('').isComplete).to.equal(false);
  });

  it('leaves out what is not the probe’s, and does not keep more than a guest needs to say', () => {
    const noise = 'systemd[1]: kernel 1.2.3\n ISO2ROOTFS kernel 9.9\nISO2ROOTFS kernel 6.1\n';
    expect(parseReport(noise).kernel).to.equal('6.1');
    const flood = Array.from({ length: 5000 }, (_, index) => `ISO2ROOTFS address eth${index} 10.0.0.1`).join('\n');
    expect(parseReport(flood).addresses).to.have.length(1000);
    expect(parseReport(`ISO2ROOTFS kernel ${'x'.repeat(10_000)}`).kernel).to.have.length(500);
  });
});
