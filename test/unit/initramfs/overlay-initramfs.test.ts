import { expect } from 'chai';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { collectOverlayInitramfs, isAskedFor } from '../../../src/initramfs/overlay-initramfs.js';
import { TarTree } from '../../../src/initramfs/tar-tree.js';
import { createEntry, createFile, writeWhole, type TreeFile } from '../../../src/tree/entry.js';
import { TarWriter } from '../../../src/tree/tar-writer.js';

const VERSION = '6.6.0-1';
const MODULES = `usr/lib/modules/${VERSION}`;
const SCRIPT = '#!/bin/sh\n';

const file = (name: string, content: string | Buffer = ''): TreeFile =>
  createFile(Buffer.from(name), Buffer.from(content), { mode: 0o4755 });
const directory = (name: string): TreeFile => ({
  entry: createEntry({ path: Buffer.from(name), type: 'directory' }),
  content: Buffer.alloc(0),
});
const link = (name: string, target: string): TreeFile => ({
  entry: createEntry({ path: Buffer.from(name), type: 'symlink', linkTarget: Buffer.from(target) }),
  content: Buffer.alloc(0),
});

/** A system with the programs as scripts of one real program, so that nothing but that has libraries. */
async function system(): Promise<TreeFile[]> {
  const shell = await readFile('/bin/true');
  return [
    directory(''),
    directory('etc'),
    directory('etc/alternatives'),
    link('etc/alternatives/mount', '/usr/bin/real-mount'),
    directory('usr'),
    directory('usr/bin'),
    directory('usr/sbin'),
    directory('usr/lib'),
    directory('usr/lib/modules'),
    directory(MODULES),
    directory(`${MODULES}/kernel`),
    link('bin', 'usr/bin'),
    link('lib', 'usr/lib'),
    link('lib64', 'usr/lib'),
    file('usr/bin/shell', shell),
    link('usr/bin/sh', '../../../../usr/bin/shell'),
    file('usr/bin/mkdir', SCRIPT),
    file('usr/bin/real-mount', SCRIPT),
    link('usr/bin/mount', '/etc/alternatives/mount'),
    file('usr/sbin/switch_root', SCRIPT),
    file('usr/bin/kmod', SCRIPT),
    link('usr/sbin/insmod', '../bin/kmod'),
    file('usr/lib/libc.so.6', 'not read'),
    file('usr/lib/ld-linux-x86-64.so.2', 'not read'),
    file('usr/lib/ld-linux-aarch64.so.1', 'not read'),
    file('usr/lib/liblzma.so.5', 'not read'),
    file(`${MODULES}/modules.dep`, 'kernel/squashfs.ko.xz:\nkernel/loop.ko.xz:\nkernel/other.ko.xz:\n'),
    file(`${MODULES}/modules.builtin`, 'kernel/fs/overlayfs/overlay.ko\n'),
    ...['squashfs', 'loop', 'other'].map((name) => file(`${MODULES}/kernel/${name}.ko.xz`, name)),
    file('usr/bin/unrelated', 'x'),
  ];
}

describe('the small initramfs of a squashfs root', () => {
  let place: string;
  beforeEach(async () => {
    place = await mkdtemp(path.join(tmpdir(), 'overlay-'));
  });
  afterEach(async () => rm(place, { recursive: true }));

  async function collect(files: readonly TreeFile[]): Promise<Map<string, TreeFile>> {
    const archive = path.join(place, 'rootfs.tar');
    const sink = createWriteStream(archive);
    const writer = new TarWriter((chunk) => sink.write(chunk));
    for (const each of files) writeWhole(writer, each);
    writer.finish();
    await new Promise((resolve) => sink.end(resolve));
    const tree = await TarTree.open(archive, isAskedFor);
    try {
      const collected = await collectOverlayInitramfs(tree, VERSION);
      return new Map(collected.map((each) => [each.entry.path.toString(), each]));
    } finally {
      await tree.close();
    }
  }

  it('has the programs, the links that lead to them, what they need, and the modules that are not built in', async () => {
    const found = await collect(await system());
    expect([...found.keys()]).to.include.members([
      'init',
      'bin',
      'lib64',
      'usr/bin/sh',
      'usr/bin/shell',
      'usr/bin/mount',
      'etc/alternatives/mount',
      'usr/bin/real-mount',
      'usr/bin/kmod',
      'usr/lib/libc.so.6',
      'usr/lib/liblzma.so.5',
      'dev/console',
      `${MODULES}/kernel/squashfs.ko.xz`,
    ]);
    expect([...found.keys()]).not.to.include.members(['usr/bin/unrelated', `${MODULES}/kernel/other.ko.xz`]);
    expect(found.get('modules.list')?.content.toString()).to.equal(
      `/lib/modules/${VERSION}/kernel/loop.ko.xz\n/lib/modules/${VERSION}/kernel/squashfs.ko.xz\n`,
    );
    expect(found.get('usr/bin/kmod')?.entry.mode).to.equal(0o755);
  });

  it('names every directory before what is in it', async () => {
    const seen = new Set(['']);
    for (const [name, { entry }] of await collect(await system())) {
      expect(seen.has(path.dirname(name) === '.' ? '' : path.dirname(name)), name).to.equal(true);
      if (entry.type === 'directory') seen.add(name);
    }
  });

  for (const [what, gone, message] of [
    ['a program', 'usr/sbin/switch_root', /no program switch_root/],
    ['a library', 'usr/lib/libc.so.6', /lacks libc\.so\.6/],
    ['the table of modules', `${MODULES}/modules.dep`, /modules\.dep/],
  ] as const) {
    it(`says that ${what} is missing`, async () => {
      const files = (await system()).filter(({ entry }) => entry.path.toString() !== gone);
      const failure = await collect(files).catch((error: unknown) => error);
      expect(failure).to.have.property('code', 'TREE_NOT_REPRESENTABLE');
      expect(failure).to.have.property('message').that.matches(message);
    });
  }

  it('follows no links in a circle', async () => {
    const files = (await system()).filter(({ entry }) => entry.path.toString() !== 'etc/alternatives/mount');
    files.splice(3, 0, link('etc/alternatives/mount', '/usr/bin/mount'));
    expect(await collect(files).catch((error: unknown) => error)).to.have.property('code', 'TREE_NOT_REPRESENTABLE');
  });
});
