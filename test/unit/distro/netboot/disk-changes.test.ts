import { expect } from 'chai';
import { planDiskChanges, rewriteForDisk } from '../../../../src/distro/netboot/disk-changes.js';
import type { EntryType } from '../../../../src/tree/entry.js';

function plan(...entries: (readonly [path: string, type: EntryType])[]): ReturnType<typeof planDiskChanges> {
  return planDiskChanges(entries.map(([path, type]) => ({ path, type })));
}

describe('what is changed on a disk that is handed out', () => {
  it('names a directory once, and nothing of what is in it', () => {
    const { removed } = plan(
      ['tmp', 'directory'],
      ['tmp/a', 'directory'],
      ['tmp/a/b', 'file'],
      ['tmp/a-b', 'file'],
      ['var/log/messages', 'file'],
      ['etc/passwd', 'file'],
    );
    expect(removed).to.deep.equal(['tmp/a', 'tmp/a-b', 'var/log/messages']);
  });

  it('empties files, and nothing that a link of that name leads to', () => {
    expect([...plan(['etc/machine-id', 'file'], ['var/spool/cron/atjobs/.SEQ', 'file']).contents]).to.deep.equal([
      ['etc/machine-id', ''],
      ['var/spool/cron/atjobs/.SEQ', '00000\n'],
    ]);
    expect(plan(['etc/machine-id', 'symlink']).contents.size).to.equal(0);
  });

  it('leaves what the disk boots with', () => {
    const kept = [
      'etc/fstab',
      'boot/grub2/grub.cfg',
      'etc/hostname',
      'etc/netplan/50-cloud-init.yaml',
      'etc/resolv.conf',
    ];
    expect(plan(...kept.map((path) => [path, 'file'] as const))).to.deep.equal({
      removed: [],
      contents: new Map(),
      texts: [],
    });
  });

  it('takes the name of an iSCSI initiator where a unit makes another', () => {
    const name = ['etc/iscsi/initiatorname.iscsi', 'file'] as const;
    expect(plan(name).removed).to.deep.equal([]);
    expect(plan(name, ['usr/lib/systemd/system/iscsi-init.service', 'file']).removed).to.deep.equal([name[0]]);
  });

  it("rewrites ifcfg files as virt-sysprep does, without the card's address and the names of the machine", () => {
    const path = 'etc/sysconfig/network-scripts/ifcfg-eth0';
    expect(plan([path, 'file'], [`${path}-link`, 'symlink']).texts).to.deep.equal([path]);
    expect(rewriteForDisk('DEVICE=eth0\nHWADDR=1\nHOSTNAME=a\nDHCP_HOSTNAME=b\nUUID=2')).to.equal(
      'DEVICE=eth0\nUUID=2\n',
    );
    expect(rewriteForDisk('A=1\n')).to.equal('A=1\n');
    expect(rewriteForDisk('')).to.equal('');
  });
});
