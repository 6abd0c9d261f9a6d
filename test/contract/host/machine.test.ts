import { expect } from 'chai';
import { requireHealthy, runDoctor } from '../../../src/build/doctor.js';
import { checkPrograms, requirePrograms, toolVersions } from '../../../src/tools/check-program.js';
import { checkConnection, hypervisorUser } from '../../../src/tools/libvirt.js';
import { FakePrograms, failureOf } from '../../unit/tools/fake-programs.js';

describe('this machine', () => {
  it('has all programs, and each says its version', async () => {
    const checks = await checkPrograms();
    requirePrograms(checks);
    const { rpcbind: _, ...versions } = toolVersions(checks);
    for (const [name, version] of Object.entries(versions)) expect(version, name).to.match(/^\d+(\.\d+)+$/);
  });

  it('is not asked to start rpcbind, which has no option to say its version', async () => {
    const rpcbind = (await checkPrograms()).find(({ name }) => name === 'rpcbind');
    expect(rpcbind).to.include({ ok: true, version: undefined, isOptional: true });
  });

  it("answers through virsh, with libvirt's own test driver", async () => {
    const { libvirtVersion, hypervisor } = await checkConnection('test:///default');
    expect(libvirtVersion).to.match(/^\d+\.\d+\.\d+$/);
    expect(hypervisor).to.match(/^test /i);
    expect(await hypervisorUser('test:///default')).to.equal(undefined);
  });

  it('tells a socket that is not there and a URI that means nothing', async () => {
    const closed = await failureOf(checkConnection('qemu+unix:///system?socket=/nonexistent'));
    expect(closed.code).to.equal('LIBVIRT_UNREACHABLE');
    expect(closed.message).to.contain("Failed to connect socket to '/nonexistent'");
    const bogus = await failureOf(checkConnection('bogus:///x'));
    expect(bogus.message).to.contain('no connection driver available');
    expect(bogus.hint).to.contain('Check the URI');
  });
});

describe('doctor', () => {
  const GiB = 1024 ** 3;

  it('looks at programs, libvirt, KVM, the appliance and space, and finds this machine fit', async () => {
    const report = await runDoctor({
      libvirtUri: 'test:///default',
      accelerator: 'tcg',
      mediaDirectory: '/var/tmp/not-yet',
      places: [{ path: '/var/tmp/not-yet', neededBytes: 1, neededFor: 'keep a byte' }],
    });
    expect(report.checks.filter(({ status }) => status === 'failed')).to.deep.equal([]);
    expect(report.canBuild).to.equal(true);
    expect(report.accelerator).to.equal('tcg');
    const names = report.checks.map(({ name }) => name);
    expect(names).to.include.members(['virt-install', 'tar', 'libvirt', 'media directory', 'KVM', 'appliance']);
    expect(names).to.include('space at /var/tmp/not-yet');
    expect(report.toolVersions['virt-install']).to.match(/^\d+\./);
    for (const check of report.checks) expect(check.found, check.name).to.not.equal('');
    requireHealthy(report);
  });

  it('has a remedy for everything that is wrong, and names all of it in one error', async () => {
    const fakes = await FakePrograms.create();
    try {
      await fakes.add('virt-install', 'echo 2.0.0');
      const report = await runDoctor({
        libvirtUri: 'qemu+unix:///system?socket=/nonexistent',
        accelerator: 'auto',
        arch: 'riscv64',
        toolsPath: fakes.path,
        places: [{ path: '/tmp', neededBytes: 1024 ** 6, neededFor: 'keep the moon' }],
      });
      expect(report.canBuild).to.equal(false);
      expect(report.accelerator).to.equal('tcg');
      const wrong = report.checks.filter(({ status }) => status !== 'ok');
      for (const check of wrong) expect(check.remedy, check.name).to.be.a('string').and.not.equal('');
      const failed = wrong.filter(({ status }) => status === 'failed');
      expect(failed.map(({ name, code }) => [name, code])).to.deep.equal([
        ['virt-install', 'TOOL_TOO_OLD'],
        ['qemu-system-riscv64', 'TOOL_MISSING'],
        ['libvirt', 'LIBVIRT_UNREACHABLE'],
        ['space at /tmp', 'NO_SPACE'],
      ]);
      expect(wrong.find(({ name }) => name === 'KVM')?.status).to.equal('warning');
      const error = await failureOf(Promise.resolve().then(() => requireHealthy(report)));
      expect(error.code).to.equal('TOOL_TOO_OLD');
      expect(error.message)
        .to.contain('2.0.0 is too old')
        .and.to.contain('qemu-system-riscv64')
        .and.to.contain('PiB needed');
    } finally {
      await fakes.remove();
    }
  });

  it('fails for KVM only where KVM is demanded', async () => {
    const fakes = await FakePrograms.create();
    try {
      for (const program of ['qemu-system-x86_64', 'qemu-system-aarch64']) {
        await fakes.add(program, 'case $* in *--version*) echo "version 7.2.22";; *) exit 1;; esac');
      }
      const options = { libvirtUri: 'test:///default', toolsPath: fakes.path };
      const status = async (accelerator: 'auto' | 'kvm'): Promise<string | undefined> =>
        (await runDoctor({ ...options, accelerator })).checks.find(({ name }) => name === 'KVM')?.status;
      expect([await status('auto'), await status('kvm')]).to.deep.equal(['warning', 'failed']);
    } finally {
      await fakes.remove();
    }
  });

  it('reports the space that there is', async () => {
    const { checks } = await runDoctor({
      libvirtUri: 'test:///default',
      accelerator: 'tcg',
      places: [{ path: '/tmp', neededBytes: GiB, neededFor: 'keep disks' }],
    });
    expect(checks.at(-1)?.found).to.match(/^[\d.]+ [KMGT]iB free, 1\.0 GiB needed$/);
  });
});
