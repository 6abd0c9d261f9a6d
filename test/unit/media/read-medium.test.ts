import { chmod, mkdir, readFile, stat, symlink, truncate, writeFile, appendFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, use } from 'chai';
import chaiAsPromised from 'chai-as-promised';
import { extractFile, readFileFromMedium, readMedium, readVolumeDescriptor } from '../../../src/media/read-medium.js';
import { run } from '../../../src/tools/run.js';
import { expectRefusal } from './expect-refusal.js';
import { makeIso, makeScratch, type IsoTree } from './make-iso.js';

use(chaiAsPromised);

const LONG_NAME = `${'n'.repeat(240)}.conf`;
const TREE: IsoTree = {
  '.treeinfo': '[general]\nfamily = openEuler\nversion = 22.03-LTS\n',
  '.disk/info': 'Debian GNU/Linux 12.0.0 "Bookworm" - Official amd64 NETINST\n',
  'images/pxeboot/vmlinuz': 'a kernel',
  'images/pxeboot/initrd.img': Buffer.alloc(3 * 1024 * 1024, 'initrd'),
  'Packages/a/aide-1.rpm': 'package',
  'Packages/b/bash-5.rpm': 'package',
  'empty directory/': '',
  'ünïcode 文件': 'names',
  [LONG_NAME]: 'long name',
  kernel: { linkTo: 'images/../images/pxeboot/./vmlinuz' },
  absolute: { linkTo: '/images/pxeboot' },
  dangling: { linkTo: '../../nowhere' },
  circle: { linkTo: 'circle' },
};

