/** What virt-install makes of our arguments: the XML that it would give to libvirt. Nothing is started. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import type { Arch } from '../../../src/media/types.js';
import { findProgram, run } from '../../../src/tools/run.js';
import { virtInstallArguments, type VirtInstallOptions } from '../../../src/tools/virt-install.js';
import { makeIso } from '../../unit/media/make-iso.js';

const URI = 'qemu:///system';
/** What has a meaning in virt-install's options, but for quotes: with those it finds nothing (src/build/workspace.ts). */
const HOSTILE = 'a,b=c \\d,path=e';

describe('virt-install', function () {
  this.timeout(120_000);
  let directory = '';
  let isoPath = '';
  const pool = `iso2rootfs-test-${process.pid}`;

  before(async () => {
    directory = path.join(await mkdtemp('/var/tmp/e2e-virt-install-'), HOSTILE);
    await mkdir(directory);
    isoPath = await makeIso(directory, 'install', { 'boot,1/vmlinuz': 'kernel', 'boot,1/initrd.img': 'initrd' });
    await writeFile(path.join(directory, 'disk.raw'), Buffer.alloc(1024 * 1024));
    // Without it virt-install would make a pool of the directory that nobody removes.
    await run('virsh', ['--connect', URI, 'pool-create-as', pool, 'dir', '--target', directory]);
  });

  after(async () => {
    await run('virsh', ['--connect', URI, 'pool-destroy', pool], { allowedStatuses: [0, 1] });
    await rm(path.dirname(directory), { recursive: true, force: true });
  });

  /** The domain that installs. */
  async function describeDomain(arch: Arch, options: Partial<VirtInstallOptions> = {}): Promise<string> {
    const args = virtInstallArguments({
      ...{ uri: URI, domain: pool, arch, accelerator: 'tcg', memoryMiB: 512, vcpus: 1, network: 'user' },
      ...{ isoPath, kernelPath: 'boot,1/vmlinuz', initrdPath: 'boot,1/initrd.img', initrdFiles: [] },
      ...{ kernelArguments: ['console=x', 'a=b,c'], diskPath: path.join(directory, 'disk.raw') },
      nvramPath: path.join(directory, 'nvram.fd'),
      consoleSocketPath: path.join(directory, 'console.sock'),
      logSocketPath: path.join(directory, 'log.sock'),
      ...options,
    });
    const { stdout } = await run('virt-install', [...args, '--print-xml', '1']);
    return stdout;
  }

  it('finds everything in a directory whose name has commas, equals signs and backslashes', async () => {
    const xml = await describeDomain('x86_64');
    expect(xml).to.contain(`<source file="${directory}/disk.raw"`);
    expect(xml).to.contain(`<source file="${isoPath}"`);
    expect(xml).to.contain(`path="${directory}/console.sock"`);
    expect(xml).to.contain(`path="${directory}/log.sock"`);
    expect(xml).to.match(/<cmdline>console=x a=b,c<\/cmdline>/);
    expect(xml).to.not.contain('nvram');
    expect(xml).to.match(/<seclabel model="dac" relabel="no"\/>/);
  });

  it('gives an aarch64 guest a firmware without secure boot, whose variables are beside its disk', async function () {
    if ((await findProgram('qemu-system-aarch64', process.env['PATH'] ?? '')) === undefined) {
      process.stderr.write('    skipped: qemu-system-aarch64 is not installed\n');
      this.skip();
    }
    const xml = await describeDomain('aarch64');
    expect(xml).to.match(/<os firmware="efi">/);
    expect(xml).to.match(/<feature enabled="no" name="secure-boot"\/>|<feature name="secure-boot" enabled="no"\/>/);
    expect(xml).to.contain(`<nvram>${directory}/nvram.fd</nvram>`);
    expect(xml).to.match(/<type arch="aarch64" machine="virt/);
  });
});
