/** Each way in which an image can fail, provoked in a machine that boots; the others in verify.test.ts and verify-disk.test.ts. */
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { manifestSchema, type Manifest } from '../../src/build/manifest.js';
import { run } from '../../src/tools/run.js';
import {
  archive,
  file,
  service,
  SpoiltOutputs,
  statedArguments,
  statedMemory,
  symbolicLink,
  wantedUnits,
} from './spoilt-outputs.js';

const NO_DISK = 'UUID=00000000-1111-2222-3333-444444444444';

describe('verify names', function () {
  this.timeout(40 * 60_000);
  let images: SpoiltOutputs;

  before(async () => (images = await SpoiltOutputs.create()));
  after(async () => images.remove());

  it('an archive that is cut short', async () => {
    const whole = await open(images.cgz);
    const { buffer } = await whole.read({ buffer: Buffer.alloc(2 * 1024 * 1024) });
    await whole.close();
    const { names, failure } = await images.findProblems(await images.spoilCgz([buffer], statedMemory(512)));
    expect(names).to.deep.equal(['initramfs-damaged', 'kernel-panic']);
    expect(failure.error).to.match(/cgz: /);
  });

  it('an init that ends', async () => {
    const { names, text } = await images.findProblems(await images.spoilInit('exit 3'));
    expect(names).to.deep.equal(['kernel-panic']);
    expect(text).to.include('Attempted to kill init');
  });

  it('an init that switches the machine off', async () => {
    const script = 'mkdir -p /proc; mount -t proc proc /proc; echo o >/proc/sysrq-trigger; sleep 100';
    const { names } = await images.findProblems(await images.spoilInit(script));
    expect(names).to.deep.equal(['ended-early']);
  });

  it('the killer that ran out of memory', async () => {
    const eat = 'x=0123456789abcdef; while :; do x=$x$x; done';
    const { names } = await images.findProblems(await images.spoilInit(eat, 300));
    expect(names[0]).to.equal('out-of-memory');
  });

  it('initramfs-tools that cannot find its root', async () => {
    const directory = await images.spoilCgz([images.initrd], (whole) => ({
      ...statedMemory(512)(whole),
      ...statedArguments(`root=${NO_DISK}`, 'rootdelay=2')(whole),
    }));
    const { names, text } = await images.findProblems(directory);
    expect(names[0]).to.equal('initramfs-tools-refused');
    expect(text).to.include('00000000-1111');
  });

  it('dracut that cannot find its root', async () => {
    const image = path.join(images.scratch, 'dracut.img');
    const { version } = images.conversion.manifest.kernel;
    const modules = ['base', 'udev-rules', 'rootfs-block', 'systemd', 'systemd-initrd', 'dracut-systemd'].join(' ');
    const kernelModules = path.join(images.nfsroot, 'usr/lib/modules', version);
    const make = ['--force', '--no-hostonly', '--no-early-microcode', '--kver', version, '--kmoddir', kernelModules];
    await run('dracut', [...make, '--modules', modules, image], { reason: 'make an initrd that refuses' });
    const directory = await images.spoilCgz([image], (whole) => ({
      ...statedMemory(768)(whole),
      ...statedArguments(`root=${NO_DISK}`, 'rd.retry=4', 'rd.timeout=8')(whole),
    }));
    const { names } = await images.findProblems(directory);
    expect(names[0]).to.equal('dracut-refused');
  });

  it('rescue mode', async () => {
    const target = symbolicLink('etc/systemd/system/default.target', '/usr/lib/systemd/system/rescue.target');
    const { names } = await images.findProblems(await images.spoilCgz([images.cgz, archive([target])]));
    expect(names).to.deep.equal(['rescue-mode']);
  });

  it('a default target that is not reached, and what it waited for', async () => {
    const needs = '[Unit]\nRequires=needed.service\nAfter=needed.service\n';
    const added = archive([
      file('etc/systemd/system/needed.service', service('/bin/false')),
      file('etc/systemd/system/multi-user.target.d/needs.conf', needs),
    ]);
    const { names, text } = await images.findProblems(await images.spoilCgz([images.cgz, added]));
    expect(names).to.deep.equal(['target-not-reached']);
    expect(text).to.match(/target-not-reached: .*needed\.service/);
  });

  it('an ordering cycle, a lost capability, no network, another kernel, another root; and failed units and mounts', async () => {
    const added = archive([
      ...wantedUnits({
        'first.service': service('/bin/true', 'After=second.service'),
        'second.service': service('/bin/true', 'After=first.service'),
        'broken.service': service('/bin/false'),
      }),
      file('etc/fstab', 'tmpfs /srv tmpfs nofail,size=much 0 0\n'),
      symbolicLink('etc/systemd/system/systemd-networkd.service', '/dev/null'),
      symbolicLink('etc/systemd/system/systemd-networkd.socket', '/dev/null'),
    ]);
    const directory = await images.spoilCgz([images.cgz, added], (whole) => ({
      ...statedArguments('rootfstype=ramfs')(whole),
      kernel: { ...whole.kernel, version: '5.10.0-other' },
      initramfs: {
        ...whole.initramfs,
        lostMetadata: [{ path: 'usr/bin/true', xattrs: ['security.capability'], capabilityHex: '00' }],
      } as Manifest['initramfs'],
    }));
    const { names, text, failure } = await images.findProblems(directory);
    expect(names).to.deep.equal([
      'ordering-cycle',
      'mount-failed',
      'wrong-kernel',
      'wrong-root',
      'capability-lost',
      'no-address',
      'units-failed',
    ]);
    expect(text)
      .to.match(/units-failed: .*broken\.service/)
      .and.to.match(/capability-lost: .*usr\/bin\/true/)
      .and.to.match(/mount-failed: .*srv/)
      .and.to.match(/wrong-root: .*ramfs instead of a tmpfs/);
    expect(text).to.match(/wrong-kernel: .*instead of 5\.10\.0-other/);
    expect(failure.error).to.include('ordering cycle');
    const spoilt = manifestSchema.parse(JSON.parse(await readFile(path.join(directory, 'manifest.json'), 'utf8')));
    expect(spoilt.verification?.verdict).to.equal('failed');
    expect((await stat(path.join(directory, 'logs/verify-cgz.log'))).size).to.be.above(1000);
  });

  it('a shutdown that never ends, by the unit that it waits for; and that nobody can ask for capabilities', async () => {
    const isStopped = 'Conflicts=shutdown.target\nBefore=shutdown.target';
    const stays = `${service('/bin/true', isStopped)}RemainAfterExit=yes\nExecStop=/bin/sleep infinity\nTimeoutStopSec=infinity\n`;
    const added = archive([...wantedUnits({ 'stays.service': stays }), file('usr/sbin/getcap', '')]);
    const { names, text } = await images.findProblems(await images.spoilCgz([images.cgz, added]));
    expect(names).to.deep.equal(['shutdown-hangs', 'getcap-missing']);
    expect(text).to.match(/shutdown-hangs: .*stays\.service/);
  });

  it('an initrd without overlay, and a network that goes down under the root', async () => {
    const { version } = images.conversion.manifest.kernel;
    const overlay = file(`usr/lib/modules/${version}/kernel/fs/overlayfs/overlay.ko`, 'no module');
    const directory = await images.spoil(undefined, [images.initrd, archive([overlay])]);
    const nfsroot = await images.copyNfsroot(directory);
    // Not `ip` alone: what it takes must come while the network is there.
    const down = 'for each in /sys/class/net/e*; do ip link set "$${each##*/}" down; done; cat /usr/bin/* >/dev/null';
    for (const { entry, content } of wantedUnits({ 'down.service': service(`/bin/sh -c '${down}'`) })) {
      const place = path.join(nfsroot, entry.path.toString());
      if (entry.type === 'file') await writeFile(place, content);
      else await run('ln', ['-s', entry.linkTarget.toString(), place]);
    }
    const { byBoot, text } = await images.findProblems(directory, 'nfsroot');
    expect(byBoot).to.deep.equal({
      'nfsroot-read-only': ['no-overlay'],
      'nfsroot-read-write': ['root-unreachable'],
    });
    expect(text).to.match(/root-unreachable: .*not responding/);
  });
});
