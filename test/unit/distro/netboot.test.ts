import { expect } from 'chai';
import { withoutBlockDevices } from '../../../src/distro/fstab.js';
import { parseDpkgStatus } from '../../../src/distro/dpkg-status.js';
import { NetbootRewriter } from '../../../src/distro/netboot.js';
import { createEntry, createFile } from '../../../src/tree/entry.js';

describe('withoutBlockDevices', () => {
  const gone = [
    'UUID=0a1b / xfs defaults 0 0',
    'LABEL=boot\t/boot\text4\tdefaults\t1 2',
    'PARTUUID=00-01 /boot/efi vfat umask=0077 0 2',
    'PARTLABEL=x /x ext4 defaults 0 0',
    '"UUID=0a1b" /q ext4 defaults 0 0',
    '/dev/mapper/openeuler-swap none swap defaults 0 0',
    '/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0',
    '/swapfile none swap sw 0 0',
    '  /dev/vda1 /indented ext4 defaults 0 0',
  ];
  const kept = [
    '',
    '# UUID=0a1b / xfs defaults 0 0',
    'tmpfs /tmp tmpfs defaults 0 0',
    'proc /proc proc defaults 0 0',
    'server:/export /mnt nfs defaults 0 0',
    '//server/share /smb cifs guest 0 0',
    '/srv /mnt/srv none bind 0 0',
    'not an entry',
  ];

  it('comments out what mounts block devices or swap, and nothing else', () => {
    const lines = withoutBlockDevices([...gone, ...kept].join('\n'))
      .split('\n')
      .slice(1);
    expect(lines).to.deep.equal([...gone.map((line) => `#${line}`), ...kept]);
  });

  it('leaves an fstab without any of those byte for byte', () => {
    for (const text of ['', '\n', kept.join('\n'), 'tmpfs /tmp tmpfs rw 0 0\r\n']) {
      expect(withoutBlockDevices(text)).to.equal(text);
    }
  });

  it('changes nothing the second time', () => {
    const once = withoutBlockDevices(gone.join('\n'));
    expect(withoutBlockDevices(once)).to.equal(once);
  });

  it('keeps bytes that are no text', () => {
    const bytes = Buffer.from([0x23, 0xff, 0xfe, 0x0a]);
    const text = `${bytes.toString('latin1')}/dev/vda1 / ext4 rw 0 0\n`;
    expect(Buffer.from(withoutBlockDevices(text), 'latin1').includes(bytes)).to.equal(true);
  });
});

describe('NetbootRewriter', () => {
  const file = (name: string, sizeBytes = 10) =>
    createEntry({ path: Buffer.from(name), type: 'file', sizeBytes, mode: 0o600 });

  function rewriteFile(rewriter: NetbootRewriter, name: string, content: string) {
    const entry = file(name, content.length);
    const rewritten = rewriter.rewrite(entry);
    if (rewritten === undefined || !('withContent' in rewritten)) throw new Error(`${name} is not held`);
    return rewritten.withContent(Buffer.from(content));
  }

  it('changes fstab and keeps the original beside it, with its attributes', () => {
    const [changed, original] = rewriteFile(new NetbootRewriter(), 'etc/fstab', 'UUID=x / xfs rw 0 0\n');
    expect(changed?.content.toString()).to.match(/^#.*\n#UUID=x/);
    expect(changed?.entry).to.include({ mode: 0o600, sizeBytes: changed?.content.length });
    expect(original?.entry.path.toString()).to.equal('etc/fstab.installed');
    expect(original?.content.toString()).to.equal('UUID=x / xfs rw 0 0\n');
    expect(rewriteFile(new NetbootRewriter(), 'etc/fstab', '# nothing\n')).to.have.length(1);
  });

  it('takes the token out and tells it', () => {
    const rewriter = new NetbootRewriter();
    const directory = createEntry({ path: Buffer.from('var/lib/iso2rootfs'), type: 'directory' });
    expect(rewriter.rewrite(directory)).to.equal(undefined);
    expect(rewriter.rewrite(file('var/lib/iso2rootfs/else'))).to.equal(undefined);
    expect(rewriter.token).to.equal(undefined);
    expect(rewriteFile(rewriter, 'var/lib/iso2rootfs/token', 'abc\n')).to.deep.equal([]);
    expect(rewriter.token).to.equal('abc');
  });

  it('leaves everything else alone, and holds nothing large', () => {
    const rewriter = new NetbootRewriter();
    for (const entry of [
      file('usr/bin/bash'),
      file('var/lib/iso2rootfs2'),
      file('etc/fstab', 2 ** 30),
      file('var/lib/dpkg/status', 2 ** 30),
      createEntry({ path: Buffer.from('etc/fstab'), type: 'symlink', linkTarget: Buffer.from('x') }),
      createEntry({ path: Buffer.from([0xff, 0x2f]), type: 'fifo' }),
    ]) {
      expect(rewriter.rewrite(entry)).to.equal(entry);
    }
    expect(rewriter.rewrite(file('var/lib/iso2rootfs/token', 2 ** 30))).to.equal(undefined);
    expect(rewriter.token).to.equal(undefined);
  });

  it('adds /init where there is none', () => {
    const rewriter = new NetbootRewriter();
    const [init] = rewriter.appendToInitramfs();
    expect(init?.entry).to.include({ type: 'symlink' });
    expect(init?.entry.linkTarget.toString()).to.equal('sbin/init');
    rewriter.rewrite(createFile(Buffer.from('init'), Buffer.from('#!/bin/sh')).entry);
    expect(rewriter.appendToInitramfs()).to.deep.equal([]);
  });

  it('reads the installed packages of dpkg', () => {
    const status = `Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2+b7
Description: shell
 Package: not this

Package: gone
Status: deinstall ok config-files
Version: 1

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2024a
`;
    expect(parseDpkgStatus(status)).to.deep.equal([
      { name: 'bash', version: '5.2.15-2+b7', arch: 'amd64' },
      { name: 'tzdata', version: '2024a', arch: 'all' },
    ]);
    const rewriter = new NetbootRewriter();
    const [kept] = rewriteFile(rewriter, 'var/lib/dpkg/status', status);
    expect(kept?.content.toString()).to.equal(status);
    expect(rewriter.packages).to.have.length(2);
  });
});

describe('an fstab that was rewritten before', () => {
  const fstab = createFile(Buffer.from('etc/fstab'), Buffer.from('UUID=1 / ext4 defaults 0 1\n'));
  const original = createFile(Buffer.from('etc/fstab.installed'), Buffer.from('older\n'));

  for (const order of ['before', 'after'] as const) {
    it(`is written once beside its original, when that comes ${order} it`, () => {
      const rewriter = new NetbootRewriter();
      const entries = order === 'before' ? [original, fstab] : [fstab, original];
      const written = entries.flatMap(({ entry, content }) => {
        const result = rewriter.rewrite(entry);
        if (result === undefined) return [];
        if ('withContent' in result) return result.withContent(content).map((file) => file.entry.path.toString());
        return 'path' in result ? [result.path.toString()] : result.map((file) => file.entry.path.toString());
      });
      expect(written.sort()).to.deep.equal(['etc/fstab', 'etc/fstab.installed']);
    });
  }
});
