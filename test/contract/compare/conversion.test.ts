/** A tree that is archived, changed for netboot and written in all forms is clean to the audit: what is changed on purpose is excused by name. */
import { expect } from 'chai';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { auditDirectory } from '../../../src/build/audit-directory.js';
import { ChangeRecorder } from '../../../src/build/change-recorder.js';
import type { Context } from '../../../src/build/context.js';
import { readTreeSource } from '../../../src/build/tree-source.js';
import { writeTrees } from '../../../src/build/write-trees.js';
import { NetbootRewriter } from '../../../src/distro/netboot.js';
import { isPackageDatabase } from '../../../src/packages/read-packages.js';
import { ARCHIVE_TREE_SCRIPT } from '../../../src/tools/archive-tree.js';
import { run } from '../../../src/tools/run.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { createNastyTree } from '../tree/nasty-tree.js';
import { manifestSchema } from '../../../src/build/manifest.js';

const isRoot = process.getuid?.() === 0;

describe('audit of a conversion', function () {
  this.timeout(60_000);
  let base: string;

  before(async function () {
    if (!isRoot) {
      process.stderr.write('skipped: only root can make device nodes, owners and capabilities\n');
      this.skip();
    }
    base = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-conversion-'));
  });

  after(async () => {
    if (isRoot) await rm(base, { recursive: true });
  });

  async function createSystem(root: string): Promise<void> {
    await mkdir(root);
    await createNastyTree(root);
    const files: Readonly<Record<string, string>> = {
      'etc/machine-id': '0123456789abcdef0123456789abcdef\n',
      'etc/ssh/ssh_host_rsa_key': 'secret',
      'etc/resolv.conf': 'nameserver 10.0.2.3\n',
      'var/log/messages': 'log',
      'var/log/journal/abc/system.journal': 'journal',
      'var/lib/dpkg/status': 'Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\n',
      'var/lib/iso2rootfs/token': 'token\n',
      'usr/lib/systemd/system/multi-user.target': '[Unit]\n',
      'usr/sbin/init': 'x',
    };
    for (const [name, content] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(root, name)), { recursive: true });
      await writeFile(path.join(root, name), content);
    }
    await run('ln', [path.join(root, 'pipe'), path.join(root, 'pipe-2')]);
    const server = createServer().listen(path.join(root, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    // Not closed in time to be removed: the name stays as it is on a disk.
    await run('mv', [path.join(root, 'socket'), path.join(root, 'socket-on-disk')]);
    server.close();
    await run('touch', ['-d', '@1700000000.5', path.join(root, 'var/lib/iso2rootfs/token')]);
  }

  it('is clean, and excuses each change by its name in the manifest', async () => {
    const [root, out] = [path.join(base, 'root'), path.join(base, 'out')];
    await createSystem(root);
    await mkdir(path.join(out, 'nfsroot'), { recursive: true });
    const tools = new Toolbox({ logDirectory: base });
    const program = await tools.start('sh', ['-c', ARCHIVE_TREE_SCRIPT, 'sh', root], { stdout: 'stream' });
    const source = await readTreeSource(program.stdout as unknown as AsyncIterable<Buffer>, [program], async () => {
      await program.done;
    });
    const recorder = new ChangeRecorder(new NetbootRewriter({ selinux: 'keep' }));
    const context = { tools, signal: new AbortController().signal, emit: () => undefined, stage: 'test' };
    const written = await writeTrees(
      source,
      {
        tarPath: path.join(out, 'rootfs.tar'),
        nfsroot: path.join(out, 'nfsroot'),
        initramfs: [
          {
            path: path.join(out, 'initramfs.cgz'),
            compression: { compressor: 'gzip', level: 1 },
            append: recorder.appendToInitramfs,
          },
        ],
      },
      { rewrite: recorder.rewrite, append: recorder.append, remembers: isPackageDatabase, maxContentBytes: 2 ** 30 },
      context as unknown as Context,
    );
    await source.close();
    await writeFile(path.join(out, 'guest-record.gz'), source.record);
    expect(written.tree.rememberedFiles.map((file) => file.path.toString())).to.deep.equal(['var/lib/dpkg/status']);
    const changes = recorder.changes;
    expect(changes.map(({ path: name, what }) => `${what} ${name}`)).to.include.members([
      'changed etc/fstab',
      'added etc/fstab.installed',
      'removed etc/ssh/ssh_host_rsa_key',
      'removed var/lib/iso2rootfs',
      'removed var/log/messages',
      'added init',
    ]);
    expect(source.endedAt).to.deep.equal({ seconds: 1_700_000_000, nanoseconds: 500_000_000 });
    await writeManifest(out, { changes, latestTime: source.endedAt });

    const report = await auditDirectory({ directory: out });
    expect(report.findings).to.deep.equal([]);
    expect(report.trees.map(({ name }) => name)).to.deep.equal([
      'rootfs.tar',
      'nfsroot',
      'initramfs.cgz',
      'guest-record.gz',
    ]);
    const excuses = report.excused.flatMap(({ rightName, excuse, paths }) =>
      paths.map((name) => `${rightName}: ${name}: ${excuse}`),
    );
    expect(excuses).to.include.members([
      'rootfs.tar: socket-on-disk: tar holds no sockets',
      'rootfs.tar: etc/fstab: a diskless machine does not have the block devices',
      'rootfs.tar: var/lib/iso2rootfs/token: the success token of the installation',
      'initramfs.cgz: init: the kernel starts /init',
      'initramfs.cgz: capable: newc has no extended attributes',
    ]);

    // Without the names, nothing is excused.
    const bare = path.join(base, 'bare');
    await mkdir(bare);
    for (const name of ['rootfs.tar', 'initramfs.cgz', 'guest-record.gz']) {
      await symlink(path.join(out, name), path.join(bare, name));
    }
    const { findings } = await auditDirectory({ directory: bare });
    const found = findings.map(({ path: name, aspect }) => `${name}: ${aspect}`);
    expect(found).to.include.members(['init: extra', 'etc/fstab.installed: extra', 'var/log/messages: missing']);
  });

  async function writeManifest(
    directory: string,
    { changes, latestTime }: { readonly changes: unknown; readonly latestTime: unknown },
  ): Promise<void> {
    const manifest = {
      format: 1,
      program: { name: 'iso2rootfs', version: '0' },
      createdAt: '',
      key: '',
      keyInputs: {},
      medium: { distro: '', release: '', arch: '', variant: '', installer: '', volumeId: '' },
      inputs: {
        iso: { source: '', sha256: '', signature: 'none', isChecksumPublished: false },
        answerFile: { name: '', dialect: '', sha256: '', source: '' },
      },
      installation: { memoryMiB: 1, vcpus: 1, diskSizeBytes: 1, accelerator: 'tcg', latestTime },
      kernel: { version: '', kernel: '', initrd: '' },
      artifacts: [],
      changes,
      tools: {},
      commands: [],
      timings: [],
    };
    expect(manifestSchema.safeParse(manifest).error).to.equal(undefined);
    await writeFile(path.join(directory, 'manifest.json'), JSON.stringify(manifest));
  }
});
