import { expect } from 'chai';
import { NetbootRewriter, type NetbootOptions } from '../../../../src/distro/netboot.js';
import { createEntry, type TreeEntry, type TreeFile } from '../../../../src/tree/entry.js';

const LABEL = 'system_u:object_r:systemd_unit_file_t:s0';

/** A tree from paths: `dir/`, `link -> target`, or a file with its text. */
function createTree(files: Readonly<Record<string, string>>): TreeFile[] {
  const entries = new Map<string, TreeFile>();
  const add = (entry: TreeEntry, content: Buffer): unknown => entries.set(entry.path.toString(), { entry, content });
  const addDirectory = (path: string): void => {
    if (path === '' || entries.has(path)) return;
    addDirectory(path.split('/').slice(0, -1).join('/'));
    const selinuxLabel = path.endsWith('systemd/system') ? LABEL : undefined;
    add(createEntry({ path: Buffer.from(path), type: 'directory', selinuxLabel }), Buffer.alloc(0));
  };
  for (const [name, text] of Object.entries(files)) {
    const [path = '', target] = name.split(' -> ');
    if (path.endsWith('/')) {
      addDirectory(path.slice(0, -1));
      continue;
    }
    addDirectory(path.split('/').slice(0, -1).join('/'));
    const content = Buffer.from(text, 'latin1');
    add(
      target === undefined
        ? createEntry({ path: Buffer.from(path), type: 'file', sizeBytes: content.length, mode: 0o640, uid: 7 })
        : createEntry({ path: Buffer.from(path), type: 'symlink', linkTarget: Buffer.from(target) }),
      content,
    );
  }
  return [...entries.values()];
}

/** What leaves, by path. An entry must not come before its directory, nor twice. */
function leave(tree: readonly TreeFile[], rewriter: NetbootRewriter): Map<string, TreeFile> {
  const left: TreeFile[] = [];
  for (const file of tree) {
    const rewritten = rewriter.rewrite(file.entry);
    if (rewritten === undefined) continue;
    if ('path' in rewritten) left.push({ entry: rewritten, content: file.content });
    else if ('withContent' in rewritten) left.push(...rewritten.withContent(file.content));
    else left.push(...rewritten);
  }
  left.push(...rewriter.append());
  const byPath = new Map<string, TreeFile>();
  for (const file of left) {
    const path = file.entry.path.toString('latin1');
    const parent = path.split('/').slice(0, -1).join('/');
    if (byPath.has(path)) throw new Error(`${path} comes twice`);
    if (parent !== '' && byPath.get(parent)?.entry.type !== 'directory') throw new Error(`${path} has no directory`);
    if (file.entry.sizeBytes !== file.content.length) throw new Error(`${path} has another size`);
    byPath.set(path, file);
  }
  return byPath;
}

function prepare(files: Readonly<Record<string, string>>, options?: NetbootOptions): Map<string, TreeFile> {
  const tree = createTree(files);
  const left = leave(tree, new NetbootRewriter(options));
  // What has been changed once passes as it is.
  const again = leave([...left.values()], new NetbootRewriter(options));
  expect([...again.keys()].sort()).to.deep.equal([...left.keys()].sort());
  for (const [path, { content }] of left)
    expect(again.get(path)?.content.toString(), path).to.equal(content.toString());
  return left;
}

const textOf = (tree: Map<string, TreeFile>, path: string): string | undefined => tree.get(path)?.content.toString();

const RPM = { 'usr/lib/systemd/system/': '', 'usr/sbin/sshd': '', 'usr/bin/ssh-keygen': '', 'etc/machine-id': 'a\n' };
const OLD_DEBIAN = { 'lib/systemd/system/': '', 'usr/sbin/sshd': '', 'usr/bin/ssh-keygen': '' };

