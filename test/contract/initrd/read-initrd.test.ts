import { execFileSync } from 'node:child_process';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { expect } from 'chai';
import { readInitrd } from '../../../src/distro/initrd/read-initrd.js';
import { Toolbox } from '../../../src/tools/toolbox.js';

const KERNEL = 'usr/lib/modules/6.1.0';

describe('readInitrd with archives of cpio(1) and real compressors', () => {
  let directory: string;
  let tools: Toolbox;
  let main: Buffer;
  let early: Buffer;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'initrd-'));
    tools = new Toolbox({ logDirectory: path.join(directory, 'logs') });
    main = await archive('main', {
      [`${KERNEL}/modules.builtin`]: 'kernel/fs/nfs/nfs.ko\n',
      [`${KERNEL}/kernel/drivers/net/virtio_net.ko.xz`]: 'x'.repeat(300_000),
      'conf/initramfs.conf': 'MODULES=most\n',
      'scripts/nfs': '#!/bin/sh\n',
    });
    early = await archive('early', { 'kernel/x86/microcode/GenuineIntel.bin': 'microcode' });
  });

  after(async () => rm(directory, { recursive: true, force: true }));

  async function archive(name: string, files: Record<string, string>): Promise<Buffer> {
    const root = path.join(directory, name);
    for (const [file, content] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(root, file)), { recursive: true });
      await writeFile(path.join(root, file), content);
    }
    return execFileSync('sh', ['-c', 'find . | cpio --quiet -o -H newc'], { cwd: root });
  }

  async function read(...parts: readonly Buffer[]): ReturnType<typeof readInitrd> {
    const file = path.join(directory, 'initrd.img');
    await writeFile(file, Buffer.concat(parts));
    return readInitrd(tools, file);
  }

  const compress = (command: readonly string[], input: Buffer): Buffer =>
    execFileSync(command[0] ?? '', command.slice(1), { input, maxBuffer: 1 << 30 });

  const compressors: Readonly<Record<string, readonly string[]>> = {
    gzip: ['gzip', '-c'],
    xz: ['xz', '--check=crc32', '-c'],
    zstd: ['zstd', '-q', '-c'],
    lz4: ['lz4', '-l', '-c'],
    bzip2: ['bzip2', '-c'],
    lzma: ['xz', '--format=lzma', '-c'],
  };
  for (const [name, command] of Object.entries(compressors)) {
    it(`reads early microcode and then ${name}`, async () => {
      const listing = await read(early, Buffer.alloc(512), compress(command, main));
      expect(listing.problem).to.equal(undefined);
      expect(listing.compression).to.equal(name);
      expect(listing.names).to.include.members([
        'kernel/x86/microcode/GenuineIntel.bin',
        'scripts/nfs',
        `${KERNEL}/kernel/drivers/net/virtio_net.ko.xz`,
      ]);
      expect([...listing.contents]).to.have.deep.members([
        [`${KERNEL}/modules.builtin`, 'kernel/fs/nfs/nfs.ko\n'],
        ['conf/initramfs.conf', 'MODULES=most\n'],
      ]);
    });
  }

  it('reads an archive that is not compressed, and two that are, one after the other', async () => {
    expect(await read(main))
      .to.deep.include({ compression: 'none' })
      .and.to.not.have.property('problem');
    const [one, two] = [compress(['gzip', '-c'], early), compress(['gzip', '-c'], main)];
    const listing = await read(one, two);
    expect(listing.problem).to.equal(undefined);
    expect(listing.names).to.include.members(['kernel/x86/microcode/GenuineIntel.bin', 'scripts/nfs']);
  });

  it('says what is wrong with one that is cut off, foreign, damaged or empty', async () => {
    const gzip = compress(['gzip', '-c'], main);
    expect((await read(gzip.subarray(0, gzip.length / 2))).problem).to.match(/end|EOF/i);
    expect((await read(main.subarray(0, main.length / 2))).problem).to.equal('it ends in the middle of an archive');
    expect((await read(early, Buffer.from('#!/bin/sh\n'))).problem).to.match(/at byte \d+ is neither/);
    const damaged = Buffer.from(main);
    damaged.write('zzzzzzzz', 54);
    expect((await read(damaged)).problem).to.include('damaged');
    expect((await read(Buffer.from('1f8b0800ffff', 'hex'))).problem).to.be.a('string');
    expect((await read(Buffer.alloc(0))).names).to.deep.equal([]);
    expect((await readInitrd(tools, path.join(directory, 'nowhere'))).problem).to.include('ENOENT');
  });

  it('lets nothing hostile make it hold much: a name of gigabytes, a content of gigabytes', async () => {
    const header = (size: string, nameSize: string): Buffer =>
      Buffer.from(`07070100000001000081a4${'0'.repeat(32)}${size}${'0'.repeat(32)}${nameSize}00000000`);
    expect((await read(header('00000000', 'ffffffff'))).problem).to.include('a name has 4294967295 bytes');
    const huge = Buffer.concat([header('fffffff0', '00000014'), Buffer.from('conf/initramfs.conf\0\0\0')]);
    expect((await read(huge)).problem).to.equal('it ends in the middle of an archive');
  });

  it('does without a decompressor that is not installed', async () => {
    const file = path.join(directory, 'initrd.img');
    await writeFile(file, compress(['zstd', '-q', '-c'], main));
    const bare = new Toolbox({ logDirectory: path.join(directory, 'logs'), environment: { PATH: '/nonexistent' } });
    expect((await readInitrd(bare, file)).problem).to.include('zstd is not installed');
    expect((await readFile(file)).length).to.be.above(0);
  });
});
