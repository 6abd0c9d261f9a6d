/** What installers lay out beside one ext4: volume groups, subvolumes, the EFI system partition. Both engines read the same. */
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { Iso2RootfsError } from '../../../src/errors.js';
import { knowsFileSystem, readDisk, sh } from './disk-images.js';

/**
 * A root with what libguestfs recognises a system by; `$root` is the directory. Its fstab is to be written.
 */
const ROOT = `
mkdir -p $root/{bin,usr/bin,etc,boot,home,srv,var/lib/iso2rootfs,dev,proc}
echo 'ID=test' >$root/etc/os-release; echo host >$root/etc/hostname; echo token >$root/var/lib/iso2rootfs/token
`;

/**
 * LVM without a device mapper: the real programs write the metadata, through a loop device; where a volume then lies is asked of them.
 * `lvm PROGRAM...`; `volume NAME FILE` writes a file system into a volume in one piece, `$start` is where the physical volume begins, in MiB.
 */
const LVM = `
lvm_on() { program=$1; shift
  command $program --driverloaded n --config "devices { use_devicesfile=0 filter=[\\"a|^$loop\\$|\\", \\"r|.*|\\"] } activation { udev_sync=0 udev_rules=0 }" "$@" >/dev/null 2>$place/lvm-errors || { cat $place/lvm-errors >&2; exit 1; }
}
report() { command $1 --driverloaded n --config "devices { use_devicesfile=0 filter=[\\"a|^$loop\\$|\\", \\"r|.*|\\"] }" --noheadings --units m --nosuffix -o "$2" "$3" 2>/dev/null | tr -d ' '; }
volume() {
  begin=$(report pvs pe_start $loop); first=$(report lvs seg_start_pe vg-0/$1); range=$(report lvs seg_pe_ranges vg-0/$1); extent=$(report vgs vg_extent_size vg-0)
  extents=\${range#*:}
  at=$(( start + \${begin%.*} + \${extents%-*} * \${extent%.*} ))
  dd if=$2 of=$disk bs=1M seek=$at conv=notrunc,sparse status=none
}
`;