describe('what is changed for booting without the disk', () => {
  describe('machine-id', () => {
    it('is emptied, and made where systemd would have nothing to mount its own over', () => {
      expect(textOf(prepare({ ...RPM, 'var/lib/dbus/machine-id': 'a\n' }), 'etc/machine-id')).to.equal('');
      const debian = prepare({ ...OLD_DEBIAN, 'var/lib/dbus/machine-id -> /etc/machine-id': '' });
      expect(debian.get('var/lib/dbus/machine-id')?.entry.type).to.equal('symlink');
      expect(debian.get('etc/machine-id')?.entry).to.include({ sizeBytes: 0, mode: 0o444 });
      expect(prepare({ 'bin/busybox': '' }).has('etc/machine-id')).to.equal(false);
    });
  });

  describe('device tables', () => {
    it('are commented out, with the original beside them', () => {
      const tree = prepare({
        'etc/crypttab': 'luks-1 UUID=1 none discard\nswap /dev/vda2 /dev/urandom swap\nfile /img none\n',
        'etc/fstab': 'UUID=1 / ext4 defaults 0 1\n',
      });
      expect(textOf(tree, 'etc/crypttab')).to.match(/^# .*crypttab\.installed\.\n#luks-1.*\n#swap.*\nfile /);
      expect(textOf(tree, 'etc/crypttab.installed')).to.include('\nswap /dev/vda2');
      expect(tree.get('etc/crypttab.installed')?.entry).to.include({ mode: 0o640, uid: 7 });
      expect(textOf(tree, 'etc/fstab')).to.include('#UUID=1');
    });
  });

  describe('ssh host keys', () => {
    const UNIT = 'system/iso2rootfs-ssh-host-keys.service';
    it('are made by a unit of ours where nothing else makes them (Debian 12)', () => {
      for (const [system, directory] of [
        [OLD_DEBIAN, 'lib/systemd'],
        [RPM, 'usr/lib/systemd'],
      ] as const) {
        const tree = prepare({
          ...system,
          [`${directory}/system/ssh.service`]: '[Service]\nExecStart=/usr/sbin/sshd -D\n# ssh-keygen is not called\n',
          'etc/ssh/ssh_host_rsa_key': 'secret',
        });
        expect(tree.has('etc/ssh/ssh_host_rsa_key')).to.equal(false);
        expect(textOf(tree, `${directory}/${UNIT}`)).to.include('ssh-keygen -A');
        const link = tree.get(`${directory}/system/ssh.service.wants/iso2rootfs-ssh-host-keys.service`);
        expect(link?.entry.linkTarget.toString()).to.equal('../iso2rootfs-ssh-host-keys.service');
        expect(tree.get(`${directory}/${UNIT}`)?.entry.selinuxLabel).to.equal(LABEL);
      }
    });

    const makers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      'RHEL and openEuler': {
        'usr/lib/systemd/system/sshd.service': '[Unit]\nWants=sshd-keygen.target\n[Service]\n',
      },
      SUSE: { 'usr/lib/systemd/system/sshd.service': '[Service]\nExecStartPre=/usr/sbin/sshd-gen-keys-start\n' },
      'Debian 13': {
        'usr/lib/systemd/system/ssh.service': '[Service]\n',
        'etc/systemd/system/ssh.service.wants/sshd-keygen.service -> /usr/lib/systemd/system/sshd-keygen.service': '',
      },
      'a drop-in': {
        'usr/lib/systemd/system/ssh.service': '[Service]\n',
        'etc/systemd/system/ssh.service.d/keys.conf': '[Service]\nExecStartPre=/usr/bin/ssh-keygen -A\n',
      },
    };
    for (const [name, files] of Object.entries(makers)) {
      it(`are left to the system where it makes them (${name})`, () => {
        expect(prepare({ ...RPM, ...files }).has(`usr/lib/systemd/${UNIT}`)).to.equal(false);
      });
    }

    it('are nobody’s business without an ssh server', () => {
      const tree = prepare({ 'usr/lib/systemd/system/': '' });
      expect(tree.has(`usr/lib/systemd/${UNIT}`)).to.equal(false);
    });
  });

  describe('name servers', () => {
    const WANTED = 'etc/systemd/system/multi-user.target.wants/systemd-resolved.service -> /x';
    const servers = { 'etc/resolv.conf': 'search lab.example\nnameserver 10.0.2.3\n' };
    it('of the installer are forgotten; systemd-resolved gets its link', () => {
      expect(textOf(prepare({ ...RPM, ...servers }), 'etc/resolv.conf')).to.equal('');
      const resolved = prepare({ ...RPM, ...servers, [WANTED]: '' }).get('etc/resolv.conf')?.entry;
      expect(resolved?.type).to.equal('symlink');
      expect(resolved?.linkTarget.toString()).to.equal('../run/systemd/resolve/stub-resolv.conf');
    });

    it('are left alone where there are none, or where the file is a link', () => {
      const text = '# nothing\noptions edns0\n';
      expect(textOf(prepare({ ...RPM, 'etc/resolv.conf': text, [WANTED]: '' }), 'etc/resolv.conf')).to.equal(text);
      const link = prepare({ ...RPM, 'etc/resolv.conf -> /run/x': '' }).get('etc/resolv.conf')?.entry;
      expect(link?.linkTarget.toString()).to.equal('/run/x');
    });
  });

  it('the name of an iSCSI initiator goes where a unit makes another', () => {
    const name = { 'etc/iscsi/initiatorname.iscsi': 'InitiatorName=iqn.1994-05.com.redhat:1\n' };
    const unit = { 'usr/lib/systemd/system/iscsi-init.service': '[Service]\n' };
    expect(prepare({ ...RPM, ...name, ...unit }).has('etc/iscsi/initiatorname.iscsi')).to.equal(false);
    expect(prepare({ ...RPM, ...name }).has('etc/iscsi/initiatorname.iscsi')).to.equal(true);
  });

  it('the journal is kept in memory: its directory goes with what is in it', () => {
    const tree = prepare({ 'var/log/journal/0123/system.journal': 'x', 'var/log/README': 'x' });
    expect([...tree.keys()]).to.deep.equal(['var', 'var/log', 'var/log/README']);
  });

  describe('network cards', () => {
    const IFCFG = 'etc/sysconfig/network-scripts/ifcfg-ens2';
    const NM = 'etc/systemd/system/multi-user.target.wants/NetworkManager.service -> /x';
    const dhcp =
      'TYPE=Ethernet\nBOOTPROTO=dhcp\nNAME=ens2\nUUID=1-2\nDEVICE=ens2\nHWADDR=52:54:00:00:00:01\nONBOOT=yes\nHOSTNAME=a\n';

    it('of ifcfg files are any, where NetworkManager reads them', () => {
      const generic = 'TYPE=Ethernet\nBOOTPROTO=dhcp\nNAME=ens2\nONBOOT=yes\nMULTI_CONNECT=3\n';
      expect(textOf(prepare({ ...RPM, [IFCFG]: dhcp, [NM]: '' }), IFCFG)).to.equal(generic);
      const scripts = 'TYPE=Ethernet\nBOOTPROTO=dhcp\nNAME=ens2\nDEVICE=ens2\nONBOOT=yes\n';
      expect(textOf(prepare({ ...RPM, [IFCFG]: dhcp }), IFCFG)).to.equal(scripts);
    });

    it('with static addresses, bonds and the loopback keep their names', () => {
      for (const text of [
        'TYPE=Ethernet\nBOOTPROTO=none\nIPADDR=10.0.0.1\nDEVICE=ens2\n',
        'TYPE=Bond\nDEVICE=bond0\n',
      ]) {
        expect(textOf(prepare({ ...RPM, [IFCFG]: text, [NM]: '' }), IFCFG)).to.equal(text);
      }
      const lo = 'etc/sysconfig/network-scripts/ifcfg-lo';
      expect(textOf(prepare({ ...RPM, [lo]: dhcp, [NM]: '' }), lo)).to.equal(dhcp);
    });

    it('have a profile where NetworkManager has none left, as no-auto-default may leave it without', () => {
      const directory = 'etc/NetworkManager/system-connections';
      const ours = `${directory}/iso2rootfs-ethernet.nmconnection`;
      const installed = { ...RPM, [NM]: '', [`${directory}/enp1s0.nmconnection`]: '[connection]\n' };
      const tree = prepare(installed);
      expect(tree.has(`${directory}/enp1s0.nmconnection`)).to.equal(false);
      expect(textOf(tree, ours)).to.include('type=ethernet').and.not.include('interface-name');
      expect(tree.get(ours)?.entry.mode).to.equal(0o600);
      expect(prepare({ ...RPM, [`${directory}/`]: '' }).has(ours)).to.equal(false);
      expect(prepare({ ...installed, [IFCFG]: dhcp }).has(ours)).to.equal(false);
    });

    it('of netplan are any, however the file is indented', () => {
      const path = 'etc/netplan/00-installer-config.yaml';
      const text = "# written by 'subiquity'\nnetwork:\n  ethernets:\n    ens3:\n      dhcp4: true\n  version: 2\n";
      expect(textOf(prepare({ [path]: text }), path)).to.equal(
        text.replace('    ens3:\n', '    ethernet:\n      match:\n        name: "e*"\n'),
      );
      const wide = 'network:\n    ethernets:\n        enp0s1:\n            dhcp4: yes\n';
      expect(textOf(prepare({ [path]: wide }), path)).to.equal(
        wide.replace('        enp0s1:\n', '        ethernet:\n            match:\n              name: "e*"\n'),
      );
      for (const other of [
        text.replace('dhcp4: true', 'dhcp4: true\n      addresses: [10.0.0.2/24]'),
        text.replace('dhcp4: true', 'dhcp4: false'),
        text.replace('dhcp4: true', 'match: {macaddress: "x"}\n      dhcp4: true'),
        text.replace('  version', '    ens4:\n      dhcp4: true\n  version'),
      ]) {
        expect(textOf(prepare({ [path]: other }), path)).to.equal(other);
      }
    });

    it('of ifupdown are any, also where debian-installer had no network and wrote none', () => {
      const path = 'etc/network/interfaces';
      const system = { ...OLD_DEBIAN, 'sbin/ifup': '', 'sbin/dhclient': '' };
      const lo = 'source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n';
      const card =
        '\n# The primary network interface\nallow-hotplug ens3\niface ens3 inet dhcp\niface ens3 inet6 auto\n';
      for (const text of [lo, lo + card]) {
        const tree = prepare({ ...system, [path]: text });
        expect(textOf(tree, path)).to.match(/allow-hotplug \/e\*\nmapping e\*\n.*any-card\niface ethernet inet dhcp\n/);
        expect(textOf(tree, path)).to.include('iface lo inet loopback').and.not.include('ens3');
        expect(tree.get('etc/network/iso2rootfs-any-card')?.entry.mode).to.equal(0o755);
      }
      for (const text of [
        `${lo}auto ens3\niface ens3 inet static\n  address 10.0.0.1/24\n`,
        `${lo}allow-hotplug ens3\niface ens3 inet dhcp\n  up echo mine\n`,
      ]) {
        expect(textOf(prepare({ ...system, [path]: text }), path)).to.equal(text);
      }
      expect(textOf(prepare({ ...OLD_DEBIAN, 'sbin/ifup': '', [path]: lo }), path)).to.equal(lo);
      expect(textOf(prepare({ ...system, [path]: lo, [NM]: '' }), path)).to.equal(lo);
      expect(textOf(prepare({ ...system, [path]: lo, 'etc/network/interfaces.d/mine': 'x' }), path)).to.equal(lo);
    });
  });

  it('services of a crash kernel are skipped where there is none', () => {
    const tree = prepare({ ...RPM, 'usr/lib/systemd/system/kdump.service': '[Service]\n' });
    expect(textOf(tree, 'usr/lib/systemd/system/kdump.service.d/iso2rootfs.conf')).to.include(
      'ConditionKernelCommandLine=crashkernel',
    );
    expect([...prepare(RPM).keys()].join()).to.not.include('kdump');
  });

  describe('SELinux', () => {
    const config = '# SELINUX= can take one of\n#     enforcing\nSELINUX=enforcing\nSELINUXTYPE=targeted\n';
    const files = { 'etc/selinux/config': config };
    it('stays as it is, or is set', () => {
      expect(textOf(prepare(files), 'etc/selinux/config')).to.equal(config);
      for (const selinux of ['permissive', 'disabled'] as const) {
        expect(textOf(prepare(files, { selinux }), 'etc/selinux/config')).to.equal(
          config.replace('SELINUX=enforcing', `SELINUX=${selinux}`),
        );
      }
      expect(textOf(prepare({ 'etc/selinux/config': '' }, { selinux: 'disabled' }), 'etc/selinux/config')).to.equal(
        '\nSELINUX=disabled\n',
      );
    });

    it('is told', () => {
      const rewriter = new NetbootRewriter();
      leave(createTree(files), rewriter);
      expect(rewriter.selinuxMode).to.equal('enforcing');
      const none = new NetbootRewriter({ selinux: 'disabled' });
      leave(createTree(RPM), none);
      expect(none.selinuxMode).to.equal(undefined);
    });
  });

  it('files that are added have the time of their directories, and come only where they make sense', () => {
    const entries = createTree(RPM).map((file) => ({ ...file, entry: { ...file.entry, mtimeSeconds: 1234 } }));
    const tree = leave(entries, new NetbootRewriter());
    const generator = 'usr/lib/systemd/system-generators/iso2rootfs-nfs-root';
    expect(tree.get(generator)?.entry.mtimeSeconds).to.equal(1234);
    // The same whether an initramfs is made together with the tree, or of the tree later.
    const again = new NetbootRewriter();
    expect(leave([...tree.values()], again).get(generator)?.entry.mtimeSeconds).to.equal(1234);
    expect([...prepare({ 'bin/sh': '' }).keys()]).to.deep.equal(['bin', 'bin/sh']);
  });
});
