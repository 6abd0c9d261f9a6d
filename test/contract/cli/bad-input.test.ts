/** What is wrong is said before anything starts: the exit status, the code, four lines on stderr, nothing on stdout. No guest runs here. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { ErrorCode } from '../../../src/errors.js';
import { makeIso, type IsoTree } from '../../unit/media/make-iso.js';
import { iso2rootfs, readFailure, type Ended } from './program.js';

const FIXTURES = path.resolve(import.meta.dirname, '../../fixtures/media');

describe('the command line, when something is wrong', function () {
  this.timeout(60_000);
  let scratch: string;
  /** Looks like an openEuler medium; its kernel would not boot. */
  let good: string;

  const at = (name: string): string => path.join(scratch, name);

  async function fails(
    args: readonly string[],
    status: number,
    code: ErrorCode,
    env: Record<string, string> = {},
  ): Promise<Ended> {
    const result = await iso2rootfs(args, { cwd: scratch, env: { ISO2ROOTFS_CACHE_DIR: at('cache'), ...env } });
    expect(result.status, `${args.join(' ')}\n${result.stderr}`).to.equal(status);
    const failure = readFailure(result);
    expect(failure.code, result.stderr).to.equal(code);
    expect(failure.hint, 'a hint').to.not.equal('');
    expect(result.stderr).to.match(/^Stage: .+\nTry this: .+\nLog: .+\n$/m);
    if (!args.includes('--json')) expect(result.stdout).to.equal('');
    return result;
  }

  const openEuler = async (replace: (text: string) => string = (text) => text): Promise<IsoTree> => ({
    '.treeinfo': replace(await readFile(path.join(FIXTURES, 'openEuler-22.03-LTS-x86_64-dvd/.treeinfo'), 'utf8')),
    'images/pxeboot/vmlinuz': 'not a kernel',
    'images/pxeboot/initrd.img': 'not an initrd',
    'images/install.img': 'not an installer',
  });

  before(async () => {
    scratch = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-cli-'));
    good = await makeIso(scratch, 'good', await openEuler(), { volumeId: 'openEuler-22.03-LTS-x86_64' });
  });

  after(async () => rm(scratch, { recursive: true, force: true }));

  it('64: flags and values that do not exist', async () => {
    await Promise.all([
      fails(['--no-such-flag'], 64, 'USAGE'),
      fails(['frobnicate'], 64, 'USAGE'),
      fails(['build', 'surplus', '-f', good], 64, 'USAGE'),
      fails(['-f', good, '--disk-size', 'large'], 64, 'USAGE'),
    ]);
    await Promise.all([
      fails(['-f', good, '--timeout', 'soon'], 64, 'USAGE'),
      fails(['-f', good, '--outputs', 'tar,zip'], 64, 'USAGE'),
      fails(['-f', good, '--sha256', '1234'], 64, 'USAGE'),
      fails(['-f', good, '--accel', 'magic'], 64, 'USAGE'),
    ]);
  });

  it('66: an ISO that does not exist', async () => {
    const result = await fails(['-f', 'no-such.iso'], 66, 'ISO_NOT_FOUND');
    expect(readFailure(result).error).to.include('no-such.iso');
    const asJson = await fails(['-f', 'no-such.iso', '--json'], 66, 'ISO_NOT_FOUND');
    expect(JSON.parse(asJson.stdout)).to.have.nested.property('error.code', 'ISO_NOT_FOUND');
    expect(JSON.parse(asJson.stdout)).to.have.nested.property('error.stage', 'fetch');
  });

  it('65: files that are no install media', async () => {
    const bytes = await readFile(good);
    await writeFile(at('text.iso'), 'not an ISO\n'.repeat(10_000));
    await writeFile(at('empty.iso'), '');
    await writeFile(at('truncated.iso'), bytes);
    await truncate(at('truncated.iso'), bytes.length - 64 * 1024);
    const data = await makeIso(scratch, 'data', { 'photos/one.jpg': 'x' }, { volumeId: 'HOLIDAYS' });
    await Promise.all([
      fails(['-f', 'text.iso'], 65, 'NOT_INSTALL_MEDIA'),
      fails(['-f', 'empty.iso'], 65, 'NOT_INSTALL_MEDIA'),
      fails(['-f', data], 65, 'NOT_INSTALL_MEDIA'),
    ]);
    const truncated = await fails(['-f', 'truncated.iso'], 65, 'NOT_INSTALL_MEDIA');
    expect(readFailure(truncated).error).to.match(/truncated|cut off|incomplete|shorter|\d+ bytes/);
  });

  it('65: a distribution that is not supported, naming what was found and what is supported', async () => {
    const other = await makeIso(scratch, 'other', await openEuler((text) => text.replaceAll('openEuler', 'Nonesuch')), {
      volumeId: 'Nonesuch-1-x86_64',
    });
    const { error, hint } = readFailure(await fails(['-f', other], 65, 'UNSUPPORTED_DISTRO'));
    expect(error).to.match(/Nonesuch/i);
    expect(`${error} ${hint}`).to.match(/openeuler/i);
  });

  it('65: an architecture that is not supported, naming both', async () => {
    const foreign = await makeIso(scratch, 'foreign', await openEuler((text) => text.replaceAll('x86_64', 'riscv64')), {
      volumeId: 'openEuler-22.03-LTS-riscv64',
    });
    const { error, hint } = readFailure(await fails(['-f', foreign], 65, 'UNSUPPORTED_DISTRO'));
    expect(error).to.match(/riscv64/);
    expect(`${error} ${hint}`).to.match(/x86_64/);
  });

  it('65: a checksum that is not the one that was asked for, naming both', async () => {
    const { error } = readFailure(await fails(['-f', good, '--sha256', 'a'.repeat(64)], 65, 'CHECKSUM_MISMATCH'));
    expect(error.match(/\b[0-9a-f]{64}\b/g)).to.have.length(2);
  });

  it('65: a medium that is not what -d and -r say, naming both', async () => {
    const { error } = readFailure(await fails(['-f', good, '-d', 'fedora', '-r', '42'], 65, 'UNSUPPORTED_DISTRO'));
    expect(error).to.include('fedora 42').and.to.include('openeuler 22.03-lts');
  });

  it('65: answer files that cannot work, with the line', async () => {
    const kickstart = [
      'text',
      'lang en_US.UTF-8',
      'keyboard us',
      'timezone UTC',
      'rootpw --lock',
      'clearpart --all',
      'autopart',
      'halt',
      '%packages',
      '%end',
      '',
    ];
    await writeFile(at('halts.ks'), kickstart.join('\n'));
    await writeFile(at('goes-on.ks'), kickstart.filter((line) => line !== 'halt').join('\n'));
    await writeFile(at('binary.ks'), Buffer.from([0xff, 0xfe, 0x00, 0x80]));
    const [halts, goesOn] = await Promise.all([
      fails(['-f', good, '--answer-file', 'halts.ks'], 65, 'ANSWER_FILE_INVALID'),
      fails(['-f', good, '--answer-file', 'goes-on.ks'], 65, 'ANSWER_FILE_INVALID'),
    ]);
    expect(readFailure(halts).error).to.include("halts.ks:8: 'halt' leaves the machine running");
    expect(readFailure(goesOn).error).to.include('nothing switches the machine off');
    await Promise.all([
      fails(['-f', good, '--answer-file', 'binary.ks'], 65, 'ANSWER_FILE_INVALID'),
      fails(['-f', good, '--answer-file', 'no-such.ks'], 65, 'ANSWER_FILE_INVALID'),
      fails(['-f', good, '--answer-file', scratch], 65, 'ANSWER_FILE_INVALID'),
    ]);
  });

  it("65: an answer file that the field's validator refuses, before a machine starts", async () => {
    const validators = at('validators');
    await mkdir(validators);
    const complaint =
      'The following problem occurred on line 4 of the kickstart file:\\n\\nunrecognized arguments: --bogus\\n\\n';
    await writeFile(path.join(validators, 'ksvalidator'), `#!/bin/sh\nprintf '${complaint}' >&2\nexit 2\n`, {
      mode: 0o755,
    });
    const kickstart = ['text', 'lang en_US.UTF-8', 'keyboard us', 'timezone UTC --bogus', 'rootpw --lock', 'zerombr'];
    await writeFile(
      at('syntax.ks'),
      [...kickstart, 'clearpart --all', 'autopart', 'poweroff', '%packages', '%end', ''].join('\n'),
    );
    const refused = await fails(
      ['-f', good, '--answer-file', 'syntax.ks', '-p', validators],
      65,
      'ANSWER_FILE_INVALID',
    );
    expect(readFailure(refused)).to.include({ stage: 'preflight' });
    expect(readFailure(refused).error).to.include('syntax.ks:4: ksvalidator: unrecognized arguments: --bogus');
  });

  it('69: a program that is missing, named with what it is for and the package that has it', async () => {
    const programs = at('programs');
    await mkdir(programs);
    for (const directory of ['/usr/bin', '/usr/sbin', '/bin', '/sbin']) {
      for (const name of await readdir(directory)) {
        if (name !== 'virt-install')
          await symlink(path.join(directory, name), path.join(programs, name)).catch(() => undefined);
      }
    }
    const { error, hint } = readFailure(await fails(['-f', good], 69, 'TOOL_MISSING', { PATH: programs }));
    expect(error).to.include('virt-install');
    expect(`${error} ${hint}`).to.include('virtinst');
  });

  it('69: a libvirt that does not answer', async () => {
    const uri = `qemu+unix:///system?socket=${at('no-such-socket')}`;
    const { error } = readFailure(await fails(['-f', good, '--connect', uri], 69, 'LIBVIRT_UNREACHABLE'));
    expect(error).to.include('libvirt');
  });

  it('73: outputs that are not ours, untouched', async () => {
    await mkdir(at('foreign-output'));
    await writeFile(at('foreign-output/thesis.txt'), 'years of work');
    await writeFile(at('file'), 'x');
    await symlink('nowhere', at('dangling'));
    await Promise.all([
      fails(['-f', good, '-o', 'foreign-output'], 73, 'OUTPUT_EXISTS'),
      fails(['-f', good, '-o', 'file'], 73, 'OUTPUT_EXISTS'),
      fails(['-f', good, '-o', 'file/below'], 73, 'OUTPUT_EXISTS'),
      fails(['-f', good, '-o', 'dangling'], 73, 'OUTPUT_EXISTS'),
    ]);
    expect(await readdir(at('foreign-output'))).to.deep.equal(['thesis.txt']);
    expect(await readFile(at('file'), 'utf8')).to.equal('x');
  });

  it('leaves no output, workspace or staging behind', async () => {
    expect((await readdir(scratch)).filter((name) => /^openeuler|^\./.test(name))).to.deep.equal([]);
    for (const name of ['workspaces', 'staging', 'objects', 'disks']) {
      expect(await readdir(at(`cache/v1/${name}`)), name).to.deep.equal([]);
    }
  });
});

describe('the command line, asked for help', function () {
  this.timeout(30_000);

  it('tells about flags, files, environment and exit statuses on stdout', async () => {
    const result = await iso2rootfs(['build', '--help']);
    expect(result.status).to.equal(0);
    for (const word of ['--iso', '--output', 'EXAMPLES', 'ENVIRONMENT', 'EXIT STATUS', 'ISO2ROOTFS_CACHE_DIR', '124']) {
      expect(result.stdout).to.include(word);
    }
  });

  it('lists its commands and its version', async () => {
    const [help, version] = await Promise.all([iso2rootfs(['--help']), iso2rootfs(['--version'])]);
    expect([help.status, version.status]).to.deep.equal([0, 0]);
    expect(help.stdout).to.include('build').and.to.include('doctor');
    expect(version.stdout).to.match(/^iso2rootfs\/\d/);
  });
});
