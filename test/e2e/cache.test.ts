/** One conversion for everybody: single flight, the second run, what a killed build leaves. */
import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { iso2rootfs, readFailure, type Ended } from '../contract/cli/program.js';
import { manifestSchema, type Manifest } from '../../src/build/manifest.js';
import { run } from '../../src/tools/run.js';
import { convertOnce, GUEST, type SharedConversion } from './conversion.js';

/** Whatever is asked for, an output says what is in it. */
const ABOUT = ['SHA256SUMS', 'guest-record.gz', 'logs', 'manifest.json', 'packages.json', 'sbom.cdx.json'];
const ARTIFACTS = [...ABOUT, 'initramfs.cgz', 'initrd.img', 'nfsroot', 'rootfs.tar', 'vmlinuz'];

describe('a conversion', function () {
  this.timeout(40 * 60_000);
  let conversion: SharedConversion;
  const again = (args: readonly string[] = []): Promise<Ended> =>
    iso2rootfs(['-f', conversion.medium, '--cache-dir', conversion.cacheDirectory, ...GUEST, ...args], {
      cwd: conversion.directory,
    });

  before(async () => {
    conversion = await convertOnce();
  });

  it('prints the path of its output and nothing else on stdout', () => {
    expect(conversion.twins[0].stdout).to.equal(`${conversion.outputs[0]}\n`);
    expect(conversion.twins[1].stdout).to.equal(`${conversion.outputs[1]}\n`);
  });

  it('installs once for two processes that were started together', () => {
    const installed = conversion.twins.filter(({ stderr }) => /^install: done/m.test(stderr));
    const waited = conversion.twins.filter(({ stderr }) => /nothing is installed/.test(stderr));
    expect([installed.length, waited.length]).to.deep.equal([1, 1]);
  });

  it('writes all artifacts, with sums that hold', async () => {
    for (const output of conversion.outputs) {
      expect((await readdir(output)).sort()).to.deep.equal([...ARTIFACTS].sort());
      await run('sha256sum', ['--strict', '--quiet', '--check', 'SHA256SUMS'], { cwd: output });
      expect((await readdir(path.join(output, 'logs'))).join(' ')).to.include('console.log');
    }
  });

  it('says in its manifest what it was made of', () => {
    const { medium, kernel, commands, timings, tools, artifacts, packages } = conversion.manifest;
    expect(medium).to.include({ distro: 'openeuler', release: '22.03-lts', arch: 'x86_64', installer: 'anaconda' });
    expect(kernel.kernel).to.equal(`vmlinuz-${kernel.version}`);
    expect(kernel.kernel).to.not.match(/rescue|kdump/);
    expect(artifacts.map(({ name }) => name)).to.include.members(['rootfs.tar', 'nfsroot', 'initramfs.cgz']);
    expect(JSON.stringify(commands)).to.include('virt-install').and.to.include('guestfish');
    // The installed disk itself is read: no copy of it is prepared for trees.
    expect(JSON.stringify(commands)).to.not.match(/virt-sysprep|virt-sparsify/);
    expect(timings.map(({ stage }) => stage)).to.include.members([
      'install',
      'prepare',
      'sparsify',
      'pair',
      'packages',
    ]);
    expect(Object.keys(tools)).to.not.be.empty;
    expect(packages?.length ?? 0).to.be.above(50);
  });

  it('cleans up after a build that was killed, and leaves one that lives alone', () => {
    const { killed, bystander, twins } = conversion;
    expect(killed.leftBehind.join('\n'), 'the killed build left something').to.include(killed.id);
    expect(twins.map(({ stderr }) => stderr).join(''), 'said so').to.match(/Cleaned up after 1 build/);
    expect(killed.leftAfterNextRun).to.deep.equal([]);
    expect(bystander).to.include({ wasRunning: true, domainWasThere: true });
  });

  it('ends on SIGTERM with status 143 and leaves nothing', () => {
    const { end, left } = conversion.bystander;
    expect(end.status, end.stderr).to.equal(143);
    expect(readFailure(end).code).to.equal('TERMINATED');
    expect(left).to.deep.equal([]);
  });

  it('is not made twice: the second run installs nothing, and replaces the output', async () => {
    const [output] = conversion.outputs;
    const { ino } = await stat(output);
    const result = await again(['-o', output]);
    expect(result.status, result.stderr).to.equal(0);
    expect(result.stdout).to.equal(`${output}\n`);
    expect(result.stderr)
      .to.match(/nothing is installed/)
      .and.to.not.match(/^(?:preflight|install|prepare): /m);
    expect((await stat(output)).ino, 'a new directory').to.not.equal(ino);
    expect((await readdir(output)).sort()).to.deep.equal([...ARTIFACTS].sort());
    expect((await readdir(conversion.directory)).filter((name) => name.startsWith('.'))).to.deep.equal([]);
    // A second or two plus the copying out; the machine may be busy.
    expect(result.elapsedMs).to.be.below(60_000);
  });

  it('is the same once more from the same installed disk, byte for byte, though another reads it', async () => {
    const [from, cacheDirectory] = [conversion.cacheDirectory, path.join(conversion.directory, 'disk-only')];
    await mkdir(path.join(cacheDirectory, 'v1'), { recursive: true, mode: 0o700 });
    for (const part of ['disks', 'file-hashes', 'state']) {
      await run('cp', ['-a', '--link', path.join(from, 'v1', part), path.join(cacheDirectory, 'v1', part)]);
    }
    const output = path.join(conversion.directory, 'once-more');
    const args = ['-o', output, '--engine', 'mount', '--outputs', 'tar,cgz,kernel', '--json'];
    const result = await iso2rootfs(['-f', conversion.medium, '--cache-dir', cacheDirectory, ...GUEST, ...args]);
    expect(result.status, result.stderr).to.equal(0);
    expect(result.stderr).to.match(/its disk is in the cache/);
    const hashes = ({ artifacts }: Manifest): Record<string, string> =>
      Object.fromEntries(artifacts.flatMap((each) => (each.type === 'file' ? [[each.name, each.sha256]] : [])));
    const made = hashes(manifestSchema.parse(JSON.parse(result.stdout)));
    expect(Object.keys(made)).to.include.members(['rootfs.tar', 'initramfs.cgz', 'vmlinuz', 'initrd.img']);
    // What the file system says of its names, in the order in which it has them.
    delete made['guest-record.gz'];
    expect(hashes(conversion.manifest)).to.deep.include(made);
  });

  it('gives the manifest with --json, and only the outputs that are asked for', async () => {
    const output = path.join(conversion.directory, 'only-kernel');
    const result = await again(['-o', output, '--outputs', 'kernel', '--json']);
    expect(result.status, result.stderr).to.equal(0);
    const printed = JSON.parse(result.stdout) as Record<string, unknown>;
    expect(manifestSchema.parse(printed).key).to.equal(conversion.manifest.key);
    expect(printed).to.include({ output, isFromCache: true });
    expect((await readdir(output)).sort()).to.deep.equal([...ABOUT, 'initrd.img', 'vmlinuz'].sort());
    await run('sha256sum', ['--strict', '--quiet', '--check', 'SHA256SUMS'], { cwd: output });
  });

  it('refuses what contradicts the medium, naming both', async () => {
    for (const [flags, asked] of [
      [['-d', 'debian', '-r', '12'], /debian 12/],
      [['-d', 'openeuler', '-r', '20.03-lts'], /20\.03-lts/],
      [['-a', 'aarch64'], /aarch64/],
    ] as const) {
      const result = await again(flags);
      expect(result.status, result.stderr).to.equal(65);
      expect(readFailure(result).error)
        .to.match(asked)
        .and.to.match(/openeuler 22\.03-lts x86_64/);
    }
  });

  it('says how much space is missing where nfsroot should go', async () => {
    const full = path.join(conversion.directory, 'small');
    await run('mkdir', [full]);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', full]);
    try {
      const result = await again(['-o', path.join(full, 'out')]);
      expect(result.status, result.stderr).to.equal(74);
      expect(readFailure(result)).to.include({ code: 'NO_SPACE', stage: 'deliver' });
      expect(readFailure(result).error).to.match(/needs [\d.]+ [MG]iB .*, where [\d.]+ [KM]iB are free/);
      expect(await readdir(full)).to.deep.equal([]);
    } finally {
      await run('umount', [full]);
    }
  });
});
