/** Disks that this test makes, read by the host's own kernel; both engines with `--engine` are compared on the small one. */
import { spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { once } from 'node:events';
import { expect } from 'chai';
import { Iso2RootfsError } from '../../../src/errors.js';
import type { Engine } from '../../../src/tools/requirements.js';
import { readFileFromMountedDisk } from '../../../src/tools/disk/mount-disk.js';
import { loopDevices, makeToolbox, readDisk, sh } from './disk-images.js';

const MIB = 2 ** 20;

describe('the installed disk, read by the host', function () {
  this.timeout(10 * 60_000);
  let directory: string;
  const image = (name: string): string => path.join(directory, name);

  before(async () => {
    directory = await mkdtemp('/var/tmp/iso2rootfs-mount-');
    await sh(`cd ${directory}
      mkdir root boot
      mkdir -p root/etc root/boot root/var/lib/iso2rootfs root/bin root/usr/bin root/var/log
      echo 'ID=test' >root/etc/os-release; echo host >root/etc/hostname; echo log >root/var/log/messages
      printf 'UUID=11111111-1111-1111-1111-111111111111 / ext4 defaults 0 0\\nUUID=22222222-2222-2222-2222-222222222222 /boot xfs defaults 0 0\\n' >root/etc/fstab
      bash ${path.resolve('test/medium/installer/odd-entries.sh')} root
      echo token >root/var/lib/iso2rootfs/token
      truncate -s 700M disk.raw
      printf 'label: gpt\\nstart=2048,size=614400\\nstart=616448,size=768000\\n' | sfdisk -q disk.raw
      truncate -s 300M part1; mkfs.ext4 -q -F -U 11111111-1111-1111-1111-111111111111 -d root part1
      truncate -s 375M part2; mkfs.xfs -q -f -m uuid=22222222-2222-2222-2222-222222222222 part2
      mount -o loop part2 boot; echo kernel >boot/vmlinuz-1; umount boot
      dd if=part1 of=disk.raw bs=1M seek=1 conv=notrunc,sparse status=none
      dd if=part2 of=disk.raw bs=1M seek=301 conv=notrunc,sparse status=none`);
  });

  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const convert = (engine: Engine, disk = 'disk.raw'): ReturnType<typeof readDisk> =>
    readDisk(directory, image(disk), engine);

  it('is one tree of all that its fstab mounts, sorted, and the same each time', async () => {
    const [first, second] = [await convert('mount'), await convert('mount')];
    expect(first.names).to.include.members(['boot/vmlinuz-1', 'opt/odd/links/b/second', 'etc/fstab']);
    expect(first.hash).to.equal(second.hash);
    const top = first.names.filter((name) => !name.includes('/'));
    expect(top).to.deep.equal([...top].sort());
  });

  it('leaves the disk as it is', async () => {
    const { mtimeMs } = await stat(image('disk.raw'));
    await convert('mount');
    expect((await stat(image('disk.raw'))).mtimeMs).to.equal(mtimeMs);
  });

  it('refuses a file system that was not unmounted, instead of giving half of it', async () => {
    await sh(`cd ${directory}; cp --sparse=always disk.raw dirty.raw
      debugfs -w -R 'feature +needs_recovery' part1 >/dev/null 2>&1 || true`);
    const disk = await open(image('dirty.raw'), 'r+');
    const at = MIB + 1024 + 0x60;
    const flags = Buffer.alloc(4);
    await disk.read(flags, 0, 4, at);
    flags.writeUInt32LE(flags.readUInt32LE(0) | 4);
    await disk.write(flags, 0, 4, at);
    await disk.close();
    const failure = await convert('mount', 'dirty.raw').catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Iso2RootfsError).with.property('code', 'BUILD_FAILED');
    expect((failure as Iso2RootfsError).message).to.match(/journal/);
    expect((failure as Iso2RootfsError).hint).to.match(/--engine guestfs/);
  });

  it('gives one file, and none that a link leads to', async () => {
    const tools = await makeToolbox(directory);
    const read = (file: string): Promise<string | undefined> =>
      readFileFromMountedDisk(tools, image('disk.raw'), directory, file);
    expect(await read('/var/lib/iso2rootfs/token')).to.equal('token\n');
    expect(await read('/boot/vmlinuz-1')).to.equal('kernel\n');
    expect(await read('/opt/odd/links/itself/a/first')).to.equal(undefined);
    expect(await read('/not/there')).to.equal(undefined);
    expect(await readFileFromMountedDisk(tools, image('dirty.raw'), directory, '/etc/fstab')).to.equal(undefined);
  });

  it('leaves no mount and no loop device when it is killed in the middle', async () => {
    const script = `import { openDisk } from '${path.resolve('src/build/tree-source.ts')}';
      import { Toolbox } from '${path.resolve('src/tools/toolbox.ts')}';
      const source = await openDisk(new Toolbox({ logDirectory: '${directory}' }), '${image('disk.raw')}', '${directory}', 'mount');
      console.log('reading'); setInterval(() => source, 1000);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(await loopDevices(directory)).to.not.deep.equal([]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (let tries = 0; tries < 100 && (await loopDevices(directory)).length > 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await loopDevices(directory)).to.deep.equal([]);
    expect(await readFile('/proc/self/mountinfo', 'utf8')).to.not.include(directory);
  });

  it('is the same as what the appliance reads, byte for byte', async () => {
    expect((await convert('guestfs')).hash).to.equal((await convert('mount')).hash);
  });
});
