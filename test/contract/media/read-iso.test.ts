/** Our reading of an ISO against what xorriso and bsdtar read from the same bytes. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { findNode } from '../../../src/media/iso9660/find-node.js';
import type { IsoNode } from '../../../src/media/iso9660/node.js';
import { IsoVolume } from '../../../src/media/iso9660/volume.js';
import { extractFile, readMedium } from '../../../src/media/read-medium.js';
import { run } from '../../../src/tools/run.js';
import { buildRawIso, directoryRecord, SECTOR_BYTES } from '../../unit/media/build-raw-iso.js';
import { makeScratch } from '../../unit/media/make-iso.js';

/** What decides about an ISO reader: deep, long, odd and non-ASCII names, symlinks of all kinds, empty things, many entries. */
async function makeTree(root: string): Promise<void> {
  const files: Record<string, string | Buffer> = {
    '.treeinfo': '[general]\nfamily = openEuler\n',
    'images/pxeboot/vmlinuz': Buffer.alloc(1024 * 1024 + 7, 'kernel'),
    'images/pxeboot/empty': '',
    'deep/2/3/4/5/6/7/8/9/10/11/12/file': 'relocated where ISO 9660 allows eight levels only',
    'with space/-leading dash': 'x',
    'ünïcödé/文件.txt': 'x',
    'a;1': 'x',
    'trailing dot.': 'x',
    'UPPER.Case': 'x',
    'upper.case': 'another file',
  };
  files[`${'long'.repeat(60)}/${'name'.repeat(62)}`] = 'x';
  for (let index = 0; index < 400; index += 1) files[`many/entry-with-a-rather-long-name-${index}.rpm`] = `${index}`;
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.join(root, path.dirname(name)), { recursive: true });
    await writeFile(path.join(root, name), content);
  }
  await mkdir(path.join(root, 'empty directory'));
  await run('mkfifo', [path.join(root, 'fifo')]);
  await symlink('/absolute/target', path.join(root, 'absolute'));
  await symlink('../..//up/./there', path.join(root, 'relative'));
  await symlink(`${'component/'.repeat(40)}end`, path.join(root, 'long-link'));
  await symlink('/', path.join(root, 'slash'));
  await chmod(path.join(root, 'a;1'), 0o4711);
}

const MASTERINGS: Readonly<Record<string, readonly string[]>> = {
  'Rock Ridge, as distributions master': ['-as', 'mkisofs', '-quiet', '-r', '-J', '-joliet-long', '-V', 'A LABEL'],
  'Rock Ridge with relocated directories': ['-compliance', 'deep_paths_off', '-rr_reloc_dir', 'rr_moved'],
};

