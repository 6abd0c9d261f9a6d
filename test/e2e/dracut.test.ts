/**
 * A system whose initrd is dracut's, as on openEuler, Fedora and EL: the kickstart's %post adds the network and NFS to it while the system is
 * installed, and its tree boots over NFS.
 */
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { iso2rootfs, readFailure } from '../contract/cli/program.js';
import { manifestSchema, type Manifest } from '../../src/build/manifest.js';
import { WITHOUT_APPLIANCE } from './conversion.js';
import { makeMedium } from './medium.js';

interface Boot {
  readonly name: string;
  readonly passed: boolean;
  readonly shutdownMs?: number;
  readonly problems: readonly { readonly name: string; readonly message: string }[];
  readonly report: { readonly root: string; readonly addresses: readonly string[] };
}

describe("a system with dracut's initrd", function () {
  this.timeout(40 * 60_000);
  let directory = '';
  let output = '';
  let env: Readonly<Record<string, string>> = {};
  let manifest: Manifest;

  before(async () => {
    directory = await mkdtemp('/var/tmp/e2e-dracut-');
    env = { ISO2ROOTFS_CACHE_DIR: path.join(directory, 'cache') };
    output = path.join(directory, 'out');
    const medium = await makeMedium(path.join(directory, 'medium.iso'), 'none', 'anaconda', 'dracut');
    const args = ['-f', medium, '-o', output, '--outputs', 'nfsroot,kernel', ...WITHOUT_APPLIANCE];
    const ended = await iso2rootfs(args, { env });
    expect(ended.status, ended.stderr).to.equal(0);
    manifest = manifestSchema.parse(JSON.parse(await readFile(path.join(output, 'manifest.json'), 'utf8')));
  });

  after(async () => rm(directory, { recursive: true, force: true }));

  it('is seen as what it is, with what dracut wants to be told', async () => {
    const { initrd, kernelArguments } = manifest.netboot ?? {};
    expect(initrd, initrd?.reasons.join(' ')).to.deep.include({
      maker: 'dracut',
      canMountNfs: true,
      nfsVersions: ['3', '4'],
      hasOverlay: true,
      hasSquashfs: true,
    });
    expect(initrd?.networkDrivers).to.include('virtio_net');
    const root = ['root=nfs4:SERVER:PATH', 'ip=dhcp', 'rd.neednet=1'];
    expect(kernelArguments?.nfsroot).to.deep.equal({ readWrite: [...root, 'rw'], readOnly: [...root, 'ro'] });
    const boot = await readdir(path.join(output, 'nfsroot/boot'));
    expect(boot).to.include(`initramfs-${manifest.kernel.version}.img`);
    expect(boot.filter((name) => name.startsWith('initrd'))).to.deep.equal([]);
  });

  it('boots over NFS both ways, and powers off', async () => {
    const ended = await iso2rootfs(['verify', output, '--outputs', 'nfsroot', '--json'], { env });
    expect(ended.status, ended.stdout + ended.stderr).to.equal(0);
    const { boots } = JSON.parse(ended.stdout) as { boots: readonly Boot[] };
    expect(boots.map(({ name, passed, report }) => [name, passed, report.root])).to.deep.equal([
      ['nfsroot-read-only', true, 'overlayfs'],
      ['nfsroot-read-write', true, 'nfs'],
    ]);
    for (const { report, problems, shutdownMs } of boots) {
      expect(report.addresses.join()).to.include('10.0.2.15');
      expect(problems).to.deep.equal([]);
      expect(shutdownMs).to.be.a('number');
    }
  });

  it('is named when its root cannot be mounted', async () => {
    const spoilt = path.join(directory, 'spoilt');
    await mkdir(spoilt);
    for (const name of ['vmlinuz', 'initrd.img', 'nfsroot']) {
      await symlink(path.join(output, name), path.join(spoilt, name));
    }
    const { netboot, ...rest } = manifest;
    const elsewhere = ['root=nfs4:SERVER:PATH/nowhere', 'ip=dhcp', 'rd.neednet=1', 'rd.retry=6'];
    const kernelArguments = { initramfs: [], nfsroot: { readOnly: elsewhere, readWrite: elsewhere } };
    const changed = { ...rest, netboot: { ...netboot, kernelArguments } };
    await writeFile(path.join(spoilt, 'manifest.json'), JSON.stringify(changed));
    const ended = await iso2rootfs(['verify', spoilt, '--outputs', 'nfsroot'], { env });
    expect(ended.status, ended.stderr).to.equal(1);
    expect(readFailure(ended)).to.include({ code: 'VERIFY_FAILED' });
    const names = [...ended.stdout.matchAll(/^ {8}([a-z-]+): /gm)].map((match) => match[1]);
    expect(names, ended.stdout).to.deep.equal(['dracut-refused', 'dracut-refused']);
  });
});
