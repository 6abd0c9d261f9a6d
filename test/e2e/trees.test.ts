/**
 * The artifacts against the root file system that was installed, entry by entry: type, mode, numeric owner, size, hash, hard-link groups,
 * xattrs (ACLs, capabilities, labels), device numbers, link targets, times.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { run } from '../../src/tools/run.js';
import { convertOnce, type SharedConversion } from './conversion.js';
import { differences, listTree, type Listing } from './tree-listing.js';

interface Expected {
  readonly path: RegExp;
  readonly change: 'removed' | 'added' | readonly string[];
  readonly why: string;
}

/** Everything that differs between the installed system and rootfs.tar. Each of them has to be seen, and nothing else. */
const BY_PREPARE: readonly Expected[] = [
  { path: /^etc\/ssh\/ssh_host_\w+_key(\.pub)?$/, change: 'removed', why: 'virt-sysprep ssh-hostkeys' },
  { path: /^opt\/odd\/times\/after-2038$/, change: ['mtime'], why: 'later than the end of the installation' },
  { path: /^var\/lib$/, change: ['mtime'], why: 'the success token was in it' },
  { path: /^etc\/machine-id$/, change: ['mtime', 'sha256', 'size'], why: 'virt-sysprep machine-id: empty' },
  { path: /^root\/(anaconda|original)-ks\.cfg$/, change: 'removed', why: 'virt-sysprep kickstart' },
  { path: /^var\/log\/.+$/, change: 'removed', why: 'virt-sysprep logfiles' },
  { path: /^var\/cache\/apt\/archives\/lock$/, change: 'removed', why: 'virt-sysprep package-manager-cache' },
  {
    path: /^(etc\/ssh|root|tmp|var\/log|var\/log\/anaconda|var\/cache\/apt\/archives|var\/lib\/systemd)$/,
    change: ['mtime'],
    why: 'directories that these were removed from, or changed after the end of the installation',
  },
  { path: /^etc\/fstab$/, change: ['sha256', 'size'], why: 'no block devices (src/distro/fstab.ts)' },
  { path: /^etc\/fstab\.installed$/, change: 'added', why: 'what it was' },
  { path: /^var\/lib\/iso2rootfs(\/token)?$/, change: 'removed', why: 'the success token (src/distro/netboot.ts)' },
  { path: /^var\/lib\/systemd\/random-seed$/, change: 'removed', why: 'every machine would share it' },
  { path: /^var\/log\/journal$/, change: 'removed', why: 'logs are kept in memory' },
  {
    path: /^usr\/lib\/systemd\/system-generators\/iso2rootfs-nfs-root$/,
    change: 'added',
    why: 'an NFS root keeps its network (src/distro/netboot/nfs-root.ts)',
  },
];

