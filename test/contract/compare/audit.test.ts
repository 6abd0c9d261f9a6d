/** The audit with real tar, getfattr and setcap, on a tree that has everything; and what it says of outputs that were spoilt. */
import { expect } from 'chai';
import { createReadStream, createWriteStream } from 'node:fs';
import {
  chmod,
  chown,
  lchown,
  link,
  mkdir,
  mkdtemp,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync } from 'node:zlib';
import { auditDirectory } from '../../../src/build/audit-directory.js';
import type { AuditReport } from '../../../src/compare/audit.js';
import { GUEST_RECORD_SCRIPT } from '../../../src/tools/guest-record-script.js';
import { run, start } from '../../../src/tools/run.js';
import { unpackArchive } from '../../../src/tools/tar.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { scanTar } from '../../../src/tree/scan-tar.js';
import { streamTree } from '../../../src/tree/transform.js';
import { failureOf } from '../../unit/tools/fake-programs.js';
import { createNastyTree } from '../tree/nasty-tree.js';

const isRoot = process.getuid?.() === 0;

describe('audit', function () {
  this.timeout(60_000);
  let base: string;
  let out: string;
  let tools: Toolbox;

  before(async function () {
    if (!isRoot) {
      process.stderr.write('skipped: only root can make device nodes, owners and capabilities\n');
      this.skip();
    }
    base = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-audit-'));
    tools = new Toolbox({ logDirectory: base });
    const original = path.join(base, 'original');
    await mkdir(original);
    await createNastyTree(original);
    out = path.join(base, 'out');
    await mkdir(out);
    await makeOutputs(original, out);
  });

  after(async () => {
    if (isRoot) await rm(base, { recursive: true });
  });

  async function makeOutputs(original: string, directory: string): Promise<void> {
    const at = (name: string): string => path.join(directory, name);
    const raw = path.join(base, 'raw.tar');
    await run(
      'tar',
      ['--format=posix', '--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner', '-cf', raw, '.'],
      {
        cwd: original,
      },
    );
    const { census } = await scanTar(raw);
    const [cpio, tar] = [path.join(base, 'tree.cpio'), createWriteStream(at('rootfs.tar'))];
    await streamTree(createReadStream(raw), { tar, newc: [{ sink: createWriteStream(cpio) }] }, { census });
    await pipeline(createReadStream(cpio), createGzip({ level: 1 }), createWriteStream(at('initramfs.cgz')));
    await mkdir(at('nfsroot'));
    await unpackArchive(tools, at('rootfs.tar'), at('nfsroot'));
    const record = await start('sh', ['-c', GUEST_RECORD_SCRIPT], { cwd: original, stdout: 'stream' });
    await pipeline(record.stdout!, createGzip(), createWriteStream(at('guest-record.gz')));
    await record.done;
  }

  /** What is found after something was spoilt in nfsroot, one line each; the tree is made anew. */
  async function findAfter(spoil: (nfsroot: string) => Promise<unknown>): Promise<string[]> {
    const directory = path.join(base, 'spoilt');
    await mkdir(directory);
    try {
      for (const name of ['rootfs.tar']) await symlink(path.join(out, name), path.join(directory, name));
      await run('cp', ['-a', path.join(out, 'nfsroot'), path.join(directory, 'nfsroot')]);
      await spoil(path.join(directory, 'nfsroot'));
      return (await auditDirectory({ directory })).findings.map(
        ({ path: name, aspect, left, right }) => `${name}: ${aspect}: ${left} -> ${right}`,
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  function excuses(report: AuditReport): string[] {
    return report.excused.map(({ rightName, aspect, count }) => `${rightName}: ${aspect} ${count}`);
  }

  it('is clean for all forms of one tree, and tells what a cgz cannot hold', async () => {
    const report = await auditDirectory({ directory: out });
    expect(report.findings).to.deep.equal([]);
    expect(report.trees.map(({ name }) => name)).to.deep.equal([
      'rootfs.tar',
      'nfsroot',
      'initramfs.cgz',
      'guest-record.gz',
    ]);
    expect(report.absent).to.deep.equal(['squashfs']);
    const [entries] = report.trees.map((tree) => tree.entries);
    expect(entries).to.be.greaterThan(35);
    expect(report.trees.every((tree) => tree.entries === entries)).to.equal(true);
    expect(excuses(report)).to.include.members([
      'initramfs.cgz: capability 1',
      'initramfs.cgz: ACL 1',
      'initramfs.cgz: default ACL 1',
      'initramfs.cgz: SELinux label 1',
      'initramfs.cgz: xattr user.empty 1',
    ]);
    expect(excuses(report).filter((excuse) => !excuse.startsWith('initramfs.cgz'))).to.deep.equal([]);
    expect(report.excused.find(({ aspect }) => aspect === 'capability')).to.deep.include({
      paths: ['capable'],
      excuse: 'newc has no extended attributes',
    });
  });

  it('needs the record of the guest to be complete and of its format', async () => {
    const directory = path.join(base, 'record');
    await mkdir(directory);
    await symlink(path.join(out, 'rootfs.tar'), path.join(directory, 'rootfs.tar'));
    for (const [content, problem] of [
      [gzipSync('iso2rootfs guest record 1\0N\0'), 'not complete'],
      [gzipSync('iso2rootfs guest record 9\0'), 'format'],
      [gzipSync('iso2rootfs guest record 1\0E x 644 0 0 1 1.0 1 1:1 a\0\0Z\0'), 'a line that cannot be'],
      [Buffer.from('no gzip'), 'cannot be read'],
    ] as const) {
      await writeFile(path.join(directory, 'guest-record.gz'), content);
      const failure = await failureOf(auditDirectory({ directory }));
      expect(failure.code).to.equal('INTEGRITY');
      expect(failure.message).to.contain(problem);
    }
    await rm(directory, { recursive: true });
  });

  it('finds what the record has and the outputs have not', async () => {
    const directory = path.join(base, 'lost');
    await mkdir(directory);
    await symlink(path.join(out, 'rootfs.tar'), path.join(directory, 'rootfs.tar'));
    const record =
      'iso2rootfs guest record 1\0X\0# file: capable\nsecurity.capability=0x00\n\n\0E f 4755 0 0 1 1.5 1 1:1 gone\0\0E s 755 0 0 0 1.0 1 1:2 socket\0\0Z\0';
    await writeFile(path.join(directory, 'guest-record.gz'), gzipSync(record));
    const { findings, excused } = await auditDirectory({ directory });
    expect(findings.find(({ path: name }) => name === 'gone')).to.deep.equal({
      path: 'gone',
      aspect: 'missing',
      leftName: 'guest-record.gz',
      left: 'file 4755 0:0, 1 bytes',
      rightName: 'rootfs.tar',
      right: 'nothing',
    });
    expect(findings.some(({ aspect, path: name }) => aspect === 'extra' && name === 'capable')).to.equal(true);
    expect(excused.map(({ excuse, paths }) => `${paths.join()}: ${excuse}`)).to.include('socket: tar holds no sockets');
    await rm(directory, { recursive: true });
  });

  const spoils: readonly (readonly [
    what: string,
    spoil: (root: string) => Promise<unknown>,
    found: readonly (string | RegExp)[],
  ])[] = [
    ['a mode', async (root) => chmod(`${root}/medium`, 0o600), ['medium: mode: 0644 -> 0600']],
    ['setuid', async (root) => chmod(`${root}/setuid`, 0o755), ['setuid: mode: 6755 -> 0755']],
    ['an owner', async (root) => lchown(`${root}/dangling`, 77, 89), ['dangling: owner: 77:88 -> 77:89']],
    [
      'a capability',
      async (root) => run('setcap', ['-r', `${root}/capable`]),
      ['capable: capability: cap_net_admin,cap_net_raw=ep -> none'],
    ],
    [
      'a byte of a file',
      async (root) => {
        await writeFile(`${root}/medium`, 'X', { flag: 'r+' });
        await utimes(`${root}/medium`, 1_600_000_000.25, 1_600_000_000.25);
      },
      [/^medium: content: sha256 [0-9a-f]{64} -> sha256 [0-9a-f]{64}$/],
    ],
    [
      'a new file',
      async (root) => writeFile(`${root}/sticky/new`, 'x'),
      [/^sticky: mtime/, 'sticky/new: extra: nothing -> file 0644 0:0, 1 bytes'],
    ],
    [
      'a file that is gone',
      async (root) => unlink(`${root}/back\\slash*?[`),
      [/^\.: mtime/, 'back\\\\slash*?[: missing: file 0644 0:0, 1 bytes -> nothing'],
    ],
    [
      'a hard link that became a file',
      async (root) => {
        await run('cp', ['-a', `${root}/three-at-last`, `${root}/copy`]);
        await rename(`${root}/copy`, `${root}/three-at-last`);
      },
      [
        /^\.: mtime/,
        'etc/three: hard links: 3 names, as etc/three -> 2 names, as etc/three',
        'sticky/three-again: hard links: 3 names, as etc/three -> 2 names, as etc/three',
        'three-at-last: hard links: 3 names, as etc/three -> none',
      ],
    ],
    [
      'files that became one',
      async (root) => {
        await unlink(`${root}/acl`);
        await link(`${root}/capable`, `${root}/acl`);
      },
      [
        /^\.: mtime/,
        /^acl: capability: none -> /,
        /^acl: ACL: .*user:4000000000:r--.* -> none$/,
        /^acl: mtime/,
        'acl: hard links: none -> 2 names, as acl',
        'capable: hard links: none -> 2 names, as acl',
        /^acl: mode/,
      ],
    ],
    [
      'an attribute, a label and an ACL',
      async (root) => {
        await run('setfattr', ['-n', 'user.text', '-v', 'other', `${root}/attributes`]);
        await run('setfattr', ['-x', 'security.selinux', `${root}/attributes`]);
        await run('setfacl', ['-b', `${root}/acl`]);
        await run('setfacl', ['-k', `${root}/empty`]);
      },
      [
        /^acl: ACL: /,
        /^acl: mode: /,
        'attributes: SELinux label: system_u:object_r:bin_t:s0 -> none',
        /^attributes: xattr user\.text: 0x[0-9a-f]+ -> 0x6f74686572$/,
        /^empty: default ACL: .*group:71:rwx.* -> none$/,
      ],
    ],
    [
      'a target, a device and a type',
      async (root) => {
        await unlink(`${root}/dangling`);
        await symlink('/elsewhere', `${root}/dangling`);
        await lchown(`${root}/dangling`, 77, 88);
        await unlink(`${root}/null`);
        await run('mknod', [`${root}/null`, 'c', '1', '5']);
        await unlink(`${root}/pipe`);
        await mkdir(`${root}/pipe`);
      },
      [
        /^\.: mtime/,
        'dangling: link target: /nowhere/at/all -> /elsewhere',
        /^dangling: mtime/,
        'dangling: xattr trusted.link: 0x7a -> none',
        'null: device: 1:3 -> 1:5',
        /^null: mtime/,
        'pipe: type: fifo -> directory',
      ],
    ],
    [
      'a time',
      async (root) => utimes(`${root}/etc/fstab`, 5, 5),
      ['etc/fstab: mtime: @1500000000.000000000 -> @5.000000000'],
    ],
    ['an owner of the root', async (root) => chown(root, 0, 0), ['.: owner: 12:34 -> 0:0']],
  ];
  for (const [what, spoil, expected] of spoils) {
    it(`finds in nfsroot: ${what}`, async () => {
      const found = await findAfter(spoil);
      for (const line of expected) {
        const isThere = found.some((finding) => (typeof line === 'string' ? finding === line : line.test(finding)));
        expect(isThere, `${String(line)} in ${JSON.stringify(found, undefined, 1)}`).to.equal(true);
      }
      expect(found).to.have.length(expected.length);
    });
  }

  it('reads compressed archives, and a cgz that GNU cpio made', async () => {
    const directory = path.join(base, 'compressed');
    await mkdir(directory);
    await run('sh', ['-c', 'zstd -q -1 < "$1" > "$2"', 'sh', `${out}/rootfs.tar`, `${directory}/rootfs.tar.zst`]);
    const cpio = 'cd "$1" && find . -print0 | cpio --quiet -0 -o -H newc | xz -0 --check=crc32 > "$2"';
    await run('sh', ['-c', cpio, 'sh', `${out}/nfsroot`, `${directory}/initramfs.cgz`]);
    const report = await auditDirectory({ directory });
    // cpio writes what does not fit into 32 bits as something else.
    expect(report.findings.map(({ path: name, aspect }) => `${name}: ${aspect}`)).to.deep.equal([]);
    await rm(directory, { recursive: true });
  });

  it('reads a squashfs image', async () => {
    const directory = path.join(base, 'squashed');
    await mkdir(directory);
    await symlink(path.join(out, 'rootfs.tar'), path.join(directory, 'rootfs.tar'));
    await run('mksquashfs', [`${out}/nfsroot`, `${directory}/rootfs.squashfs`, '-no-progress', '-quiet']);
    const report = await auditDirectory({ directory });
    expect(report.findings.map(({ path: name, aspect }) => `${name}: ${aspect}`)).to.deep.equal([]);
    expect(excuses(report)).to.include.members(['rootfs.squashfs: ACL 1', 'rootfs.squashfs: default ACL 1']);
    await rm(directory, { recursive: true });
  });

  it('says when there is nothing to compare', async () => {
    const directory = path.join(base, 'empty');
    await mkdir(directory);
    for (const target of [directory, path.join(base, 'missing')]) {
      const failure = await failureOf(auditDirectory({ directory: target }));
      expect(failure.code).to.equal('FILE_NOT_FOUND');
      expect(failure.exitStatus).to.equal(66);
    }
    await symlink(path.join(out, 'rootfs.tar'), path.join(directory, 'rootfs.tar'));
    const failure = await failureOf(auditDirectory({ directory }));
    expect(failure.message).to.contain('nothing but rootfs.tar');
  });

  it('refuses a cgz that is cut off, or something else', async () => {
    const directory = path.join(base, 'damaged');
    await mkdir(directory);
    await symlink(path.join(out, 'rootfs.tar'), path.join(directory, 'rootfs.tar'));
    await run('sh', ['-c', 'head -c 2000 "$1" > "$2"', 'sh', `${out}/initramfs.cgz`, `${directory}/initramfs.cgz`]);
    expect((await failureOf(auditDirectory({ directory }))).code).to.be.oneOf(['TOOL_FAILED', 'INTEGRITY']);
    await writeFile(path.join(directory, 'initramfs.cgz'), gzipSync('this is no archive at all'));
    expect((await failureOf(auditDirectory({ directory }))).code).to.equal('INTEGRITY');
    await rm(directory, { recursive: true });
  });
});