describe('readMedium', () => {
  let scratch: Awaited<ReturnType<typeof makeScratch>>;
  let iso: string;

  before(async () => {
    scratch = await makeScratch();
    iso = await makeIso(scratch.path, 'rock-ridge', TREE, {
      volumeId: 'openEuler-22.03-LTS-x86_64',
      systemId: 'LINUX',
      publisherId: 'A PUBLISHER',
      applicationId: 'AN APPLICATION',
    });
  });
  after(() => scratch.remove());

  it('reads the volume descriptor', async () => {
    const volume = await readVolumeDescriptor(iso);
    expect(volume).to.deep.include({
      volumeId: 'openEuler-22.03-LTS-x86_64',
      systemId: 'LINUX',
      publisherId: 'A PUBLISHER',
      applicationId: 'AN APPLICATION',
    });
    expect(volume.sizeBytes).to.equal((await stat(iso)).size);
    expect(Math.abs(Date.parse(volume.createdAt!) - Date.now())).to.be.lessThan(60_000);
  });

  it('reads Rock Ridge names, symlinks and sizes', async () => {
    const facts = await readMedium(iso);
    expect(facts.naming).to.equal('rock-ridge');
    expect(facts.entries.get('images/pxeboot/initrd.img')).to.deep.equal({
      path: 'images/pxeboot/initrd.img',
      type: 'file',
      sizeBytes: 3 * 1024 * 1024,
    });
    expect(facts.entries.get('kernel')).to.deep.include({
      type: 'symlink',
      linkTarget: 'images/../images/pxeboot/./vmlinuz',
    });
    expect(facts.entries.get('absolute')).to.deep.include({ linkTarget: '/images/pxeboot' });
    expect(facts.entries.get('empty directory')).to.deep.include({ type: 'directory' });
    expect([...facts.entries.keys()]).to.include.members(['ünïcode 文件', LONG_NAME]);
    expect([...facts.identityFiles.keys()]).to.have.members(['.treeinfo', '.disk/info']);
  });

  it('proves a package pool with one package', async () => {
    const { entries } = await readMedium(iso);
    expect([...entries.keys()].filter((entry) => entry.startsWith('Packages/'))).to.deep.equal([
      'Packages/a',
      'Packages/a/aide-1.rpm',
    ]);
  });

  it('reads Joliet names where there is no Rock Ridge', async () => {
    const facts = await readMedium(await makeIso(scratch.path, 'joliet', withoutLinks(TREE), { naming: 'joliet' }));
    expect(facts.naming).to.equal('joliet');
    expect([...facts.entries.keys()]).to.include.members(['images/pxeboot/vmlinuz', 'ünïcode 文件', '.treeinfo']);
    expect(facts.identityFiles.get('.treeinfo')).to.equal(TREE['.treeinfo']);
  });

  it('reads plain ISO 9660 names in lower case and without versions', async () => {
    const plain = await makeIso(scratch.path, 'plain', withoutLinks(TREE), { naming: 'iso9660' });
    const facts = await readMedium(plain);
    expect(facts.naming).to.equal('iso9660');
    expect([...facts.entries.keys()]).to.include.members(['images/pxeboot/vmlinuz', 'images/pxeboot/initrd.img']);
    expect([...facts.identityFiles.keys()]).to.have.members(['.treeinfo', '.disk/info']);
    expect((await readFileFromMedium(plain, 'Images/PXEboot/VMLINUZ', 100)).toString()).to.equal('a kernel');
  });

  it('reads an isohybrid, whose file is longer than its volume', async () => {
    const hybrid = path.join(scratch.path, 'hybrid.iso');
    await writeFile(hybrid, await readFile(iso));
    await appendFile(hybrid, Buffer.alloc(1024 * 1024, 'partition'));
    const facts = await readMedium(hybrid);
    expect(facts.sizeBytes).to.be.greaterThan(facts.volume.sizeBytes);
    expect(facts.entries.size).to.equal((await readMedium(iso)).entries.size);
  });

  it('reads a label with spaces and one that is not ASCII', async () => {
    const spaces = await makeIso(scratch.path, 'spaces', { file: 'x' }, { volumeId: 'CentOS 7 x86_64' });
    expect((await readVolumeDescriptor(spaces)).volumeId).to.equal('CentOS 7 x86_64');
    const image = await readFile(spaces);
    image.write('Ubuntu été\u009b31m'.padEnd(30), 16 * 2048 + 40, 'utf8');
    await writeFile(spaces, image);
    expect((await readVolumeDescriptor(spaces)).volumeId).to.equal('Ubuntu été\ufffd31m');
  });

  describe('readFileFromMedium', () => {
    it('follows symlinks inside the medium', async () => {
      expect((await readFileFromMedium(iso, 'kernel', 100)).toString()).to.equal('a kernel');
      expect((await readFileFromMedium(iso, '/absolute/vmlinuz', 100)).toString()).to.equal('a kernel');
    });

    it('refuses what is missing, a directory, too long, or behind a circle of symlinks', async () => {
      for (const [entry, message] of [
        ['no/such/file', /has no file "no\/such\/file"/],
        ['dangling', /has no file/],
        ['images', /it is a directory/],
        ['images/pxeboot/initrd.img', /has 3145728 bytes; at most 100/],
        ['circle', /too many symlinks/],
        ['images/pxeboot/vmlinuz/more', /has no file/],
      ] as const) {
        await expectRefusal(readFileFromMedium(iso, entry, 100), 'NOT_INSTALL_MEDIA', message);
      }
    });

    it('cannot be led out of the medium', async () => {
      await expectRefusal(readFileFromMedium(iso, '../../etc/passwd', 100), 'NOT_INSTALL_MEDIA', /has no file/);
    });
  });

  describe('extractFile', () => {
    it('writes a private copy, replacing what was there', async () => {
      const destination = path.join(scratch.path, 'initrd');
      await writeFile(destination, 'x'.repeat(4 * 1024 * 1024), { mode: 0o644 });
      expect(await extractFile(iso, 'images/pxeboot/initrd.img', destination)).to.equal(3 * 1024 * 1024);
      expect(await readFile(destination)).to.deep.equal(TREE['images/pxeboot/initrd.img']);
      expect((await stat(destination)).mode & 0o7777).to.equal(0o600);
      await extractFile(iso, 'kernel', destination, { mode: 0o640 });
      expect((await stat(destination)).mode & 0o7777).to.equal(0o640);
    });

    it('leaves nothing behind when it is aborted', async () => {
      const destination = path.join(scratch.path, 'aborted');
      const reason = new Error('stopped');
      const extraction = extractFile(iso, 'kernel', destination, { signal: AbortSignal.abort(reason) });
      await expect(extraction).to.be.rejectedWith(reason);
      await expect(stat(destination)).to.be.rejectedWith('ENOENT');
    });

    it('says when the disk is full', async () => {
      const full = path.join(scratch.path, 'full');
      await symlink('/dev/full', full);
      const before = await stat('/dev/full');
      await expectRefusal(extractFile(iso, 'kernel', full), 'NO_SPACE', /ENOSPC/);
      expect((await stat('/dev/full')).mode).to.equal(before.mode);
    });
  });

  describe('files that are no ISO', () => {
    const written = async (name: string, content: Buffer | string): Promise<string> => {
      const file = path.join(scratch.path, name);
      await writeFile(file, content);
      return file;
    };

    it('a missing file is ISO_NOT_FOUND', async () => {
      await expectRefusal(readMedium(path.join(scratch.path, 'missing.iso')), 'ISO_NOT_FOUND', /does not exist/);
      await expectRefusal(readMedium(path.join(iso, 'below.iso')), 'ISO_NOT_FOUND', /does not exist/);
    });

    it('a directory, an empty file and a fifo are not', async () => {
      await mkdir(path.join(scratch.path, 'directory.iso'));
      await expectRefusal(readMedium(path.join(scratch.path, 'directory.iso')), 'NOT_INSTALL_MEDIA', /a directory/);
      await expectRefusal(readMedium(await written('empty.iso', '')), 'NOT_INSTALL_MEDIA', /is empty/);
      const fifo = path.join(scratch.path, 'fifo.iso');
      await run('mkfifo', [fifo]);
      await expectRefusal(readMedium(fifo), 'NOT_INSTALL_MEDIA', /not a regular file/);
    });

    it('other formats are named', async () => {
      const sector = (head: string): Buffer => Buffer.concat([Buffer.from(head, 'latin1'), Buffer.alloc(64 * 1024)]);
      for (const [name, content, message] of [
        ['blank', Buffer.alloc(64 * 1024), /not an ISO 9660 image: it has no volume descriptor at sector 16/],
        ['short', Buffer.from('x'), /not an ISO 9660 image: it has only 1 bytes/],
        ['xz', sector('\xfd7zXZ\0'), /xz data.*unxz/],
        ['html', sector('<!DOCTYPE html>'), /an HTML page.*check the URL/],
        ['qcow2', sector('QFI\xfb'), /qcow2/],
      ] as const) {
        await expectRefusal(readMedium(await written(`${name}.iso`, content)), 'NOT_INSTALL_MEDIA', message);
      }
    });

    it('a UDF-only image is named', async () => {
      const image = Buffer.alloc(20 * 2048);
      for (const [index, identifier] of ['BEA01', 'NSR02', 'TEA01'].entries()) {
        image.write(`\0${identifier}\x01`, (16 + index) * 2048, 'latin1');
      }
      await expectRefusal(readMedium(await written('udf.iso', image)), 'NOT_INSTALL_MEDIA', /UDF-only/);
    });

    it('a truncated ISO says how many bytes are missing', async () => {
      const truncated = await written('truncated.iso', await readFile(iso));
      const { size } = await stat(truncated);
      await truncate(truncated, size - 4096);
      const error = await expectRefusal(readMedium(truncated), 'NOT_INSTALL_MEDIA', /truncated.*download it again/);
      expect(error.data).to.deep.equal({ expectedBytes: size, presentBytes: size - 4096 });
      expect(error.message).to.include(`has ${size} bytes, the file has ${size - 4096}`);
    });

    it('a file that may not be read is PERMISSION', async () => {
      const secret = await written('secret.iso', await readFile(iso));
      await chmod(secret, 0);
      await chmod(scratch.path, 0o755);
      const script = `import { readMedium } from ${JSON.stringify(path.join(import.meta.dirname, '../../../src/media/read-medium.ts'))};
        await readMedium(${JSON.stringify(secret)}).catch((error) => console.log(error.code, error.exitStatus));`;
      const node = [process.execPath, '--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script];
      // Root may read everything: ask as somebody else.
      const isRoot = process.getuid?.() === 0;
      const [program = '', ...args] = isRoot
        ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...node]
        : node;
      expect((await run(program, args)).stdout.trim()).to.equal('PERMISSION 77');
    });
  });
});

function withoutLinks(tree: IsoTree): IsoTree {
  return Object.fromEntries(
    Object.entries(tree).filter(([, content]) => typeof content !== 'object' || !('linkTo' in content)),
  );
}
