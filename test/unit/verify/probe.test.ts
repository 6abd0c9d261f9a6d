import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { initrdFiles, joinArchives, packFiles, probeFiles } from '../../../src/verify/probe.js';

const FACTS = { port: 'ttyS1', capabilityPaths: ['usr/bin/ping', 'evil\nISO2ROOTFS end', 'opt/with "quotes"'] };

describe('the probe', () => {
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'probe-'))));
  afterEach(async () => rm(directory, { recursive: true }));

  function list(archive: Buffer): string[] {
    return execFileSync('cpio', ['-t', '--quiet'], { input: archive }).toString().trim().split('\n');
  }

  it('is a unit that the basic target of every boot wants, and a script', async () => {
    const archive = packFiles(await probeFiles(FACTS));
    expect(list(archive)).to.include.members([
      'etc/systemd/system/iso2rootfs-verify.service',
      'etc/systemd/system/sysinit.target.d/50-iso2rootfs-verify.conf',
      'etc/iso2rootfs-verify/probe.sh',
    ]);
    execFileSync('cpio', ['-i', '--quiet', '-D', directory], { input: archive });
    const unit = await readFile(path.join(directory, 'etc/systemd/system/iso2rootfs-verify.service'), 'utf8');
    expect(unit)
      .to.match(/^ExecStart=\/bin\/sh \/etc\/iso2rootfs-verify\/probe\.sh$/m)
      .and.to.not.include('@');
    const list_ = await readFile(path.join(directory, 'etc/iso2rootfs-verify/capabilities'), 'utf8');
    expect(list_).to.equal('usr/bin/ping\nopt/with "quotes"\n');
  });

  it('comes into an initrd by the configuration of initramfs-tools and by hooks of dracut', async () => {
    const names = list(packFiles(await initrdFiles({ ...FACTS, withOverlay: false })));
    expect(names).to.include.members([
      'conf/conf.d/zz-iso2rootfs-verify',
      'usr/lib/dracut/hooks/pre-pivot/00-iso2rootfs-verify.sh',
      'iso2rootfs-verify/initrd-hook.sh',
    ]);
    // As a directory it would take the place of dracut's link to usr/lib.
    expect(names).to.not.include('lib');
    expect(names).to.not.include('iso2rootfs-verify/overlay');
    expect(list(packFiles(await initrdFiles({ ...FACTS, withOverlay: true })))).to.include('iso2rootfs-verify/overlay');
  });

  it('puts itself before the other scripts of initramfs-tools, and keeps them', async () => {
    const hook = path.resolve(import.meta.dirname, '../../../templates/verify/initramfs-tools.conf');
    const script = (await readFile(hook, 'utf8')).replaceAll('/scripts/', `${directory}/scripts/`);
    execFileSync('mkdir', ['-p', path.join(directory, 'scripts/init-bottom')]);
    await writeFile(path.join(directory, 'scripts/init-bottom/ORDER'), '/scripts/init-bottom/udev "$@"\n');
    execFileSync('sh', ['-c', script]);
    const order = await readFile(path.join(directory, 'scripts/init-bottom/ORDER'), 'utf8');
    expect(order).to.equal('. /iso2rootfs-verify/initrd-hook.sh\n/scripts/init-bottom/udev "$@"\n');
  });

  it('joins archives so that an uncompressed one begins at a multiple of 4', async () => {
    const image = path.join(directory, 'image.cgz');
    const compressed = Buffer.concat([gzipSync(packFiles(await probeFiles(FACTS))), Buffer.from('odd'.slice(0, 1))]);
    await writeFile(image, compressed);
    const joined = path.join(directory, 'joined');
    const probe = packFiles(await initrdFiles({ ...FACTS, withOverlay: false }));
    await joinArchives([image, probe], joined);
    const bytes = await readFile(joined);
    const start = bytes.length - probe.length;
    expect(start % 4).to.equal(0);
    expect(bytes.subarray(0, compressed.length).equals(compressed)).to.equal(true);
    expect(bytes.subarray(compressed.length, start).every((byte) => byte === 0)).to.equal(true);
    expect((await readFile(image)).equals(compressed)).to.equal(true);
  });
});
