/** A disk that is handed out, prepared by the host's own kernel: what is taken out of it, what stays, and that nothing else is touched. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { clearDisk } from '../../../src/build/clear-disk.js';
import { Iso2RootfsError } from '../../../src/errors.js';
import { giveFreeBlocksBack } from '../../../src/tools/disk/mount-disk.js';
import { virtSparsify } from '../../../src/tools/virt-sparsify.js';
import { differences, listTree, type Listing } from '../../e2e/tree-listing.js';
import { loopDevices, makeToolbox, sh } from './disk-images.js';

const MIB = 2 ** 20;
/** Where the swap area of the image is. */
const SWAP_AT = 701 * MIB;

/** What a system of RPM packages has that is its own, and what it must keep. */
const SYSTEM = `
mkdir -p $root/{bin,usr/bin,usr/lib/systemd/system,etc/ssh,etc/iscsi,etc/sysconfig/network-scripts,etc/NetworkManager/system-connections,boot,dev,proc,tmp,root}
mkdir -p $root/var/{tmp,log/journal/0123456789abcdef0123456789abcdef,log/audit,lib/systemd,lib/iso2rootfs,lib/NetworkManager,lib/dhclient,spool/cron/atjobs,cache/dnf/base}
printf 'ID=fedora\\nVERSION_ID=41\\nNAME=Fedora\\n' >$root/etc/os-release; echo host >$root/etc/hostname
printf '%s\\n' 'UUID=11111111-1111-1111-1111-111111111111 / ext4 defaults 0 0' 'UUID=22222222-2222-2222-2222-222222222222 /boot xfs defaults 0 0' 'LABEL=swapped none swap defaults 0 0' >$root/etc/fstab
echo 0123456789abcdef0123456789abcdef >$root/etc/machine-id; chmod 444 $root/etc/machine-id
for each in ed25519 rsa; do echo key >$root/etc/ssh/ssh_host_\${each}_key; echo public >$root/etc/ssh/ssh_host_\${each}_key.pub; done; echo config >$root/etc/ssh/sshd_config
printf 'TYPE=Ethernet\\nBOOTPROTO=dhcp\\nHWADDR=52:54:00:00:00:01\\nUUID=4f0f6f0a-8c51-5d0c-9a8b-1d6c6f0c2b7e\\nDEVICE=eth0\\nDHCP_HOSTNAME=host' >$root/etc/sysconfig/network-scripts/ifcfg-eth0
setfattr -n security.selinux -v 0x73797374656d5f753a6f626a6563745f723a6e65745f636f6e665f743a733000 $root/etc/sysconfig/network-scripts/ifcfg-eth0
echo profile >$root/etc/NetworkManager/system-connections/eth0.nmconnection
echo InitiatorName=iqn.1994-05.com.redhat:1 >$root/etc/iscsi/initiatorname.iscsi; echo '[Service]' >$root/usr/lib/systemd/system/iscsi-init.service
echo log >$root/var/log/messages; echo log >$root/var/log/audit/audit.log; echo x >$root/var/log/journal/0123456789abcdef0123456789abcdef/system.journal
echo x >$root/var/log/$'line\\nbreak -rf.log'; echo x >"$root/tmp/-rf"; mkdir -p "$root/var/tmp/.hidden/deep"; echo keep >$root/var/log/README
for each in random-seed credential.secret; do echo secret >$root/var/lib/systemd/$each; done; echo secret >$root/var/lib/NetworkManager/secret_key
echo lease >$root/var/lib/dhclient/a.leases; printf 00042 >$root/var/spool/cron/atjobs/.SEQ; echo job >$root/var/spool/cron/atjobs/a1; echo history >$root/root/.bash_history
`;

