import { expect } from 'chai';
import { findPerMachine, resetContent } from '../../../../src/distro/netboot/per-machine.js';
import type { EntryType } from '../../../../src/tree/entry.js';

describe('findPerMachine', () => {
  const cases: readonly (readonly [path: string, type: EntryType, expected: 'remove' | 'empty' | undefined])[] = [
    ['etc/machine-id', 'file', 'empty'],
    ['var/lib/dbus/machine-id', 'file', 'empty'],
    // A link to the other one, as Debian has it.
    ['var/lib/dbus/machine-id', 'symlink', undefined],
    ['etc/ssh/ssh_host_ed25519_key', 'file', 'remove'],
    ['etc/ssh/ssh_host_rsa_key.pub', 'file', 'remove'],
    ['etc/ssh/sshd_config', 'file', undefined],
    ['var/log/journal', 'directory', undefined],
    ['var/log/journal/0123456789abcdef0123456789abcdef', 'directory', 'remove'],
    ['var/log/journal/0123456789abcdef0123456789abcdef/system.journal', 'file', 'remove'],
    ['var/log/dnf.log', 'file', 'remove'],
    ['var/log/dnf.log.1', 'file', 'remove'],
    ['var/log/.hidden.log', 'file', undefined],
    ['var/log/README', 'symlink', undefined],
    ['var/log/wtmp', 'file', 'remove'],
    ['var/log/messages-20260101', 'file', 'remove'],
    ['var/log/anaconda/packaging.log', 'file', 'remove'],
    ['var/log/anaconda', 'directory', undefined],
    ['root/anaconda-ks.cfg', 'file', 'remove'],
    ['root/.bash_history', 'file', 'remove'],
    ['home/anna/.zsh_history', 'file', 'remove'],
    ['home/anna/work/.bash_history', 'file', undefined],
    ['root/.bashrc', 'file', undefined],
    ['tmp', 'directory', undefined],
    ['tmp/.X0-lock', 'file', 'remove'],
    ['var/tmp/a/b', 'file', 'remove'],
    ['var/spool/cron/crontabs', 'directory', undefined],
    ['var/spool/cron/crontabs/root', 'file', 'remove'],
    ['var/spool/cron/atjobs/.SEQ', 'file', undefined],
    ['var/cache/apt/archives/partial', 'directory', undefined],
    ['var/cache/apt/archives/bash.deb', 'file', 'remove'],
    ['var/cache/dnf/baseos-1/repodata/repomd.xml', 'file', 'remove'],
    ['var/cache/zypp/packages/x.rpm', 'file', 'remove'],
    ['var/cache/dnfx/a', 'file', undefined],
    ['etc/NetworkManager/system-connections/enp1s0.nmconnection', 'file', 'remove'],
    ['etc/NetworkManager/NetworkManager.conf', 'file', undefined],
    ['var/lib/NetworkManager/internal-1-enp1s0.lease', 'file', 'remove'],
    ['var/lib/NetworkManager/secret_key', 'file', 'remove'],
    ['var/lib/NetworkManager', 'directory', undefined],
    ['var/lib/dhclient/dhclient-eth0.leases', 'file', 'remove'],
    ['etc/udev/rules.d/70-persistent-net.rules', 'file', 'remove'],
    ['etc/udev/rules.d/60-mine.rules', 'file', undefined],
    ['var/lib/systemd/random-seed', 'file', 'remove'],
    ['var/lib/systemd/credential.secret', 'file', 'remove'],
    ['var/lib/systemd/catalog/database', 'file', undefined],
    ['var/lib/rpm/__db.001', 'file', 'remove'],
    ['var/lib/rpm/rpmdb.sqlite', 'file', undefined],
    ['var/account/pacct', 'file', 'empty'],
    ['var/account/pacct-20260101.gz', 'file', 'remove'],
    ['var/lib/samba/private/secrets.tdb', 'file', 'remove'],
    ['var/lib/samba/private', 'directory', undefined],
    ['etc/blkid.tab.old', 'file', 'remove'],
    ['run/utmp', 'file', 'remove'],
    ['etc/Pegasus/server.pem', 'file', 'remove'],
    ['usr/share/doc/var/log/x.log', 'file', undefined],
    ['var/log/line\nbreak.log', 'file', 'remove'],
    ['', 'directory', undefined],
  ];
  for (const [path, type, expected] of cases) {
    it(`${expected ?? 'leaves'} ${JSON.stringify(path)} (${type})`, () => {
      expect(findPerMachine(path, type)).to.equal(expected);
    });
  }

  it('says what a file that stays has to hold', () => {
    expect(resetContent('etc/machine-id')).to.deep.equal(Buffer.alloc(0));
    expect(resetContent('var/spool/cron/atjobs/.SEQ')?.toString()).to.equal('00000\n');
    expect(resetContent('etc/passwd')).to.equal(undefined);
  });
});
