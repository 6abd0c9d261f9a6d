/** A disk image among the outputs boots by itself, by its own boot loader and with its own fstab. */
import { link, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { iso2rootfs, readFailure, type Ended } from '../contract/cli/program.js';
import { manifestSchema } from '../../src/build/manifest.js';
import { chooseAccelerator } from '../../src/tools/accelerator.js';
import { applianceEnvironment } from '../../src/tools/appliance.js';
import { run } from '../../src/tools/run.js';
import { WITHOUT_APPLIANCE } from './conversion.js';
import { SpoiltOutputs } from './spoilt-outputs.js';

describe('verify of a disk image', function () {
  this.timeout(40 * 60_000);
  let images: SpoiltOutputs;
  let output: string;

  before(async () => {
    images = await SpoiltOutputs.create();
    output = path.join(images.scratch, 'disk');
  });
  after(async () => images.remove());

  const withCache = async (...args: readonly string[]): Promise<Ended> =>
    iso2rootfs([...args, '--cache-dir', images.conversion.cacheDirectory]);
  const build = async (...more: readonly string[]): Promise<Ended> => {
    const args = ['-f', images.conversion.medium, '-o', output, '--outputs', 'qcow2,kernel'];
    return withCache('build', ...args, ...WITHOUT_APPLIANCE, ...more);
  };
  const fetch = async (name: string, outputs: string): Promise<Ended> =>
    withCache('fetch', '-f', images.conversion.medium, '-o', path.join(images.scratch, name), '--outputs', outputs);
  const sumOf = async (file: string): Promise<string> => (await run('sha256sum', [file])).stdout.slice(0, 64);

  it('is given to nobody once it has failed, and everything else still is', async () => {
    const made = await build();
    expect(made.status, made.stderr).to.equal(0);
    const key = images.conversion.manifest.key.slice(0, 12);
    const { byBoot } = await images.findProblems(key, 'disk', ['--timeout', '1s']);
    expect(byBoot).to.deep.equal({ disk: ['timed-out'] });
    const refused = await fetch('refused', 'qcow2');
    expect(refused.status, refused.stderr).to.equal(1);
    expect(readFailure(refused)).to.include({ code: 'VERIFY_FAILED' });
    const other = await fetch('other', 'tar,kernel');
    expect(other.status, other.stderr).to.equal(0);
  });

  it('passes when a build asks for it, and is not changed by it', async () => {
    const ended = await build('--verify');
    expect(ended.status, ended.stderr).to.equal(0);
    expect(ended.stderr).to.match(/^verify: done in/m);
    await run('sha256sum', ['--strict', '--quiet', '--check', 'SHA256SUMS'], { cwd: output });
    const manifest = manifestSchema.parse(JSON.parse(await readFile(path.join(output, 'manifest.json'), 'utf8')));
    const boot = manifest.verification?.boots.find(({ name }) => name === 'disk');
    expect(boot).to.include({ passed: true, sha256: await sumOf(path.join(output, 'disk.qcow2')) });
    expect(boot?.system).to.include({ kernel: manifest.kernel.version, state: 'running' });
    expect(boot?.system.root).to.match(/^(?:ext|xfs)/);
    expect(boot?.system.addresses.join()).to.match(/10\.0\.2\.15/);
    expect(boot?.system.capabilities).to.deep.include({ path: 'usr/bin/ping', state: 'present' });
    const console = await readFile(path.join(output, boot?.consoleLog ?? ''), 'latin1');
    // Asked for by an fstab that has the root in it, and by nothing else.
    expect(console).to.match(/Finished .*systemd-fsck-root/);
    const given = await fetch('given', 'qcow2');
    expect(given.status, given.stderr).to.equal(0);
  });

  it('fails by name with an fstab that names what is not there', async () => {
    const directory = path.join(images.scratch, 'spoilt');
    await mkdir(directory);
    const image = path.join(directory, 'disk.qcow2');
    for (const name of ['vmlinuz', 'initrd.img']) await link(path.join(output, name), path.join(directory, name));
    await writeFile(path.join(directory, 'manifest.json'), await readFile(path.join(output, 'manifest.json')));
    const backing = ['-b', path.join(output, 'disk.qcow2'), '-F', 'qcow2'];
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, image]);
    const line = 'UUID=00000000-1111-2222-3333-444444444444 /data ext4 x-systemd.device-timeout=3s 0 2\n';
    const change = ['--rw', '--format=qcow2', '-a', image, '-i', 'write-append', '/etc/fstab', line];
    const { accelerator } = await chooseAccelerator('auto');
    await run('guestfish', change, { env: applianceEnvironment(accelerator) });
    const spoilt = await sumOf(image);
    const { byBoot } = await images.findProblems(directory, 'disk');
    expect(byBoot).to.deep.equal({ disk: ['emergency-mode', 'device-missing'] });
    expect(await sumOf(image)).to.equal(spoilt);
  });
});
