/** Package databases that the real rpm and db_load made, read by the host's rpm; and lists of dpkg. */
import { expect } from 'chai';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { diffOutputs } from '../../../src/build/diff-outputs.js';
import { formatDiff } from '../../../src/compare/format-diff.js';
import { readPackages, type DatabaseFile } from '../../../src/packages/read-packages.js';
import { findProgram, run } from '../../../src/tools/run.js';
import { Toolbox } from '../../../src/tools/toolbox.js';

describe('packages of a tree', function () {
  this.timeout(60_000);
  let directory: string;
  let tools: Toolbox;
  let rpmFile: string;

  before(async function () {
    directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-packages-'));
    tools = new Toolbox({ logDirectory: directory });
    if ((await findProgram('rpmbuild', process.env['PATH'] ?? '')) === undefined) {
      process.stderr.write('skipped: rpmbuild is not installed (bin/setup-host --for test)\n');
      this.skip();
    }
    rpmFile = await buildPackage('tiny', '1.0~rc1', '3.oe2203', 2);
  });

  after(async () => rm(directory, { recursive: true, force: true }));

  async function buildPackage(name: string, version: string, release: string, epoch?: number): Promise<string> {
    const spec = path.join(directory, `${name}.spec`);
    await writeFile(
      spec,
      `Name: ${name}\n${epoch === undefined ? '' : `Epoch: ${epoch}\n`}Version: ${version}\nRelease: ${release}\nSummary: x
License: MIT and GPLv2+\nVendor: Nobody\nBuildArch: noarch\n%description\nx\n%install
mkdir -p %{buildroot}/usr/share/${name}; echo hello > %{buildroot}/usr/share/${name}/file\n%files\n/usr/share/${name}/file\n`,
    );
    const top = path.join(directory, 'top');
    await run('rpmbuild', ['--define', `_topdir ${top}`, '-bb', spec]);
    return path.join(top, 'RPMS', 'noarch', `${name}-${version}-${release}.noarch.rpm`);
  }

  /** A root with an rpm database that has what is in the packages. */
  async function installInto(root: string, ...packages: string[]): Promise<void> {
    const database = path.join(root, 'var/lib/rpm');
    await mkdir(database, { recursive: true });
    const where = ['--dbpath', database, '--justdb', '--nodeps', '--noscripts', '--ignorearch'];
    await run('rpm', [...where, '-i', ...packages]);
  }

  async function filesIn(database: string, place: string): Promise<DatabaseFile[]> {
    const files: DatabaseFile[] = [];
    for (const name of await readdir(database)) {
      const file = path.join(database, name);
      const { size: sizeBytes } = await stat(file);
      if (!name.endsWith('-shm'))
        files.push({ path: `${place}/${name}`, sizeBytes, read: () => createReadStream(file) });
    }
    return files;
  }

  const TINY = {
    name: 'tiny',
    version: '2:1.0~rc1-3.oe2203',
    epoch: 2,
    release: '3.oe2203',
    arch: 'noarch',
    source: 'tiny-1.0~rc1-3.oe2203.src.rpm',
    license: 'MIT and GPLv2+',
    vendor: 'Nobody',
    installedBytes: 6,
  };

  it('reads an rpm database in sqlite', async () => {
    const root = path.join(directory, 'sqlite');
    await installInto(root, rpmFile);
    const read = await readPackages(tools, await filesIn(path.join(root, 'var/lib/rpm'), 'var/lib/rpm'), directory);
    expect(read.list).to.deep.equal({ format: 1, manager: 'rpm', count: 1, packages: [TINY] });
  });

  it('reads an rpm database in Berkeley DB, of old releases', async function () {
    if ((await findProgram('db_load', process.env['PATH'] ?? '')) === undefined) {
      process.stderr.write('skipped: db_load is not installed (bin/setup-host --for test)\n');
      this.skip();
    }
    const database = path.join(directory, 'bdb');
    await mkdir(database);
    const dump = path.join(directory, 'dump');
    await writeFile(dump, dumpOf(await readFile(rpmFile)));
    await run('db_load', ['-f', dump, path.join(database, 'Packages')]);
    const read = await readPackages(tools, await filesIn(database, 'usr/lib/sysimage/rpm'), directory);
    expect(read.list?.packages).to.deep.equal([TINY]);
  });

  it('says why the packages are not known: an unknown format, a damaged database, no rpm', async () => {
    const files = (name: string, content: Buffer): DatabaseFile[] => [
      {
        path: `var/lib/rpm/${name}`,
        sizeBytes: content.length,
        read: () => Readable.from([content]),
      },
    ];
    for (const [name, content] of [
      ['Packages.db', Buffer.from('RpmP nothing')],
      ['Packages', Buffer.alloc(8192, 0xff)],
      ['rpmdb.sqlite', Buffer.alloc(8192, 0x41)],
    ] as const) {
      const read = await readPackages(tools, files(name, content), directory);
      expect(read.list, name).to.equal(undefined);
      expect(read.problem, name).to.match(/rpm/);
    }
    const path_ = process.env['PATH'];
    process.env['PATH'] = path.join(directory, 'nowhere');
    try {
      const read = await readPackages(tools, files('rpmdb.sqlite', Buffer.from('x')), directory);
      expect(read.problem).to.contain('rpm is not installed');
    } finally {
      process.env['PATH'] = path_;
    }
    expect((await readPackages(tools, [], directory)).problem).to.equal('the system has no database of dpkg or rpm');
    const huge = [{ path: 'var/lib/rpm/Packages', sizeBytes: 2 ** 40, read: () => createReadStream('/dev/zero') }];
    expect((await readPackages(tools, huge, directory)).problem).to.contain('bytes');
  });

  it('shows by diff the package by which two systems differ, and what came with it', async () => {
    const [one, other] = [path.join(directory, 'one'), path.join(directory, 'other')];
    const [base, newer, extra] = [
      await buildPackage('base', '1.9', '1'),
      await buildPackage('base', '1.10', '1'),
      await buildPackage('extra', '1', '1'),
    ];
    await installInto(one, rpmFile, base);
    await installInto(other, rpmFile, newer, extra);
    for (const root of [one, other]) {
      await mkdir(path.join(root, 'etc/systemd/system/multi-user.target.wants'), { recursive: true });
      await mkdir(path.join(root, 'usr/bin'), { recursive: true });
      await mkdir(path.join(root, 'var/log'), { recursive: true });
      await writeFile(path.join(root, 'var/log/messages'), root);
      await writeFile(path.join(root, 'usr/bin/tool'), 'tool');
    }
    await run('ln', [
      '-s',
      '/usr/lib/systemd/system/extra.service',
      `${other}/etc/systemd/system/multi-user.target.wants/`,
    ]);
    await run('chmod', ['4755', `${other}/usr/bin/tool`]);
    await writeFile(path.join(other, 'usr/bin/grown'), Buffer.alloc(100_000));
    await run('tar', ['-cf', `${directory}/other.tar`, '-C', other, '.']);
    const request = { cacheDirectory: path.join(directory, 'cache'), left: one };
    for (const right of [other, `${directory}/other.tar`]) {
      const report = await diffOutputs({ ...request, right });
      expect(report.isDifferent).to.equal(true);
      if ('problem' in report.packages) throw new Error(report.packages.problem);
      expect(report.packages.added.map(({ name, version }) => `${name} ${version}`)).to.deep.equal(['extra 1-1']);
      expect(report.packages.removed).to.deep.equal([]);
      expect(report.packages.changed).to.deep.equal([
        { name: 'base', arch: 'noarch', from: '1.9-1', to: '1.10-1', direction: 'upgraded' },
      ]);
      expect(report.services.enabled).to.deep.equal(['extra.service']);
      expect(report.setuid).to.deep.equal([{ name: 'usr/bin/tool', right: '4755 0:0' }]);
      expect(report.sizes.find(({ directory: name }) => name === 'usr/bin')).to.deep.equal({
        directory: 'usr/bin',
        leftBytes: 4,
        rightBytes: 100_004,
      });
      const files = report.files.list.filter(({ isVolatile }) => !isVolatile);
      expect(files.map(({ path: name, what }) => `${what} ${name}`)).to.deep.equal([
        'added etc/systemd/system/multi-user.target.wants/extra.service',
        'added usr/bin/grown',
        'changed usr/bin/tool',
      ]);
      expect(report.files.volatile).to.be.greaterThan(0);
    }
    const report = await diffOutputs({ ...request, right: other });
    const text = await formatDiff(report, { format: 'text' });
    expect(text).to.contain('+ extra 1-1 noarch').and.contain('~ base 1.9-1 -> 1.10-1 noarch (upgraded)');
    expect(text).not.to.contain('var/log/messages');
    expect(await formatDiff(report, { format: 'text', showsAll: true })).to.contain('var/log/messages');
    expect(await formatDiff(report, { format: 'markdown' })).to.contain('- added `extra 1-1 noarch`');
    expect(JSON.parse(await formatDiff(report, { format: 'json' }))).to.deep.equal(JSON.parse(JSON.stringify(report)));
    const same = await diffOutputs({ ...request, right: one });
    expect(same.isDifferent).to.equal(false);
    expect(await formatDiff(same, { format: 'text' })).to.contain('Nothing is different');
  });
});

/** The header of an rpm file as rpm kept it in Berkeley DB, for db_load: by number, without its magic. */
function dumpOf(rpm: Buffer): string {
  const endOfHeader = (start: number): number =>
    start + 16 + rpm.readUInt32BE(start + 8) * 16 + rpm.readUInt32BE(start + 12);
  const start = Math.ceil(endOfHeader(96) / 8) * 8;
  const header = rpm.subarray(start + 8, endOfHeader(start));
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const pairs = [number(0), number(1), number(1), header].map((bytes) => ` ${bytes.toString('hex')}\n`).join('');
  return `VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n${pairs}DATA=END\n`;
}
