/** Disk images that are made without an appliance, of the disk that the shared conversion has installed. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { iso2rootfs } from '../contract/cli/program.js';
import { run } from '../../src/tools/run.js';
import { convertOnce, WITHOUT_APPLIANCE, type SharedConversion } from './conversion.js';
import { differences, listTree, type Listing } from './tree-listing.js';

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const OF_AN_APPLIANCE = /virt-sysprep|virt-sparsify|virt-tar-out|guestfish|virt-builder|virt-get-kernel/;

describe('disk images without an appliance', function () {
  this.timeout(40 * 60_000);
  let conversion: SharedConversion;
  let scratch: string;

  before(async () => {
    conversion = await convertOnce();
    scratch = await mkdtemp('/var/tmp/e2e-disks-');
  });
  after(async () => rm(scratch, { recursive: true, force: true }));

  /** A cache with nothing but the installed disk. */
  async function makeCache(name: string): Promise<string> {
    const cache = path.join(scratch, name);
    await run('mkdir', ['-p', path.join(cache, 'v1')]);
    const disks = path.join(conversion.cacheDirectory, 'v1', 'disks');
    await run('cp', ['-a', '--reflink=auto', '--sparse=always', disks, path.join(cache, 'v1', 'disks')]);
    return cache;
  }

  async function make(cache: string, outputs: string): Promise<string> {
    const output = path.join(scratch, outputs);
    const args = ['-f', conversion.medium, '--cache-dir', cache, ...WITHOUT_APPLIANCE, '-o', output];
    const { status, stderr } = await iso2rootfs([...args, '--outputs', outputs]);
    expect(status, stderr).to.equal(0);
    await run('sha256sum', ['--strict', '--quiet', '--check', 'SHA256SUMS'], { cwd: output });
    return output;
  }

  async function logsBelow(directory: string): Promise<string[]> {
    return (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.log'));
  }

  // That an appliance gives the same tree is shown on a small system: test/integration/disk/prepared-disk.test.ts.
  it('hold one tree in both formats, with nothing of the machine that they were installed on', async () => {
    const cache = await makeCache('mounting');
    const first = await make(cache, 'raw');
    const raw = path.join(first, 'disk.raw');
    const logs = await logsBelow(path.join(first, 'logs'));
    expect(logs.filter((name) => OF_AN_APPLIANCE.test(name))).to.deep.equal([]);
    expect(logs.filter((name) => /-(?:prepare|sparsify)-/.test(name))).to.not.be.empty;

    const installed = await listTree(conversion.installedDisk, { isDisk: true });
    const mounted = await listTree(raw, { isDisk: true });
    expectImpersonal(installed, mounted);
    // The file systems' own tables are in it, too.
    const contentBytes = [...mounted.values()].reduce((sum, { size = 0 }) => sum + Math.ceil(size / 4096) * 4096, 0);
    expect((await stat(raw)).blocks * 512).to.be.below(contentBytes * 1.15 + 64 * 2 ** 20);

    // Later, of what the cache has: the installed disk is prepared once more.
    const second = await make(cache, 'qcow2');
    const { stdout } = await run('qemu-img', ['compare', raw, path.join(second, 'disk.qcow2')], {
      allowedStatuses: [0, 1],
    });
    const unpacked = path.join(scratch, 'unpacked.raw');
    await run('qemu-img', ['convert', '-O', 'raw', path.join(second, 'disk.qcow2'), unpacked]);
    expect(differences(mounted, await listTree(unpacked, { isDisk: true })), stdout).to.deep.equal([]);
    const everyLog = [
      ...(await logsBelow(path.join(second, 'logs'))),
      ...(await logsBelow(path.join(cache, 'v1/logs'))),
    ];
    expect(everyLog.filter((name) => OF_AN_APPLIANCE.test(name))).to.deep.equal([]);
  });

  function expectImpersonal(installed: Listing, now: Listing): void {
    const names = [...now.keys()];
    expect(now.get('etc/machine-id')).to.deep.include({ size: 0, sha256: EMPTY_SHA256 });
    expect(installed.get('etc/machine-id')?.size).to.be.above(30);
    expect(names.filter((name) => /^etc\/ssh\/ssh_host_/.test(name))).to.deep.equal([]);
    expect([...installed.keys()].some((name) => /^etc\/ssh\/ssh_host_/.test(name))).to.equal(true);
    const personal = /^(?:var\/log\/|tmp\/|var\/tmp\/|var\/lib\/iso2rootfs(?:\/|$))/;
    const files = names.filter((name) => now.get(name)?.type === 'file');
    expect(files.filter((name) => personal.test(name))).to.deep.equal([]);
    expect(installed.has('var/lib/iso2rootfs/token')).to.equal(true);
    for (const name of ['etc/fstab', 'etc/hostname', 'etc/passwd']) {
      expect(now.get(name), name).to.deep.equal(installed.get(name));
    }
    const kept = differences(installed, now).filter(({ change }) => change === 'added');
    expect(kept).to.deep.equal([]);
  }
});
