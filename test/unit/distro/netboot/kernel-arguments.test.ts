import { expect } from 'chai';
import type { InitrdFacts } from '../../../../src/distro/initrd/initrd-facts.js';
import { suggestArguments } from '../../../../src/distro/netboot/kernel-arguments.js';

const DRACUT: InitrdFacts = {
  maker: 'dracut',
  compression: 'xz',
  canMountNfs: true,
  nfsVersions: ['3', '4'],
  networkDrivers: ['virtio_net'],
  hasOverlay: true,
  hasSquashfs: true,
  reasons: [],
};
const DEBIAN: InitrdFacts = { ...DRACUT, maker: 'initramfs-tools', nfsVersions: ['3'] };

describe('suggestArguments', () => {
  it('names the NFS root as the maker of the initrd does', () => {
    const dracut = ['root=nfs4:SERVER:PATH', 'ip=dhcp', 'rd.neednet=1'];
    expect(suggestArguments(DRACUT, undefined).nfsroot).to.deep.equal({
      readWrite: [...dracut, 'rw'],
      readOnly: [...dracut, 'ro'],
    });
    expect(suggestArguments({ ...DRACUT, nfsVersions: ['3'] }, undefined).nfsroot?.readOnly[0]).to.equal(
      'root=nfs:SERVER:PATH',
    );
    expect(suggestArguments(DEBIAN, undefined).nfsroot?.readWrite).to.deep.equal([
      'boot=nfs',
      'root=/dev/nfs',
      'nfsroot=SERVER:PATH',
      'ip=dhcp',
      'rw',
    ]);
  });

  it('suggests no NFS root to an initrd that cannot mount one, or is not there', () => {
    expect(suggestArguments({ ...DRACUT, canMountNfs: false }, undefined)).to.deep.equal({ initramfs: [] });
    expect(suggestArguments(undefined, 'permissive')).to.deep.equal({ initramfs: [] });
  });

  it('lets people in where SELinux would enforce labels that are not there', () => {
    const { initramfs, nfsroot } = suggestArguments(DRACUT, 'enforcing');
    expect(initramfs).to.deep.equal(['enforcing=0']);
    expect(nfsroot?.readWrite).to.include('enforcing=0');
    expect(nfsroot?.readOnly).to.include('enforcing=0');
    expect(suggestArguments(DRACUT, 'disabled').initramfs).to.deep.equal(['selinux=0']);
    expect(suggestArguments(DRACUT, 'permissive').initramfs).to.deep.equal([]);
  });

  it('never gives a root to the kernel of initramfs.cgz, whose root would be a ramfs then', () => {
    for (const mode of ['enforcing', 'permissive', 'disabled', undefined] as const) {
      expect(suggestArguments(DEBIAN, mode).initramfs.join(' ')).to.not.include('root');
    }
  });
});
