/** Files that are made of rootfs.tar, looked into with the programs that read them. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect } from 'chai';
import { NetbootRewriter } from '../../../src/distro/netboot.js';
import { Iso2RootfsError } from '../../../src/errors.js';
import { parseHardLinkCensus } from '../../../src/tree/hard-link-census.js';
import { makeFile } from '../../../src/build/artifacts/make.js';
import type { MadeFile, MakingContext } from '../../../src/build/artifacts/making.js';
import { cgzRecipeOf, planFiles, USUAL_CGZ, type Making } from '../../../src/build/artifacts/plan.js';
import { convertToQcow2 } from '../../../src/tools/qemu-img.js';
import { run, start } from '../../../src/tools/run.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { streamTree } from '../../../src/tree/transform.js';
import { createNastyTree } from '../tree/nasty-tree.js';
import { differences, listTree, listXattrs, type ListedEntry } from '../tree/tree-listing.js';

const TAR_OUT = ['--format=posix', '--xattrs', '--xattrs-include=*', '--acls', '--selinux', '--numeric-owner'];
const isRoot = process.getuid?.() === 0;

describe('what is made of rootfs.tar', function () {
  this.timeout(60_000);
  let directory: string;
  let original: string;
  let making: MakingContext;
  let count = 0;

  before(async function () {
    if (!isRoot) {
      process.stderr.write('skipped: only root can make device nodes, owners and capabilities\n');
      this.skip();
    }
    directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-artifacts-'));
    original = await created('original');
    await createNastyTree(original);
    for (const place of ['usr/lib/modules/6.6/kernel', 'usr/share/doc/x', 'usr/bin', 'usr/share/man/man1']) {
      await mkdir(path.join(original, place), { recursive: true });
    }
    for (const name of ['usr/lib/modules/6.6/kernel/a.ko', 'usr/share/doc/x/README', 'boot/vmlinuz', 'usr/bin/bash']) {
      await writeFile(path.join(original, name), name);
    }
    // As in a rootfs.tar: nothing is to be changed in it for booting without a disk.
    await writeFile(path.join(original, 'etc/fstab'), '# nothing\n');
    await run('ln', ['-s', 'usr/lib', path.join(original, 'lib')]);
    await run('ln', ['-s', 'usr/bin', path.join(original, 'bin')]);
    await run('ln', ['-s', `/${'absolute-and-long/'.repeat(20)}`, path.join(original, 'link-absolute')]);
    await run('ln', ['-s', '/grüße', path.join(original, 'link-foreign')]);
    const tarPath = path.join(directory, 'rootfs.tar');
    const tar = await start('tar', [...TAR_OUT, '--sort=name', '-cf', '-', '.'], { cwd: original, stdout: 'stream' });
    await streamTree(tar.stdout!, { tar: createWriteStream(tarPath) });
    await tar.done;
    const signal = new AbortController().signal;
    making = {
      context: {
        tools: new Toolbox({ logDirectory: await created('logs'), signal }),
        signal,
        emit: () => undefined,
        stage: 'artifacts',
      } as unknown as MakingContext['context'],
      manifest: {
        key: 'k',
        medium: { distro: 'Some Linux', release: '1.0 beta', arch: 'aarch64' },
        kernel: { version: '6.6' },
      } as MakingContext['manifest'],
      tarPath,
      tarSha256: sha256(await readFile(tarPath)),
      preparedDisk: async () => Promise.reject(new Error('not here')),
    };
  });

  after(async () => {
    if (isRoot) await rm(directory, { recursive: true });
  });

  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

  async function created(name: string): Promise<string> {
    await mkdir(path.join(directory, name));
    return path.join(directory, name);
  }

  const make = async (how: Making): Promise<MadeFile> => {
    count += 1;
    return makeFile(making, how, path.join(directory, `made-${count}`));
  };

  const cgz = async (options: Partial<Parameters<typeof cgzRecipeOf>[0]> = {}): Promise<MadeFile[]> => {
    const recipe = cgzRecipeOf({ kind: 'tree', excludes: [], compressor: 'gzip', ...options });
    const files: MadeFile[] = [];
    for (const file of planFiles(['cgz'], recipe)) files.push(await make(file.making));
    return files;
  };

  /** What the kernel makes of archives that follow each other. */
  async function unpackCgz(
    ...archives: readonly (readonly [MadeFile, string])[]
  ): Promise<Record<string, ListedEntry>> {
    count += 1;
    const place = await created(`unpacked-${count}`);
    for (const [{ path: file }, program] of archives) {
      const unpacker = await start(program, ['-dc', file], { stdout: 'stream' });
      const cpio = await start(
        'cpio',
        ['--extract', '--quiet', '--unconditional', '--preserve-modification-time', '--make-directories'],
        { cwd: place, stdin: 'pipe' },
      );
      await Promise.all([pipeline(unpacker.stdout!, cpio.stdin!), cpio.done, unpacker.done]);
    }
    return listTree(place);
  }

  const only = (
    entries: Record<string, ListedEntry>,
    wants: (name: string) => boolean,
  ): Record<string, Pick<ListedEntry, 'type' | 'mode' | 'owner' | 'content'>> =>
    Object.fromEntries(
      Object.entries(entries)
        .filter(([name]) => wants(name))
        .map(([name, { type, mode, owner, content }]) => [name, { type, mode, owner, content }]),
    );

  /** Not what is added for booting from memory; GNU cpio leaves the root as it is. */
  const isOurs = (name: string): boolean =>
    !['.', './init'].includes(name) && !/iso2rootfs/.test(name) && !/systemd/.test(name);

  it('a squashfs image has every entry, attributes and all but ACLs', async () => {
    const made = await make({ by: 'squashfs', compression: USUAL_CGZ.compression });
    expect(made.sha256).to.equal(sha256(await readFile(made.path)));
    const unpacked = path.join(directory, 'unsquashed');
    await run('unsquashfs', ['-no-progress', '-quiet', '-d', unpacked, made.path]);
    // What squashfs can say of a time, what has not come yet, and what squashfs-tools do not read of an archive: its root.
    const comparable = (entries: Record<string, ListedEntry>): Record<string, ListedEntry> =>
      Object.fromEntries(
        Object.entries(entries).map(([name, entry]) => {
          const seconds = entry.mtimeNs / 1_000_000_000n;
          const isPlain = !['.', './large-owner', './setuid'].includes(name);
          return [
            name,
            { ...entry, mtimeNs: isPlain ? seconds : 0n, owner: name === '.' ? 'whose it is' : entry.owner },
          ];
        }),
      );
    const [before, afterwards] = [comparable(await listTree(original)), comparable(await listTree(unpacked))];
    expect(differences(afterwards, before)).to.deep.equal([]);
    const withoutAcls = (blocks: readonly string[]): string[] =>
      blocks
        .map((block) =>
          block
            .split('\n')
            // squashfs-tools keep GNU tar's escapes in a name that has '=' or '%' in it.
            .filter((line) => !line.startsWith('system.posix_acl') && !line.startsWith('user.a'))
            .join('\n'),
        )
        .filter((block) => block.includes('\n'));
    expect(withoutAcls(await listXattrs(unpacked))).to.deep.equal(withoutAcls(await listXattrs(original)));
    expect(withoutAcls(await listXattrs(original)).join()).to.contain('security.capability');
  });

  it('a squashfs image is the same each time', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const how = { by: 'squashfs', compression: cgzRecipeOf({ ...none, compressor: 'zstd' }).compression } as const;
    expect((await make(how)).sha256).to.equal((await make(how)).sha256);
  });
  const none = { kind: 'tree', excludes: [] } as const;

  for (const [compressor, program] of [
    ['gzip', 'gzip'],
    ['zstd', 'zstd'],
    ['xz', 'xz'],
  ] as const) {
    it(`a cgz of ${compressor} has the whole tree, and is the same each time`, async () => {
      const [[first], [second]] = [await cgz({ compressor }), await cgz({ compressor })];
      expect(first?.sha256).to.equal(second?.sha256);
      const unpacked = await unpackCgz([first!, program]);
      expect(only(unpacked, isOurs)).to.deep.equal(only(await listTree(original), isOurs));
      expect(first?.initramfs).to.have.property('lostMetadata').that.is.not.empty;
    });
  }

  it('xz writes what the kernel can read: with a CRC32, in blocks whatever the number of processors', async () => {
    const [made] = await cgz({ compressor: 'xz', level: 1 });
    const { stdout } = await run('xz', ['--robot', '--list', made!.path]);
    expect(stdout).to.match(/\bCRC32\b/);
    const { stdout: one } = await run('sh', [
      '-c',
      `xz -dc ${made!.path} | taskset 1 xz --check=crc32 --threads=2 -1 | sha256sum`,
    ]);
    expect(one.split(' ')[0]).to.equal(made?.sha256);
  });

  it('what is left out of a cgz is not in it, and modules.cgz put behind it makes it whole', async () => {
    const [system, modules] = await cgz({ excludes: ['modules', 'boot', 'docs'], compressor: 'zstd' });
    const alone = await unpackCgz([system!, 'zstd']);
    expect(alone).to.have.property('./usr/lib/modules');
    expect(alone).not.to.have.any.keys(
      './usr/lib/modules/6.6',
      './boot/vmlinuz',
      './usr/share/doc/x',
      './usr/share/man/man1',
    );
    const together = await unpackCgz([system!, 'zstd'], [modules!, 'zstd']);
    const isLeftOut = (name: string): boolean => /^\.\/(?:boot|usr\/share\/(?:doc|man))\//.test(name);
    const wants = (name: string): boolean => isOurs(name) && !isLeftOut(name);
    expect(only(together, wants)).to.deep.equal(only(await listTree(original), wants));
    expect(together['./lib']).to.include({ type: 'symlink', content: 'usr/lib' });
  });

  it('an OCI image layout has blobs that are what they are called, and its layer is rootfs.tar', async () => {
    const made = await make({ by: 'container-image', format: 'oci' });
    const place = await created('oci');
    await run('tar', ['-xf', made.path], { cwd: place });
    const json = async (name: string): Promise<Record<string, unknown>> =>
      JSON.parse(await readFile(path.join(place, name), 'utf8')) as Record<string, unknown>;
    const blob = (digest: string): string => `blobs/${digest.replace(':', '/')}`;
    type Reference = { digest: string; size: number };
    const check = async ({ digest, size }: Reference): Promise<void> => {
      const bytes = await readFile(path.join(place, blob(digest)));
      expect([`sha256:${sha256(bytes)}`, bytes.length]).to.deep.equal([digest, size]);
    };
    const index = (await json('index.json')) as { manifests: Reference[] };
    await check(index.manifests[0]!);
    const manifest = (await json(blob(index.manifests[0]!.digest))) as unknown as {
      config: Reference;
      layers: Reference[];
    };
    await check(manifest.config);
    await check(manifest.layers[0]!);
    const config = await json(blob(manifest.config.digest));
    expect(config).to.deep.include({
      architecture: 'arm64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [`sha256:${making.tarSha256}`] },
    });
    expect(config['config']).to.deep.include({ Cmd: ['/bin/bash'] });
    const { stdout } = await run('sh', [
      '-c',
      `gzip -dc ${path.join(place, blob(manifest.layers[0]!.digest))} | sha256sum`,
    ]);
    expect(stdout.slice(0, 64)).to.equal(making.tarSha256);
    expect((await make({ by: 'container-image', format: 'oci' })).sha256).to.equal(made.sha256);
  });

  for (const [format, transport] of [
    ['oci', 'oci-archive'],
    ['docker', 'docker-archive'],
  ] as const) {
    it(`skopeo takes the ${format} image`, async () => {
      const made = await make({ by: 'container-image', format });
      const image = `${transport}:${made.path}`;
      const inspected = await run('skopeo', ['inspect', '--override-arch=arm64', image]);
      expect(JSON.parse(inspected.stdout)).to.include({ Architecture: 'arm64', Os: 'linux' });
      const copy = path.join(directory, `copied-${format}`);
      await run('skopeo', ['--insecure-policy', '--override-arch=arm64', 'copy', image, `dir:${copy}`]);
      expect((await stat(path.join(copy, 'manifest.json'))).size).to.be.greaterThan(0);
    });
  }

  for (const [output, program] of [
    ['tar.gz', 'gzip'],
    ['tar.xz', 'xz'],
    ['tar.zst', 'zstd'],
  ] as const) {
    it(`${output} is rootfs.tar, compressed`, async () => {
      const [planned] = planFiles([output], USUAL_CGZ);
      const made = await make(planned!.making);
      const unpacker = await start(program, ['-dc', made.path], { stdout: 'stream' });
      const hash = createHash('sha256');
      await pipeline(unpacker.stdout!, hash);
      expect(hash.digest('hex')).to.equal(making.tarSha256);
    });
  }

  it('a qcow2 image is the disk, and the same each time', async () => {
    const disk = path.join(directory, 'disk.raw');
    await run('truncate', ['--size=64M', disk]);
    await pipeline(createReadStream(making.tarPath), createWriteStream(disk, { flags: 'r+', start: 20 * 2 ** 20 }));
    const { tools } = making.context;
    const images = ['a', 'b'].map((name) => path.join(directory, `${name}.qcow2`));
    for (const image of images) await convertToQcow2(tools, disk, image);
    const [one, other] = await Promise.all(images.map(async (image) => readFile(image)));
    expect(one!.equals(other!)).to.equal(true);
    await run('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', disk, images[0]!]);
  });

  it('a cgz that is made of rootfs.tar is the one that is made while the disk is read', async () => {
    const disk = await created('as-installed');
    await run('cp', ['-a', `${original}/.`, disk]);
    await writeFile(path.join(disk, 'etc/fstab'), '/dev/vda1 / ext4 defaults 0 1\n');
    await mkdir(path.join(disk, 'usr/lib/systemd/system'), { recursive: true });
    const cpioPath = path.join(directory, 'while-read.cpio');
    const tarPath = path.join(directory, 'while-read.tar');
    const tar = await start('tar', [...TAR_OUT, '--sort=name', '-cf', '-', '.'], { cwd: disk, stdout: 'stream' });
    const find = await start('find', ['.', '-links', '+1', '!', '-type', 'd', '-printf', '%n %P\\0'], {
      cwd: disk,
      stdout: 'stream',
    });
    const census = parseHardLinkCensus(Buffer.concat((await find.stdout!.toArray()) as Buffer[]));
    const { rewrite, append, appendToInitramfs } = new NetbootRewriter();
    await streamTree(
      tar.stdout!,
      {
        tar: createWriteStream(tarPath),
        newc: [{ sink: createWriteStream(cpioPath), append: appendToInitramfs }],
      },
      { census, rewrite, append },
    );
    const [planned] = planFiles(['cgz'], USUAL_CGZ);
    const made = await makeFile({ ...making, tarPath }, planned!.making, path.join(directory, 'made-later.cgz'));
    const { stdout } = await run('sh', ['-c', `gzip -dc '${made.path}' | cmp - '${cpioPath}' && echo same`]);
    expect(stdout).to.equal('same\n');
  });

  it('stops when it is told to', async () => {
    const ending = new AbortController();
    const tools = new Toolbox({ logDirectory: making.context.tools.logDirectory, signal: ending.signal });
    const context = { ...making.context, signal: ending.signal, tools };
    for (const file of planFiles(['cgz', 'squashfs', 'oci', 'tar.xz'], USUAL_CGZ)) {
      const work = makeFile({ ...making, context }, file.making, path.join(directory, `stopped-${file.output}`));
      ending.abort(new Iso2RootfsError('INTERRUPTED', 'interrupted'));
      expect(await work.catch((error: unknown) => error), file.name).to.have.property('code', 'INTERRUPTED');
    }
  });

  it('leaves nothing but its log where a program fails', async () => {
    const broken = { ...making, tarPath: path.join(directory, 'cut.tar') };
    await writeFile(broken.tarPath, (await readFile(making.tarPath)).subarray(0, 300_000));
    const failure = await makeFile(
      broken,
      { by: 'squashfs', compression: USUAL_CGZ.compression },
      path.join(directory, 'never'),
    ).catch((error: unknown) => error);
    expect(failure).to.have.property('code', 'INTEGRITY');
  });
});