/** What must not be on a disk that is handed out. */
const GONE = [
  ...[
    'etc/ssh/ssh_host_rsa_key',
    'etc/ssh/ssh_host_ed25519_key.pub',
    'var/lib/systemd/random-seed',
    'var/log/messages',
  ],
  ...[
    'var/lib/systemd/credential.secret',
    'var/lib/NetworkManager/secret_key',
    'var/lib/iso2rootfs',
    'root/.bash_history',
  ],
  ...['etc/iscsi/initiatorname.iscsi', 'etc/NetworkManager/system-connections/eth0.nmconnection', 'tmp/-rf'],
  ...['var/log/journal/0123456789abcdef0123456789abcdef', 'var/log/line\nbreak -rf.log', 'var/tmp/.hidden'],
  ...['var/log/audit/audit.log', 'var/cache/dnf/base/large', 'var/spool/cron/atjobs/a1', 'var/lib/dhclient/a.leases'],
];
/** Why not: docs/prepare.md. */
const NOT_OF_SYSPREP = ['ssh-userdir', 'passwd-backups', 'backup-files', 'lvm-uuids', 'customize'];
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('a disk that is handed out', function () {
  this.timeout(10 * 60_000);
  let directory: string;
  let installed: Listing;
  const image = (name: string): string => path.join(directory, `${name}.raw`);

  before(async () => {
    directory = await mkdtemp('/var/tmp/iso2rootfs-mount-');
    await sh(`cd ${directory}; root=${directory}/root; mkdir boot
      ${SYSTEM}
      bash ${path.resolve('test/medium/installer/odd-entries.sh')} $root
      dd if=/dev/urandom of=$root/var/cache/dnf/base/large bs=1M count=60 status=none
      echo token >$root/var/lib/iso2rootfs/token
      truncate -s 800M installed.raw
      printf 'label: gpt\\nstart=2048,size=819200\\nstart=821248,size=614400\\nstart=1435648,size=131072,type=swap\\n' | sfdisk -q installed.raw
      truncate -s 400M part1; mkfs.ext4 -q -F -U 11111111-1111-1111-1111-111111111111 -d root part1
      truncate -s 300M part2; mkfs.xfs -q -f -m uuid=22222222-2222-2222-2222-222222222222 part2
      mount -o loop part2 boot; echo kernel >boot/vmlinuz-1; umount boot
      dd if=/dev/urandom of=part3 bs=1M count=64 status=none; mkswap -q -L swapped part3 2>/dev/null
      dd if=part1 of=installed.raw bs=1M seek=1 conv=notrunc,sparse status=none
      dd if=part2 of=installed.raw bs=1M seek=401 conv=notrunc,sparse status=none
      dd if=part3 of=installed.raw bs=1M seek=701 conv=notrunc status=none`);
    installed = await listTree(image('installed'), { isDisk: true });
  });

  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const copy = async (name: string, from = 'installed'): Promise<string> => {
    await sh(`cp --reflink=auto --sparse=always ${image(from)} ${image(name)}`);
    return image(name);
  };
  const allocated = async (file: string): Promise<number> => (await stat(file)).blocks * 512;

  async function prepareByMounting(name: string): Promise<string> {
    const disk = await copy(name);
    const tools = await makeToolbox(directory);
    const before = await allocated(disk);
    await clearDisk(tools, disk, 'mount');
    await giveFreeBlocksBack(tools, disk, directory);
    // The package cache and the swap area are random bytes.
    expect(before - (await allocated(disk))).to.be.above(110 * MIB);
    expect((await readdir(tools.logDirectory)).filter((log) => /virt-|guestfish/.test(log))).to.deep.equal([]);
    return disk;
  }

  it('has nothing of one machine any more, and all else as it was', async () => {
    const now = await listTree(await prepareByMounting('mounted'), { isDisk: true });
    expect(GONE.filter((name) => !installed.has(name) || now.has(name))).to.deep.equal([]);
    expect(now.get('etc/machine-id')).to.deep.include({ sha256: EMPTY_SHA256, mode: '0444' });
    const changed = differences(installed, now).filter(({ change }) => Array.isArray(change));
    const written = changed.filter(({ change }) => change.includes('sha256')).map((each) => each.path);
    const ifcfg = 'etc/sysconfig/network-scripts/ifcfg-eth0';
    expect(written).to.have.members(['etc/machine-id', ifcfg, 'var/spool/cron/atjobs/.SEQ']);
    const fields = new Set(changed.flatMap(({ change }) => change));
    expect([...fields]).to.have.members(['mtime', 'sha256', 'size']);
    const removed = differences(installed, now).filter(({ change }) => change === 'removed');
    expect(removed.length).to.equal(installed.size - now.size);
    for (const name of ['etc/fstab', 'boot/vmlinuz-1', 'var/log/journal', 'etc/ssh/sshd_config', 'var/log/README']) {
      const { mtime: _, ...rest } = installed.get(name) ?? { mtime: '' };
      expect(now.get(name), name).to.deep.include(rest);
    }
  });

  it('is not younger than its installation, whenever it is prepared', async () => {
    const now = await listTree(image('mounted'), { isDisk: true });
    const end = installed.get('var/lib/iso2rootfs/token')?.mtime ?? '';
    for (const name of ['etc/machine-id', 'etc/ssh', 'var/lib', 'tmp', 'var/log']) {
      expect(now.get(name)?.mtime, name).to.equal(end);
    }
  });

  it('keeps its swap area, without what was in it, and file systems that are whole', async () => {
    const { length } = await readFile(image('mounted'));
    expect(length).to.equal(800 * MIB);
    const probe = (name: string): Promise<string> =>
      sh(`blkid --probe --offset=${SWAP_AT} --size=${64 * MIB} --output=export ${image(name)} | grep -v DEVNAME`);
    expect(await probe('mounted'))
      .to.contain('LABEL=swapped')
      .and.equal(await probe('installed'));
    await sh(`cd ${directory}
      tail -c +$((${SWAP_AT} + 4097)) mounted.raw | head -c $((64 * ${MIB} - 4096)) | cmp -n $((64 * ${MIB} - 4096)) - /dev/zero
      dd if=mounted.raw of=check1 bs=1M skip=1 count=400 conv=sparse status=none; e2fsck -fn check1 >/dev/null 2>&1
      dd if=mounted.raw of=check2 bs=1M skip=401 count=300 conv=sparse status=none; xfs_repair -n check2 >/dev/null 2>&1`);
  });

  it('has nothing of what virt-sysprep would take out', async () => {
    const disk = await copy('sysprep');
    const tools = await makeToolbox(directory);
    const operations = ['defaults', ...NOT_OF_SYSPREP.map((name) => `-${name}`)].join(',');
    await tools.run('virt-sysprep', ['--format', 'raw', '--add', disk, '--operations', operations, '--no-network']);
    const [reference, now] = [
      await listTree(disk, { isDisk: true }),
      await listTree(image('mounted'), { isDisk: true }),
    ];
    const removed = [...installed.keys()].filter((name) => !reference.has(name));
    expect(removed).to.include.members(['etc/ssh/ssh_host_rsa_key', 'var/log/messages', 'root/.bash_history']);
    expect(removed.filter((name) => now.has(name))).to.deep.equal([]);
  });

  it('is the same tree when an appliance prepares it', async () => {
    const disk = await copy('appliance');
    const tools = await makeToolbox(directory);
    await clearDisk(tools, disk, 'guestfs');
    await virtSparsify(tools, { diskPath: disk });
    const [one, other] = [await listTree(disk, { isDisk: true }), await listTree(image('mounted'), { isDisk: true })];
    expect(differences(one, other).map(({ text }) => text)).to.deep.equal([]);
  });

  it('is changed in its own tree only, wherever the links in that lead', async () => {
    const victim = path.join(directory, 'victim');
    await mkdir(victim);
    await sh(`cd ${directory}; root=${directory}/hostile
      mkdir -p victim/{audit,journal/0123}; for each in machine-id ssh_host_rsa_key a.log audit/audit.log journal/0123/x token ifcfg-eth0; do echo mine >victim/$each; done
      mkdir -p $root/{etc/sysconfig,var/lib,var/cache,boot}; cp root/etc/fstab $root/etc/; sed -i /boot/d $root/etc/fstab
      for each in tmp var/tmp var/log etc/ssh var/cache/dnf var/lib/iso2rootfs etc/sysconfig/network-scripts; do ln -s ${victim} $root/$each; done
      ln -s ${victim}/machine-id $root/etc/machine-id
      cp --sparse=always installed.raw hostile.raw; truncate -s 400M part; mkfs.ext4 -q -F -d $root part
      dd if=part of=hostile.raw bs=1M seek=1 conv=notrunc status=none`);
    const before = await listTree(victim);
    await clearDisk(await makeToolbox(directory), image('hostile'), 'mount');
    expect(differences(before, await listTree(victim))).to.deep.equal([]);
  });

  it('is refused where its file system lets nobody write', async () => {
    const disk = await copy('read-only');
    await sh(`cd ${directory}; cp --sparse=always part1 closed; tune2fs -O read-only closed >/dev/null
      dd if=closed of=${disk} bs=1M seek=1 conv=notrunc,sparse status=none`);
    const failure = await clearDisk(await makeToolbox(directory), disk, 'mount').catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Iso2RootfsError).with.property('code', 'BUILD_FAILED');
    expect((failure as Iso2RootfsError).message).to.contain('can only be read');
    expect((failure as Iso2RootfsError).hint).to.contain('--engine guestfs');
    expect(await loopDevices(directory)).to.deep.equal([]);
  });

  for (const [how, end] of [
    ['kill -9', 'SIGKILL'],
    ['Ctrl-C', 'SIGINT'],
  ] as const) {
    it(`leaves no mount and no loop device after ${how} while it is changed`, async () => {
      const disk = await copy('interrupted');
      const before = await readdir(directory);
      const source = path.resolve('src/tools');
      const script = `import { changeMountedDisk } from '${source}/disk/mount-disk.ts';
        import { Toolbox } from '${source}/toolbox.ts';
        const abort = new AbortController();
        process.once('SIGINT', () => abort.abort());
        const tools = new Toolbox({ logDirectory: '${directory}', signal: abort.signal });
        const change = (tree) => { console.log('mounted'); return tree.run('while :; do echo x >"$1/tmp/x"; sleep 0.01; done'); };
        await changeMountedDisk(tools, '${disk}', '${directory}', change).catch(({ code }) => console.log(code));`;
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      await once(child.stdout, 'data');
      expect(await loopDevices(directory)).to.not.deep.equal([]);
      child.kill(end);
      await once(child, 'close');
      expect(output).to.equal(end === 'SIGINT' ? 'mounted\nINTERRUPTED\n' : 'mounted\n');
      for (let tries = 0; tries < 100 && (await loopDevices(directory)).length > 0; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(await loopDevices(directory)).to.deep.equal([]);
      expect(await readFile('/proc/self/mountinfo', 'utf8')).to.not.include(directory);
      // After the other one, a later build removes the directory that this is in.
      const left = (await readdir(directory)).filter((name) => !before.includes(name) && name.startsWith('mount-'));
      if (end === 'SIGINT') expect(left).to.deep.equal([]);
    });
  }
});