describe('reading an ISO', () => {
  let scratch: Awaited<ReturnType<typeof makeScratch>>;
  let root: string;
  before(async () => {
    scratch = await makeScratch();
    root = path.join(scratch.path, 'tree');
    await makeTree(root);
  });
  after(() => scratch.remove());

  for (const [name, args] of Object.entries(MASTERINGS)) {
    describe(name, () => {
      let iso: string;
      before(async () => {
        iso = path.join(scratch.path, `${name}.iso`);
        const output = args.includes('mkisofs') ? ['-o', iso, root] : ['-outdev', iso, '-map', root, '/', '-commit'];
        await run('xorriso', [...args, ...output]);
      });

      it('finds what xorriso finds', async () => {
        const found = await run('xorriso', ['-indev', iso, '-find', '/', '-exec', 'lsdl']);
        const theirs = found.stdout
          .split('\n')
          .filter((line) => line !== '')
          .map(parseLsdl);
        const ours = (await listAll(iso)).map(({ path: entry, type, sizeBytes, linkTarget }) => ({
          path: `/${entry}`,
          type,
          sizeBytes: type === 'file' ? sizeBytes : 0,
          linkTarget,
        }));
        expect(byPath(ours)).to.deep.equal(byPath(theirs.filter((entry) => entry.path !== '/')));
      });

      it('finds the names that bsdtar finds', async () => {
        const { stdout } = await run('bsdtar', ['-tf', iso]);
        const theirs = stdout.split('\n').filter((line) => line !== '' && line !== '.');
        const ours = (await listAll(iso)).map((node) => node.path);
        // libarchive hides the directory that relocated ones lie in.
        expect(ours.filter((entry) => entry !== 'rr_moved').sort()).to.deep.equal(theirs.sort());
      });

      it('reads the bytes that were written', async () => {
        for (const node of await listAll(iso)) {
          if (node.type !== 'file' || /^many\/.*[1-9]/.test(node.path)) continue;
          const copy = path.join(scratch.path, 'copy');
          await extractFile(iso, node.path, copy);
          expect(await sha256(copy), node.path).to.equal(await sha256(path.join(root, node.path)));
        }
      });
    });
  }

  it('reads Joliet as bsdtar does', async () => {
    const iso = path.join(scratch.path, 'joliet.iso');
    const tree = path.join(scratch.path, 'joliet');
    await mkdir(path.join(tree, 'Some Directory'), { recursive: true });
    await writeFile(path.join(tree, 'Some Directory', 'Ünïcode 文件.txt'), 'x');
    await run('xorriso', ['-as', 'mkisofs', '-quiet', '--norock', '-J', '-o', iso, tree]);
    const { stdout } = await run('bsdtar', ['-tf', iso]);
    const theirs = stdout.split('\n').filter((line) => line !== '' && line !== '.');
    expect((await listAll(iso)).map((node) => node.path).sort()).to.deep.equal(theirs.sort());
  });

  it('joins the parts of a file that has several, as files of 4 GiB and more do', async () => {
    const iso = path.join(scratch.path, 'parts.iso');
    await writeFile(iso, buildMultiExtentIso());
    const { entries } = await readMedium(iso);
    expect(entries.get('big.img')?.sizeBytes).to.equal(3 * 2048);
    const theirs = path.join(scratch.path, 'parts');
    await run('xorriso', ['-osirrox', 'on', '-indev', iso, '-extract', '/BIG.IMG', theirs]);
    const ours = path.join(scratch.path, 'big');
    await extractFile(iso, 'big.img', ours);
    expect(await readFile(ours, 'utf8')).to.equal(await readFile(theirs, 'utf8'));
    expect(await readFile(ours, 'utf8')).to.match(/^first.*\nsecond.*\nthird/s);
  });

  it('finds a path through symlinks as the kernel would', async () => {
    const tree = path.join(scratch.path, 'links');
    await mkdir(path.join(tree, 'a/b'), { recursive: true });
    await writeFile(path.join(tree, 'a/b/file'), 'x');
    await symlink('a/b', path.join(tree, 'directory'));
    await symlink('../../directory/file', path.join(tree, 'a/b/up'));
    const iso = path.join(scratch.path, 'links.iso');
    await run('xorriso', ['-as', 'mkisofs', '-quiet', '-r', '-o', iso, tree]);
    const volume = await IsoVolume.open(iso);
    try {
      for (const name of ['directory/file', 'a/b/up', 'directory/up', './a//b/../b/file']) {
        expect((await findNode(volume, name))?.path, name).to.equal('a/b/file');
      }
    } finally {
      await volume.close();
    }
  });
});

async function listAll(iso: string): Promise<IsoNode[]> {
  const volume = await IsoVolume.open(iso);
  const nodes: IsoNode[] = [];
  const visit = async (directory: IsoNode): Promise<void> => {
    for (const node of await volume.list(directory)) {
      nodes.push(node);
      if (node.type === 'directory') await visit(node);
    }
  };
  try {
    await visit(volume.root);
  } finally {
    await volume.close();
  }
  return nodes;
}

interface Listed {
  readonly path: string;
  readonly type: IsoNode['type'];
  readonly sizeBytes: number;
  readonly linkTarget: string | undefined;
}

/** `-r--r--r--    1 0        0             386 Nov 21 04:07 '/.treeinfo'`, `lr... '/link' -> 'target'` */
function parseLsdl(line: string): Listed {
  const match = /^(\S)\S+\s+\d+\s+\d+\s+\d+\s+(\d+) .{12} '(.*?)'(?: -> '(.*)')?$/.exec(line);
  if (match === null) throw new Error(`xorriso printed: ${line}`);
  const [, letter = '', size = '', listed = '', linkTarget] = match;
  const types: Readonly<Record<string, IsoNode['type']>> = { '-': 'file', d: 'directory', l: 'symlink' };
  const type = types[letter] ?? 'other';
  return { path: listed, type, sizeBytes: type === 'file' ? Number(size) : 0, linkTarget };
}

function byPath(listed: readonly Listed[]): Listed[] {
  return [...listed].sort((one, other) => (one.path < other.path ? -1 : 1));
}

async function sha256(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

/** Three sectors of one file, in three parts that do not lie in order. */
function buildMultiExtentIso(): Buffer {
  const parts = [21, 19, 20].map((block, index, all) => {
    const record = directoryRecord('BIG.IMG;1', { block, sizeBytes: SECTOR_BYTES });
    if (index < all.length - 1) record.writeUInt8(0x80, 25);
    return record;
  });
  const image = Buffer.concat([
    buildRawIso([parts]),
    ...['second', 'third', 'first'].map((text) => Buffer.alloc(SECTOR_BYTES, `${text} part of the file\n`)),
  ]);
  image.writeUInt32LE(image.length / SECTOR_BYTES, 16 * SECTOR_BYTES + 80);
  image.writeUInt32BE(image.length / SECTOR_BYTES, 16 * SECTOR_BYTES + 84);
  return image;
}