describe('the artifacts, entry by entry', function () {
  this.timeout(40 * 60_000);
  let conversion: SharedConversion;
  let installed: Listing;
  let unpackedTar: Listing;

  before(async () => {
    conversion = await convertOnce();
    installed = await listTree(conversion.installedDisk, { isDisk: true });
    const directory = path.join(conversion.directory, 'tar');
    await mkdir(directory);
    await run('tar', [
      ...['--extract', '--file', path.join(conversion.outputs[0], 'rootfs.tar'), '--directory', directory],
      ...['--numeric-owner', '--same-owner', '--preserve-permissions', '--xattrs', '--xattrs-include=*', '--acls'],
      // Without it GNU tar complains of files of the future.
      '--warning=no-timestamp',
    ]);
    unpackedTar = await listTree(directory);
  });

  it('have the odd entries to compare', () => {
    const odd = [...installed.values()].filter(({ path: name }) => name.startsWith('opt/odd/'));
    expect(odd.length).to.be.above(100);
    expect(odd.filter(({ xattrs }) => xattrs !== undefined).length).to.be.above(5);
    expect(odd.filter(({ link }) => link !== undefined).length).to.be.above(10);
    expect(installed.size).to.be.above(5000);
  });

  it('rootfs.tar is the installed system but for what is documented to change', () => {
    const found = differences(installed, unpackedTar);
    const isExpected = (difference: (typeof found)[number], expected: Expected): boolean =>
      expected.path.test(difference.path) && String(difference.change) === String(expected.change);
    const unexpected = found.filter((each) => !BY_PREPARE.some((expected) => isExpected(each, expected)));
    expect(unexpected.map(({ text }) => text)).to.deep.equal([]);
    const unseen = BY_PREPARE.filter((expected) => !found.some((each) => isExpected(each, expected)));
    expect(unseen.map(({ why }) => why)).to.deep.equal([]);
  });

  it('nfsroot is rootfs.tar, when it was made with it and when it came from the cache', async () => {
    for (const output of conversion.outputs) {
      const nfsroot = await listTree(path.join(output, 'nfsroot'));
      expect(differences(unpackedTar, nfsroot).map(({ text }) => text)).to.deep.equal([]);
    }
  });

  it('nfsroot has sparse files that take no more space than on the installed disk', async () => {
    const { stdout } = await run('du', [
      '--block-size=1024',
      path.join(conversion.outputs[0], 'nfsroot/opt/odd/sparse/middle'),
    ]);
    expect(Number(stdout.split('\t')[0])).to.be.below(1024);
  });

  it('initramfs.cgz is rootfs.tar as far as newc can hold it, with /init', async () => {
    const directory = path.join(conversion.directory, 'cpio');
    await mkdir(directory);
    // bsdtar, since GNU cpio does not set the times of directories.
    await run('bsdtar', [
      '-x',
      '-p',
      '--numeric-owner',
      '-f',
      path.join(conversion.outputs[0], 'initramfs.cgz'),
      '-C',
      directory,
    ]);
    const unpacked = await listTree(directory);
    const found = differences(asNewc(unpackedTar), asNewc(unpacked));
    // bsdtar does not set the time of the directory that it unpacks into.
    const differing = found.map(({ text }) => text).filter((text) => !text.startsWith('! "." mtime'));
    expect(differing.sort()).to.deep.equal([
      '+ "init"',
      '+ "usr/lib/iso2rootfs"',
      '+ "usr/lib/iso2rootfs/capabilities"',
      '+ "usr/lib/iso2rootfs/restore-capabilities"',
      '+ "usr/lib/systemd/system/iso2rootfs-capabilities.service"',
      '+ "usr/lib/systemd/system/sysinit.target.wants/iso2rootfs-capabilities.service"',
    ]);
    expect(unpacked.get('init')).to.include({ type: 'symlink', target: 'sbin/init' });
  });

  it('the manifest names every entry whose xattrs initramfs.cgz does not hold', () => {
    const lost = conversion.manifest.initramfs!.lostMetadata.map(
      ({ path: name, xattrs }) => `${name} ${[...xattrs].sort().join(' ')}`,
    );
    const had = [...unpackedTar.values()].flatMap(({ path: name, xattrs = {} }) => {
      const names = Object.keys(xattrs).filter((xattr) => xattr !== 'security.selinux');
      return names.length === 0 ? [] : [`${name} ${names.sort().join(' ')}`];
    });
    expect(lost.sort()).to.deep.equal(had.sort());
    const labels = [...unpackedTar.values()].filter(({ xattrs = {} }) => 'security.selinux' in xattrs);
    expect(conversion.manifest.initramfs!.lostLabelCount).to.equal(labels.length);
  });
});

/** Without what newc has no place for: xattrs, parts of a second. */
function asNewc(listing: Listing): Listing {
  return new Map(
    [...listing].map(([name, entry]) => [
      name,
      { ...entry, xattrs: undefined, mtime: entry.mtime.replace(/\..*/, '') },
    ]),
  );
}
