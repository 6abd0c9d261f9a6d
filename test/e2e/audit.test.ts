/** `audit` and `diff` on a real conversion: it is clean; what is spoilt is found; a package more is shown. */
import { chmod, lchown, mkdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import type { AuditReport } from '../../src/compare/audit.js';
import type { DiffReport } from '../../src/compare/diff.js';
import { packageListSchema } from '../../src/packages/types.js';
import { run } from '../../src/tools/run.js';
import { RunningIso2Rootfs, type Ended } from '../contract/cli/program.js';
import { convertOnce, type SharedConversion } from './conversion.js';

describe('audit and diff of a conversion', function () {
  this.timeout(40 * 60_000);
  let conversion: SharedConversion;
  let output: string;
  let copy: string;

  before(async () => {
    conversion = await convertOnce();
    [output] = conversion.outputs;
    copy = path.join(conversion.directory, 'audited');
    await mkdir(copy);
    await symlink(path.join(output, 'rootfs.tar'), path.join(copy, 'rootfs.tar'));
    await run('cp', ['-a', '--reflink=auto', path.join(output, 'nfsroot'), path.join(copy, 'nfsroot')]);
  });

  after(async () => rm(copy, { recursive: true, force: true }));

  async function call(...args: string[]): Promise<Ended> {
    return new RunningIso2Rootfs(args, { env: { ISO2ROOTFS_CACHE_DIR: conversion.cacheDirectory } }).done;
  }

  it('is clean: tar, nfsroot, cgz and what the guest said of its files', async () => {
    const { status, stdout, stderr } = await call('audit', output, '--json');
    expect(status, `${stdout}${stderr}`).to.equal(0);
    const report = JSON.parse(stdout) as AuditReport;
    expect(report.trees.map(({ name }) => name)).to.deep.equal([
      'rootfs.tar',
      'nfsroot',
      'initramfs.cgz',
      'guest-record.gz',
    ]);
    expect(report.absent).to.deep.equal(['squashfs']);
    expect(report.trees.every(({ entries }) => entries > 5000)).to.equal(true);
    const lost = report.excused.find(
      ({ aspect, rightName }) => aspect === 'capability' && rightName === 'initramfs.cgz',
    );
    expect(lost?.paths).to.include('usr/bin/ping');
  });

  it('has a list of packages and a bill of materials, with their hashes', async () => {
    const list = packageListSchema.parse(JSON.parse(await readFile(path.join(output, 'packages.json'), 'utf8')));
    expect(list.manager).to.equal('dpkg');
    expect(list.packages.map(({ name }) => name)).to.include.members(['bash', 'systemd']);
    expect(conversion.manifest.packages).to.have.length(list.count);
    const bom = JSON.parse(await readFile(path.join(output, 'sbom.cdx.json'), 'utf8')) as { components: unknown[] };
    expect(bom.components).to.have.length(list.count);
    await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: output });
    const sums = await readFile(path.join(output, 'SHA256SUMS'), 'utf8');
    expect(sums).to.contain('packages.json').and.contain('sbom.cdx.json').and.contain('guest-record.gz');
  });

  it('finds a mode, an owner, a capability, a byte and a file that are not as they were', async () => {
    const at = (name: string): string => path.join(copy, 'nfsroot', name);
    const time = new Date(1_500_000_000_000);
    await chmod(at('usr/bin/env'), 0o700);
    await lchown(at('etc/hostname'), 12, 34);
    await run('setcap', ['-r', at('usr/bin/ping')]);
    const shells = await readFile(at('etc/shells'));
    shells.writeUInt8(shells.readUInt8(0) ^ 1, 0);
    await writeFile(at('etc/shells'), shells);
    await utimes(at('etc/shells'), time, time);
    await writeFile(at('usr/bin/extra'), 'x');
    const { status, stdout } = await call('audit', copy, '--json');
    expect(status).to.equal(1);
    const { error } = JSON.parse(stdout) as { error: { code: string; data: AuditReport } };
    expect(error.code).to.equal('AUDIT_FAILED');
    expect(error.data.findings.map(({ path: name, aspect }) => `${name}: ${aspect}`)).to.have.members([
      'usr/bin/env: mode',
      'etc/hostname: owner',
      'usr/bin/ping: capability',
      'etc/shells: content',
      'etc/shells: mtime',
      'usr/bin: mtime',
      'usr/bin/extra: extra',
    ]);
    const text = await call('audit', copy);
    expect(text.status).to.equal(1);
    expect(text.stdout).to.match(
      /^DIFFERENT {2}usr\/bin\/ping: capability: rootfs\.tar: cap_net_raw=ep; nfsroot: none$/m,
    );
  });

  it('shows by diff a package more, and nothing of two outputs of one conversion', async () => {
    const same = await call('diff', ...conversion.outputs, '--exit-code');
    expect(same.status, same.stdout).to.equal(0);
    expect(same.stdout).to.contain('Nothing is different');

    const [tree, debian] = [path.join(copy, 'nfsroot'), path.join(copy, 'package')];
    await mkdir(path.join(debian, 'DEBIAN'), { recursive: true });
    await mkdir(path.join(debian, 'usr/share/extra'), { recursive: true });
    await writeFile(path.join(debian, 'usr/share/extra/file'), 'hello');
    const control =
      'Package: extra\nVersion: 1:2.0-1\nArchitecture: all\nMaintainer: Nobody <x@y>\nDescription: extra\n';
    await writeFile(path.join(debian, 'DEBIAN/control'), control);
    await run('dpkg-deb', ['--root-owner-group', '--build', debian, path.join(copy, 'extra.deb')]);
    // It names groups that this host may not have, and then dpkg installs nothing.
    await writeFile(path.join(tree, 'var/lib/dpkg/statoverride'), '');
    await run('dpkg', [`--root=${tree}`, '--no-triggers', '--install', path.join(copy, 'extra.deb')]);
    await rename(tree, path.join(copy, 'system'));

    const { status, stdout } = await call('diff', output, path.join(copy, 'system'), '--json', '--exit-code');
    expect(status).to.equal(1);
    const report = JSON.parse(stdout) as DiffReport;
    if ('problem' in report.packages) throw new Error(report.packages.problem);
    expect(report.packages.added.map(({ name, version }) => `${name} ${version}`)).to.deep.equal(['extra 1:2.0-1']);
    expect([...report.packages.removed, ...report.packages.changed]).to.deep.equal([]);
    expect(report.files.list.map(({ path: name }) => name)).to.include.members(['usr/share/extra/file', 'usr/bin/env']);
    const key = conversion.manifest.key.slice(0, 12);
    const markdown = await call('diff', key, path.join(copy, 'system'), '--format', 'markdown');
    expect(markdown.stdout).to.contain('- added `extra 1:2.0-1 all`');
  });
});
