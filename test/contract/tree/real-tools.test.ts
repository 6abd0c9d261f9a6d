/** Our archives against GNU tar, GNU cpio and bsdtar, with a tree that has everything. */
import { expect } from 'chai';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run, start, type RunResult } from '../../../src/tools/run.js';
import { countHardLinks, parseHardLinkCensus } from '../../../src/tree/hard-link-census.js';
import { unpackArchive } from '../../../src/tools/tar.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { streamTree, type StreamedTree } from '../../../src/tree/transform.js';
import { shareParts } from '../../../src/tree/tree-parts.js';
import { createNastyTree } from './nasty-tree.js';
import { differences, listTree, listXattrs, type ListedEntry } from './tree-listing.js';

/** As libguestfs' tar-out with numericowner, xattrs, selinux and acls calls tar in the appliance. */
const TAR_OUT = ['--format=posix', '--xattrs', '--xattrs-include=*', '--acls', '--selinux', '--numeric-owner'];

const isRoot = process.getuid?.() === 0;

describe('the nasty tree and the real tools', function () {
  this.timeout(60_000);
  let directory: string;
  let original: string;
  let streamed: StreamedTree;

  before(async function () {
    if (!isRoot) {
      process.stderr.write('skipped: only root can make device nodes, owners and capabilities\n');
      this.skip();
    }
    directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-tree-'));
    original = await created('original');
    await createNastyTree(original);
    streamed = await convert('ours', TAR_OUT);
  });

  after(async () => {
    if (isRoot) await rm(directory, { recursive: true });
  });

  async function created(name: string): Promise<string> {
    const full = path.join(directory, name);
    await mkdir(full);
    return full;
  }

  /** Streams what tar makes of the tree to `<name>.tar` and `<name>.cpio`. */
  async function convert(name: string, tarOptions: readonly string[]): Promise<StreamedTree> {
    const find = await start('find', ['.', '-links', '+1', '!', '-type', 'd', '-printf', '%n %P\\0'], {
      cwd: original,
      stdout: 'stream',
    });
    const census = parseHardLinkCensus(Buffer.concat((await find.stdout!.toArray()) as Buffer[]));
    const tar = await start('tar', [...tarOptions, '-cf', '-', '.'], { cwd: original, stdout: 'stream' });
    const [tarFile, cpioFile] = ['tar', 'cpio'].map((extension) =>
      createWriteStream(path.join(directory, `${name}.${extension}`)),
    );
    const result = await streamTree(tar.stdout!, { tar: tarFile!, newc: [{ sink: cpioFile! }] }, { census });
    await tar.done;
    return result;
  }

  async function extractTar(archive: string, into: string): Promise<RunResult> {
    const restored = ['--xattrs', '--xattrs-include=*', '--acls', '--selinux', '--numeric-owner', '-p', '-xf'];
    return run('tar', [...restored, path.join(directory, archive)], { cwd: await created(into) });
  }

  function withoutTimes(entries: Record<string, ListedEntry>): Record<string, ListedEntry> {
    return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, { ...entry, mtimeNs: 0n }]));
  }

  it('holds what it is meant to hold', async () => {
    const entries = await listTree(original);
    expect(Object.keys(entries)).to.have.length.greaterThan(35);
    expect(Object.values(entries).filter(({ sameAs }) => sameAs === './etc/three')).to.have.length(3);
    expect((await listXattrs(original)).join('\n'))
      .to.contain('security.capability')
      .and.contain('user.empty')
      .and.contain('posix_acl_default');
  });

  it('comes back from our tar by GNU tar as it was, attributes and all', async () => {
    await extractTar('ours.tar', 'by-gnu-tar');
    const extracted = path.join(directory, 'by-gnu-tar');
    expect(differences(await listTree(extracted), await listTree(original))).to.deep.equal([]);
    expect(await listXattrs(extracted)).to.deep.equal(await listXattrs(original));
  });

  it('comes back when several programs unpack parts of it beside each other', async () => {
    const { parts, restWeight } = streamed.parts;
    // etc and sticky have names of files that are elsewhere, too.
    const directories = parts.flatMap((part) => part.directories);
    expect(directories).to.have.members(['boot', 'closed', 'd'.repeat(200), 'empty']);
    const tools = new Toolbox({ logDirectory: await created('logs') });
    for (const workers of [2, 5]) {
      const shares = shareParts(parts, restWeight, workers);
      expect(shares).to.have.length(Math.min(workers - 1, parts.length));
      const extracted = await created(`by-${workers}`);
      await unpackArchive(tools, path.join(directory, 'ours.tar'), extracted, shares);
      expect(differences(await listTree(extracted), await listTree(original))).to.deep.equal([]);
      expect(await listXattrs(extracted)).to.deep.equal(await listXattrs(original));
    }
  });

  it('comes back from our tar by GNU tar in a locale without UTF-8 too', async () => {
    await run('tar', ['--numeric-owner', '-p', '-xf', path.join(directory, 'ours.tar')], {
      cwd: await created('by-tar-c'),
      env: { LC_ALL: 'C' },
    });
    expect(Object.keys(await listTree(path.join(directory, 'by-tar-c')))).to.deep.equal(
      Object.keys(await listTree(original)),
    );
  });

  for (const [what, options] of [
    ['GNU headers', ['--format=gnu', '--numeric-owner']],
    ['old GNU sparse files', ['--format=gnu', '--numeric-owner', '--sparse']],
    ['pax sparse files 0.0', [...TAR_OUT, '--sparse', '--sparse-version=0.0']],
    ['pax sparse files 0.1', [...TAR_OUT, '--sparse', '--sparse-version=0.1']],
    ['pax sparse files 1.0', [...TAR_OUT, '--sparse', '--sparse-version=1.0']],
  ] as const) {
    it(`is read from an archive with ${what}`, async () => {
      const name = what.replace(/\W/g, '-');
      await convert(name, options);
      await extractTar(`${name}.tar`, name);
      const entries = await listTree(path.join(directory, name));
      const expected = await listTree(original);
      if (options[0] === '--format=gnu')
        expect(differences(withoutTimes(entries), withoutTimes(expected))).to.deep.equal([]);
      else expect(differences(entries, expected)).to.deep.equal([]);
    });
  }

  it('is read from what bsdtar writes, links to devices and all', async () => {
    await run('bsdtar', ['--format', 'pax', '-C', original, '-cf', path.join(directory, 'bsdtar.tar'), '.'], {
      env: { LC_ALL: 'C.UTF-8' },
    });
    const archive = (): AsyncIterable<Buffer> => createReadStream(path.join(directory, 'bsdtar.tar'));
    const census = await countHardLinks(archive());
    expect(census.get('etc/three')).to.equal(3);
    const sink = createWriteStream(path.join(directory, 'from-bsdtar.tar'));
    await streamTree(archive(), { tar: sink }, { census });
    await extractTar('from-bsdtar.tar', 'from-bsdtar');
    const extracted = await listTree(path.join(directory, 'from-bsdtar'));
    // bsdtar stores directories long before what is in them, and is half a second off before 1970.
    expect(differences(withoutTimes(extracted), withoutTimes(await listTree(original)))).to.deep.equal([]);
  });

  for (const [program, args] of [
    ['cpio', ['-idm', '--no-absolute-filenames', '--quiet']],
    ['bsdtar', ['-xpf', '-']],
  ] as const) {
    it(`comes back from our newc by ${program}`, async () => {
      const extracted = await created(`by-${program}`);
      const unpack = await start(program, args, { cwd: extracted, stdin: 'pipe' });
      createReadStream(path.join(directory, 'ours.cpio')).pipe(unpack.stdin!);
      await unpack.done;
      const [entries, expected] = [await listTree(extracted), await listTree(original)];
      // GNU cpio leaves the directory that it unpacks into as it is.
      if (program === 'cpio') entries['.'] = expected['.']!;
      expect(differences(withoutTimes(entries), withoutTimes(expected))).to.deep.equal([]);
      for (const [name, { type, mtimeNs }] of Object.entries(expected)) {
        // Neither program restores the times of all symlinks and directories.
        if (type === 'file') expect(newcSeconds(entries[name]!.mtimeNs), name).to.equal(newcSeconds(mtimeNs));
      }
    });
  }

  it('is said to lose in newc what it loses', () => {
    const lost = new Map(streamed.newc[0]!.lostMetadata.map(({ path: name, xattrs }) => [name, xattrs]));
    expect([...lost.keys()].sort()).to.deep.equal(['acl', 'attributes', 'capable', 'dangling', 'empty']);
    expect(lost.get('attributes')).to.deep.equal(['trusted.x', 'user.a=b%c', 'user.binary', 'user.empty', 'user.text']);
    expect(streamed.newc[0]!.lostLabelCount).to.equal(1);
    expect(streamed.sparseFiles.map(({ path: name }) => name.toString())).to.deep.equal(['sparse']);
  });

  it('gives the same bytes again', async () => {
    await convert('again', TAR_OUT);
    for (const extension of ['tar', 'cpio']) {
      await run('cmp', [path.join(directory, `ours.${extension}`), path.join(directory, `again.${extension}`)]);
    }
  });

  it('is refused when the tar stream is cut', async () => {
    const file = await open(path.join(directory, 'ours.tar'));
    try {
      const cut = streamTree(file.createReadStream({ end: 200_000, autoClose: false }), {});
      expect(await cut.catch((error: unknown) => error)).to.have.property('code', 'INTEGRITY');
    } finally {
      await file.close();
    }
  });
});

/** newc holds whole seconds from 1970 to 2106. */
function newcSeconds(nanoseconds: bigint): number {
  return Math.min(Math.max(Math.floor(Number(nanoseconds) / 1e9), 0), 0xffffffff);
}
