import { expect } from 'chai';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  applianceEnvironment,
  checkApplianceCanStart,
  launchAppliance,
  requireAppliance,
} from '../../../src/tools/appliance.js';
import { FakePrograms, failureOf } from './fake-programs.js';

let fakes: FakePrograms;
let bootDirectory: string;
let modulesDirectory: string;

const check = (environment: Record<string, string> = {}): ReturnType<typeof checkApplianceCanStart> =>
  checkApplianceCanStart({ environment: { PATH: fakes.path, ...environment }, bootDirectory, modulesDirectory });

async function addKernel(version: string, options: { mode?: number; modules?: boolean } = {}): Promise<void> {
  const file = path.join(bootDirectory, `vmlinuz-${version}`);
  await writeFile(file, '');
  await chmod(file, options.mode ?? 0o644);
  if (options.modules === false) return;
  await mkdir(path.join(modulesDirectory, version), { recursive: true });
  await writeFile(path.join(modulesDirectory, version, 'modules.dep'), '');
}

describe('tools/appliance', () => {
  beforeEach(async () => {
    fakes = await FakePrograms.create();
    bootDirectory = path.join(fakes.directory, 'boot');
    modulesDirectory = path.join(fakes.directory, 'modules');
    await mkdir(bootDirectory);
    await mkdir(modulesDirectory);
    await fakes.add('supermin', 'exit 0');
  });
  afterEach(() => fakes.remove());

  it('sets what the accelerator needs', () => {
    expect(applianceEnvironment('tcg')).to.deep.equal({
      LIBGUESTFS_BACKEND: 'direct',
      LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg',
    });
    expect(applianceEnvironment('kvm', '/t')).to.deep.equal({
      LIBGUESTFS_BACKEND: 'direct',
      LIBGUESTFS_BACKEND_SETTINGS: '',
      TMPDIR: '/t',
      // The appliance is not built anew in there.
      LIBGUESTFS_CACHEDIR: process.env['LIBGUESTFS_CACHEDIR'] ?? process.env['TMPDIR'] ?? '/var/tmp',
    });
  });

  it('takes the newest kernel that has modules', async () => {
    await addKernel('6.1.0-9-amd64');
    await addKernel('6.1.0-56-amd64');
    await addKernel('6.12.1', { modules: false });
    expect(await check()).to.deep.equal({ ok: true, found: 'kernel 6.1.0-56-amd64' });
  });

  it('finds a kernel beside its modules, where Fedora has it', async () => {
    await mkdir(path.join(modulesDirectory, '6.11.4-301.fc41.x86_64'));
    await writeFile(path.join(modulesDirectory, '6.11.4-301.fc41.x86_64', 'vmlinuz'), '');
    await writeFile(path.join(modulesDirectory, '6.11.4-301.fc41.x86_64', 'modules.dep'), '');
    expect(await check()).to.deep.equal({ ok: true, found: 'kernel 6.11.4-301.fc41.x86_64' });
  });

  it('misses a kernel, as in a container', async () => {
    const result = await check();
    expect(result).to.include({
      ok: false,
      problem: `there is no kernel in ${bootDirectory} that the appliance could be built from`,
    });
    const error = await failureOf(Promise.resolve().then(() => requireAppliance(result)));
    expect(error.code).to.equal('APPLIANCE_UNAVAILABLE');
    expect(error.exitStatus).to.equal(69);
    expect(error.hint).to.contain('bin/setup-host');
  });

  it('misses the modules of the kernel', async () => {
    await addKernel('6.1.0-56-amd64', { modules: false });
    const result = await check();
    expect(result.ok).to.equal(false);
    expect(!result.ok && result.problem).to.contain(`has no modules in ${modulesDirectory}/6.1.0-56-amd64`);
  });

  it('sees that the kernel is for root alone, as on Ubuntu', async function () {
    await addKernel('6.8.0-45-generic', { mode: 0o600 });
    // Root may read everything; a kernel that is a dangling link is unreadable for root too.
    if (process.getuid?.() === 0) this.skip();
    const result = await check();
    expect(!result.ok && result.problem).to.contain('cannot be read by this user');
    expect(!result.ok && result.remedy).to.contain('chmod 0644');
  });

  it('misses supermin', async () => {
    await addKernel('6.1.0-56-amd64');
    const result = await checkApplianceCanStart({
      environment: { PATH: path.join(fakes.directory, 'empty') },
      bootDirectory,
      modulesDirectory,
    });
    // /usr/sbin is looked into as well, where supermin is on no distribution.
    expect(!result.ok && result.problem).to.contain('supermin is not installed');
  });

  it('follows SUPERMIN_KERNEL', async () => {
    const kernel = path.join(fakes.directory, 'my-kernel');
    await writeFile(kernel, '');
    expect(await check({ SUPERMIN_KERNEL: kernel })).to.deep.equal({
      ok: true,
      found: `kernel ${kernel} (SUPERMIN_KERNEL)`,
    });
    const result = await check({ SUPERMIN_KERNEL: '/nonexistent' });
    expect(!result.ok && result.problem).to.contain('SUPERMIN_KERNEL names /nonexistent');
  });

  it('takes a ready-made appliance', async () => {
    const fixed = path.join(fakes.directory, 'fixed');
    await mkdir(fixed);
    for (const name of ['kernel', 'initrd', 'root', 'README.fixed']) await writeFile(path.join(fixed, name), '');
    expect(await check({ LIBGUESTFS_PATH: `/nonexistent:${fixed}` })).to.deep.equal({
      ok: true,
      found: `ready-made appliance in ${fixed}`,
    });
  });

  it('repeats what libguestfs complains of, without its advice', async () => {
    await fakes.add(
      'guestfish',
      `cat >&2 <<'TEXT'
libguestfs: error: /usr/bin/qemu-system-x86_64 killed by signal 6 (Aborted).
To see full error messages you may need to enable debugging.
libguestfs: error: guestfs_launch failed.
This usually means the libguestfs appliance failed to start or crashed.
TEXT
exit 1`,
    );
    await fakes.link('cat');
    const result = await launchAppliance('tcg', { environment: { PATH: fakes.path } });
    expect(!result.ok && result.problem).to.equal(
      '/usr/bin/qemu-system-x86_64 killed by signal 6 (Aborted). guestfs_launch failed.',
    );
    expect(!result.ok && result.remedy)
      .to.contain('libguestfs-test-tool')
      .and.to.contain('force_tcg');
  });
});
