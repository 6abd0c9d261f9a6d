import { expect } from 'chai';
import { judgeInitrd } from '../../../../src/distro/initrd/initrd-facts.js';
import type { InitrdListing } from '../../../../src/distro/initrd/read-initrd.js';

const MODULES = 'usr/lib/modules/5.10.0/kernel';
const NFS = ['nfs/nfs', 'nfs/nfsv3', 'nfs/nfsv4'].map((name) => `${MODULES}/fs/${name}.ko.xz`);
const CARDS = ['intel/e1000e/e1000e', 'intel/ixgbe/ixgbe', 'broadcom/tg3', 'realtek/r8169'].map(
  (name) => `kernel/drivers/net/ethernet/${name}.ko.xz`,
);
const inInitrd = (names: readonly string[]): string[] => names.map((name) => `usr/lib/modules/5.10.0/${name}`);

const DRACUT = [
  'usr/lib/dracut/modules.txt',
  'usr/lib/dracut/hooks/cmdline/90-parse-nfsroot.sh',
  'usr/sbin/mount.nfs',
  'usr/sbin/ifup',
  ...NFS,
  `${MODULES}/drivers/net/virtio_net.ko.xz`,
  `${MODULES}/fs/overlayfs/overlay.ko.xz`,
];
const DEBIAN = ['scripts/functions', 'scripts/nfs', 'bin/nfsmount', 'bin/ipconfig', 'conf/initramfs.conf', ...NFS];

function listing(names: readonly string[], contents: Record<string, string> = {}): InitrdListing {
  return {
    names: [...names, ...Object.keys(contents)],
    contents: new Map(Object.entries(contents)),
    compression: 'xz',
  };
}

describe('judgeInitrd', () => {
  it('sees a generic initrd of dracut with an NFS root', () => {
    const facts = judgeInitrd(listing([...DRACUT, ...inInitrd(CARDS)]), { modules: CARDS });
    expect(facts).to.deep.equal({
      maker: 'dracut',
      compression: 'xz',
      canMountNfs: true,
      nfsVersions: ['3', '4'],
      networkDrivers: ['e1000e', 'ixgbe', 'r8169', 'tg3', 'virtio_net'],
      hasOverlay: true,
      hasSquashfs: false,
      isGeneric: true,
      reasons: ["It has 4 of the kernel's 4 drivers for Ethernet cards."],
    });
  });

  it('sees whether what brings up the network tells dracut to mount', () => {
    const with_ = (...names: readonly string[]): ReturnType<typeof judgeInitrd> =>
      judgeInitrd(listing([...DRACUT.filter((name) => !name.endsWith('ifup')), ...names]));
    const networkd = 'usr/lib/systemd/systemd-networkd';
    for (const silent of [networkd, 'usr/sbin/wickedd']) {
      const facts = with_(silent);
      expect(facts.canMountNfs).to.equal(false);
      expect(facts.reasons.join(' ')).to.include('network-legacy or network-manager');
    }
    expect(with_('usr/sbin/NetworkManager', 'usr/lib/dracut/hooks/initqueue/settled/99-nm-run.sh').canMountNfs).to.be
      .true;
    expect(with_(networkd, 'var/lib/dracut/hooks/initqueue/settled/99-networkd-run.sh').canMountNfs).to.be.true;
  });

  it('knows where newer ones keep their hooks and programs', () => {
    const newer = DRACUT.map((name) =>
      name.replace('usr/lib/dracut/hooks', 'var/lib/dracut/hooks').replace('/sbin/', '/bin/'),
    );
    expect(judgeInitrd(listing(newer)).canMountNfs).to.equal(true);
  });

  for (const [what, pattern, said] of [
    ["dracut's module nfs", /parse-nfsroot/, 'dracut-network'],
    ['mount.nfs', /mount\.nfs/, 'nfs-utils'],
    ['a network module', /sbin\/ifup/, 'network modules'],
    ['the kernel module', /nfs\/nfs\.ko/, 'kernel module nfs'],
    ['both versions', /nfsv[34]/, 'nfsv3 and nfsv4'],
    ['a driver', /virtio_net/, 'no driver'],
  ] as const) {
    it(`says that ${what} is missing`, () => {
      const facts = judgeInitrd(listing(DRACUT.filter((name) => !pattern.test(name))));
      expect(facts.canMountNfs).to.equal(false);
      expect(facts.nfsVersions).to.deep.equal([]);
      expect(facts.reasons.join(' ')).to.include(said);
    });
  }

  it('counts what is built into the kernel, by the list in the initrd or else by that of the tree', () => {
    const without = DRACUT.filter((name) => !/nfs\.ko|virtio_net|overlay/.test(name));
    const builtin = 'kernel/fs/nfs/nfs.ko\nkernel/drivers/net/virtio_net.ko\nkernel/fs/overlayfs/overlay.ko\n';
    for (const facts of [
      judgeInitrd(listing(without, { 'lib/modules/5.10.0/modules.builtin': builtin })),
      judgeInitrd(listing(without), { builtin }),
    ]) {
      expect(facts).to.include({ canMountNfs: true, hasOverlay: true });
      expect(facts.networkDrivers).to.deep.equal(['virtio_net']);
    }
  });

  it('sees by its drivers, its waiting for a disk, or what dracut was told, that one is for one machine', () => {
    const few = judgeInitrd(listing([...DRACUT, ...inInitrd(CARDS.slice(0, 1))]), { modules: CARDS });
    expect(few.isGeneric).to.equal(false);
    const hook = 'usr/lib/dracut/hooks/initqueue/finished/devexists-\\x2fdev\\x2fdisk\\x2fby-uuid\\x2f1.sh';
    expect(judgeInitrd(listing([...DRACUT, ...inInitrd(CARDS), hook]), { modules: CARDS }).isGeneric).to.equal(false);
    const told = listing(DRACUT, { 'usr/lib/dracut/build-parameter.txt': " '--hostonly' '--force'\n" });
    expect(judgeInitrd(told).isGeneric).to.equal(false);
    expect(judgeInitrd(listing(DRACUT))).to.not.have.property('isGeneric');
  });

  it("knows Debian's", () => {
    const virtio = `${MODULES}/drivers/net/virtio_net.ko`;
    const most = listing([...DEBIAN, virtio], { 'conf/initramfs.conf': '# MODULES=dep\nMODULES=most\n' });
    const facts = judgeInitrd(most);
    expect(facts).to.deep.include({ maker: 'initramfs-tools', canMountNfs: true, isGeneric: true, nfsVersions: ['3'] });
    const policy = { 'conf/conf.d/driver-policy': 'MODULES=dep\n', 'conf/initramfs.conf': 'MODULES=most\n' };
    expect(judgeInitrd(listing([...DEBIAN, virtio], policy)).isGeneric).to.equal(false);
    const cut = judgeInitrd(listing(DEBIAN.filter((name) => name !== 'bin/nfsmount')));
    expect(cut.reasons).to.include('It cannot mount an NFS root: nfsmount is not in it (package klibc-utils).');
  });

  it('makes nothing of one that it does not know or could not read', () => {
    const facts = judgeInitrd({ ...listing(['init', 'bin/busybox']), problem: 'it is cut off' });
    expect(facts).to.deep.include({ maker: 'unknown', canMountNfs: false, networkDrivers: [] });
    expect(facts.reasons[0]).to.equal('It could not be read to its end: it is cut off.');
  });
});