describe('file systems of an installed disk', function () {
  this.timeout(10 * 60_000);
  let directory: string;
  const image = (name: string): string => path.join(directory, name);

  before(async () => {
    directory = await mkdtemp('/var/tmp/iso2rootfs-mount-');
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  async function make(name: string, script: string): Promise<string> {
    await sh(`place=${directory}/${name}; disk=${image(`${name}.raw`)}; root=$place/root
      mkdir -p $root; cd $place; mounted=; loop=
      trap 'for each in $mounted; do umount $each; done; [ -z "$loop" ] || losetup -d $loop' EXIT
      with() { mkdir -p at; mount -o loop $1 at; mounted=at; (cd at; eval "$2"); umount at; mounted=; }
      ${ROOT}${script}`);
    return image(`${name}.raw`);
  }

  it('are read from a volume group with an XFS root, and from the partition beside it', async function () {
    const disk = await make(
      'lvm',
      `${LVM}
      truncate -s 1200M $disk; start=101
      printf 'label: gpt\\nstart=2048,size=204800\\nstart=206848,size=2097152,type=E6D6D379-F507-44C2-A23C-238F2A3DF928\\n' | sfdisk -q $disk
      loop=$(losetup -f --show --offset $((start * 1048576)) --sizelimit $((1024 * 1048576)) $disk)
      lvm_on pvcreate -y $loop; lvm_on vgcreate vg-0 $loop
      for each in home:64 root-fs:400 swap:32; do lvm_on lvcreate -y -an --zero n --wipesignatures n -n \${each%:*} -L \${each#*:}M vg-0; done
      printf '%s\\n' '/dev/mapper/vg--0-root--fs / xfs defaults 0 0' 'LABEL=boot /boot ext4 defaults 1 2' '/dev/vg-0/home /home ext4 defaults 1 2' '/dev/mapper/vg--0-swap none swap defaults 0 0' >$root/etc/fstab
      truncate -s 400M root.fs; mkfs.xfs -q root.fs; with root.fs "cp -a $root/. .; setfattr -n user.x -v y etc/hostname"; volume root-fs root.fs
      mkdir h b; echo mine >h/file; echo kernel >b/vmlinuz-1
      truncate -s 64M home.fs; mkfs.ext4 -q -F -d h home.fs; volume home home.fs
      truncate -s 32M swap.fs; mkswap -q swap.fs 2>/dev/null; volume swap swap.fs
      truncate -s 100M boot.fs; mkfs.ext4 -q -F -L boot -d b boot.fs; dd if=boot.fs of=$disk bs=1M seek=1 conv=notrunc,sparse status=none
      losetup -d $loop; loop=`,
    );
    const mounted = await readDisk(directory, disk, 'mount');
    expect(mounted.names).to.include.members(['etc/fstab', 'boot/vmlinuz-1', 'home/file']);
    expect(mounted.hash).to.equal((await readDisk(directory, disk, 'guestfs')).hash);
  });

  it('are refused by name where a logical volume is in several pieces', async () => {
    const disk = await make(
      'pieces',
      `${LVM}
      truncate -s 300M $disk; start=1
      printf 'label: gpt\\nstart=2048,size=589824,type=E6D6D379-F507-44C2-A23C-238F2A3DF928\\n' | sfdisk -q $disk
      loop=$(losetup -f --show --offset 1048576 --sizelimit $((288 * 1048576)) $disk)
      lvm_on pvcreate -y $loop; lvm_on vgcreate vg-0 $loop
      for each in root home; do lvm_on lvcreate -y -an --zero n --wipesignatures n -n $each -L 64M vg-0; done
      lvm_on lvcreate -y -an --zero n --wipesignatures n -n end -L 16M vg-0; lvm_on lvextend -L 80M vg-0/home
      echo '/dev/vg-0/root / ext4 defaults 0 0' >$root/etc/fstab; echo '/dev/mapper/vg--0-home /home ext4 defaults 0 0' >>$root/etc/fstab
      truncate -s 64M root.fs; mkfs.ext4 -q -F -d $root root.fs; volume root root.fs
      losetup -d $loop; loop=`,
    );
    const failure = await readDisk(directory, disk, 'mount').catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Iso2RootfsError).with.property('code', 'BUILD_FAILED');
    const { message, hint } = failure as Iso2RootfsError;
    expect(message).to.contain('/home').and.contain('logical volume vg-0/home is not in one piece');
    expect(hint).to.contain('--engine guestfs');
  });

  for (const [rootVolume, homeVolume] of [['root', 'home']] as const) {
    it(`are subvolumes of one btrfs, as Fedora has them (${rootVolume}, ${homeVolume})`, async function () {
      if (!(await knowsFileSystem('btrfs'))) skipFor(this, 'btrfs');
      const disk = await make(
        'btrfs',
        `truncate -s 700M $disk; printf 'label: gpt\\nstart=2048,size=204800\\nstart=206848,size=1024000\\n' | sfdisk -q $disk
        printf '%s\\n' 'UUID=33333333-3333-3333-3333-333333333333 / btrfs subvol=${rootVolume},compress=zstd:1 0 0' 'LABEL=boot /boot ext4 defaults 1 2' 'UUID=33333333-3333-3333-3333-333333333333 /home btrfs subvol=${homeVolume} 0 0' >$root/etc/fstab
        bash ${path.resolve('test/medium/installer/odd-entries.sh')} $root
        truncate -s 500M system.fs; mkfs.btrfs -q -U 33333333-3333-3333-3333-333333333333 system.fs
        with system.fs "btrfs -q subvolume create ${rootVolume}; btrfs -q subvolume create ${homeVolume}; cp -a $root/. ${rootVolume}/; echo mine >${homeVolume}/file"
        mkdir b; echo kernel >b/vmlinuz-1; truncate -s 100M boot.fs; mkfs.ext4 -q -F -L boot -d b boot.fs
        dd if=boot.fs of=$disk bs=1M seek=1 conv=notrunc,sparse status=none; dd if=system.fs of=$disk bs=1M seek=101 conv=notrunc,sparse status=none`,
      );
      const mounted = await readDisk(directory, disk, 'mount');
      expect(mounted.names).to.include.members(['etc/fstab', 'boot/vmlinuz-1', 'home/file', 'opt/odd/links/b/second']);
      expect(mounted.hash).to.equal((await readDisk(directory, disk, 'guestfs')).hash);
    });
  }

  it('are an EFI system partition, whatever umask and time zone we run with', async function () {
    if (!(await knowsFileSystem('vfat'))) skipFor(this, 'vfat');
    const disk = await make(
      'efi',
      `truncate -s 200M $disk; printf 'label: gpt\\nstart=2048,size=81920,type=uefi\\nstart=83968,size=204800\\n' | sfdisk -q $disk
      printf '%s\\n' 'LABEL=system / ext4 defaults 0 0' 'UUID=ABCD-1234 /boot/efi vfat umask=0077,shortname=winnt 0 2' >$root/etc/fstab; mkdir $root/boot/efi
      truncate -s 40M efi.fs; mkfs.vfat -i ABCD1234 efi.fs >/dev/null; mmd -i efi.fs ::EFI ::EFI/fedora
      echo loader >grubx64.efi; touch -d @1700000000 grubx64.efi; TZ=UTC mcopy -m -i efi.fs grubx64.efi ::EFI/fedora/; TZ=UTC mcopy -m -i efi.fs grubx64.efi '::EFI/A long name.cfg'
      truncate -s 100M root.fs; mkfs.ext4 -q -F -L system -d $root root.fs
      dd if=efi.fs of=$disk bs=1M seek=1 conv=notrunc,sparse status=none; dd if=root.fs of=$disk bs=1M seek=41 conv=notrunc,sparse status=none`,
    );
    const before = process.umask(0o077);
    const mounted = await readDisk(directory, disk, 'mount').finally(() => process.umask(before));
    expect(mounted.names).to.include.members(['boot/efi/EFI/fedora/grubx64.efi', 'boot/efi/EFI/A long name.cfg']);
    expect(mounted.hash).to.equal((await readDisk(directory, disk, 'guestfs')).hash);
  });
});

/** Told in the name of the test, where every reporter shows it. */
function skipFor(context: Mocha.Context, type: string): never {
  if (context.test !== undefined) context.test.title += ` -- not run: this host's kernel has no ${type}`;
  context.skip();
}
