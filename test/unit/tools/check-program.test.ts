import { expect } from 'chai';
import path from 'node:path';
import { checkProgram, checkPrograms, requirePrograms, toolVersions } from '../../../src/tools/check-program.js';
import {
  compareVersions,
  emulatorPrograms,
  requirementsFor,
  type Requirement,
} from '../../../src/tools/requirements.js';
import { FakePrograms, failureOf } from './fake-programs.js';

let fakes: FakePrograms;

function requirement(program: string): Requirement {
  const found = requirementsFor('x86_64').find(({ programs }) => programs.includes(program));
  if (found === undefined) throw new Error(`no requirement for ${program}`);
  return found;
}

describe('tools/check-program', () => {
  beforeEach(async () => {
    fakes = await FakePrograms.create();
  });
  afterEach(() => fakes.remove());

  it('names the package of a missing program in the words of the host', async () => {
    const packages = await Promise.all(
      (['debian', 'redhat', 'suse', null] as const).map(
        async (family) => (await checkProgram(requirement('virsh'), { path: fakes.path, family })).package,
      ),
    );
    expect(packages).to.deep.equal(['libvirt-clients', 'libvirt-client', 'libvirt-client', undefined]);
  });

  it('reports what is missing with its reason', async () => {
    const check = await checkProgram(requirement('virt-sparsify'), { path: fakes.path, family: 'debian' });
    expect(check).to.include({ name: 'virt-sparsify', ok: false, problem: 'is not installed', version: undefined });
    const error = await failureOf(Promise.resolve().then(() => requirePrograms([check])));
    expect(error.code).to.equal('TOOL_MISSING');
    expect(error.exitStatus).to.equal(69);
    expect(error.message).to.equal('virt-sparsify is not installed (needed to give unused blocks of the disk back)');
    expect(error.hint).to.equal('Install guestfs-tools, or run bin/setup-host.');
  });

  it('reports a program that is too old', async () => {
    await fakes.add('virt-install', 'echo 2.2.1');
    const check = await checkProgram(requirement('virt-install'), { path: fakes.path, family: 'debian' });
    expect(check.problem).to.match(/^2\.2\.1 is too old: at least 3\.0\.0 is needed/);
    expect((await failureOf(Promise.resolve().then(() => requirePrograms([check])))).code).to.equal('TOOL_TOO_OLD');
  });

  it('reports a program that does not run', async () => {
    await fakes.add('virt-install', 'echo "ModuleNotFoundError: No module named \'gi\'" >&2; exit 1');
    const check = await checkProgram(requirement('virt-install'), { path: fakes.path });
    expect(check.ok).to.equal(false);
    expect(check.problem).to.contain('does not run').and.to.contain("No module named 'gi'");
  });

  it('does not take another tar for GNU tar', async () => {
    await fakes.add('tar', 'echo "bsdtar 3.6.2 - libarchive 3.6.2"');
    const check = await checkProgram(requirement('tar'), { path: fakes.path });
    expect(check).to.include({ ok: false, problem: 'is of no use: it is not GNU tar' });
    await fakes.add('tar', 'echo "tar (GNU tar) 1.26"');
    expect((await checkProgram(requirement('tar'), { path: fakes.path })).problem).to.contain('1.26 is too old');
    await fakes.add('tar', 'echo "tar (GNU tar) 1.27"');
    expect((await checkProgram(requirement('tar'), { path: fakes.path })).ok).to.equal(true);
  });

  it('takes the best of several programs that can do the job', async () => {
    await fakes.add('gzip', 'echo "gzip 1.12"');
    expect((await checkProgram(requirement('pigz'), { path: fakes.path })).name).to.equal('gzip');
    await fakes.add('pigz', 'echo "pigz 2.6"');
    expect((await checkProgram(requirement('pigz'), { path: fakes.path })).name).to.equal('pigz');
  });

  it('looks into the tools directory first', async () => {
    const tools = await FakePrograms.create();
    await fakes.add('guestfish', 'echo guestfish 1.48.6');
    const chosen = await tools.add('guestfish', 'echo guestfish 1.54.0');
    const check = await checkProgram(requirement('guestfish'), { path: fakes.path, toolsPath: tools.path });
    expect(check).to.include({ path: chosen, version: '1.54.0', ok: true });
    await tools.remove();
  });

  it('reads a version from stderr where stdout is empty', async () => {
    await fakes.add('virsh', 'echo 11.3.0 >&2');
    expect((await checkProgram(requirement('virsh'), { path: fakes.path })).version).to.equal('11.3.0');
  });

  it('does not stop a build for what is optional', async () => {
    const checks = await Promise.all(
      requirementsFor('x86_64')
        .filter(({ isOptional }) => isOptional)
        .map((optional) => checkProgram(optional, { path: fakes.path })),
    );
    // cpio and the like are not among the fakes; daemons may be in /usr/sbin.
    expect(checks.some(({ ok }) => !ok)).to.equal(true);
    requirePrograms(checks);
  });

  it('asks for what the chosen engine needs, and takes what the other one needs for optional', () => {
    const needed = (engine?: 'guestfs' | 'mount'): string[] =>
      requirementsFor('x86_64', engine)
        .filter(({ isOptional }) => isOptional !== true)
        .flatMap(({ programs }) => programs);
    const appliance = ['virt-sparsify', 'guestfish'];
    expect(needed()).to.include.members(appliance).and.to.not.include('sfdisk');
    expect(needed('mount')).to.include.members(['sfdisk', 'ip', 'virt-install']);
    expect(needed('mount').filter((program) => appliance.includes(program))).to.deep.equal([]);
  });

  it('names all missing programs at once, and what is there for the manifest', async () => {
    await fakes.add('virsh', 'echo 9.0.0');
    await fakes.add('flock', 'echo flock from util-linux');
    const checks = await checkPrograms('x86_64', { path: fakes.path, family: 'debian' });
    const error = await failureOf(Promise.resolve().then(() => requirePrograms(checks)));
    expect(error.data?.['tools']).to.include.members([
      'virt-install',
      'qemu-system-x86_64 or qemu-kvm',
      'guestfish',
      'tar',
    ]);
    expect(error.data?.['tools']).to.not.include('virsh');
    expect(toolVersions(checks)).to.include({ virsh: '9.0.0', flock: 'unknown' });
  }).timeout(5000);

  it('has a package of every family for every program', () => {
    for (const arch of ['x86_64', 'aarch64']) {
      for (const { packages } of requirementsFor(arch)) {
        expect(Object.values(packages)).to.have.lengthOf(3).and.not.include('');
      }
    }
  });

  it("knows the names of QEMU, of which some are only the host's own architecture", () => {
    expect(emulatorPrograms('x86_64', 'x86_64').map((program) => path.basename(program))).to.deep.equal([
      'qemu-system-x86_64',
      'qemu-kvm',
      'qemu-kvm',
    ]);
    expect(emulatorPrograms('aarch64', 'x86_64')).to.deep.equal(['qemu-system-aarch64']);
  });

  it('compares versions by their numbers', () => {
    const sorted = ['1.9', '1.10', '1.10.1', '2', '6.1.0-9-amd64', '6.1.0-56-amd64', '6.10'];
    expect([...sorted].reverse().sort(compareVersions)).to.deep.equal(sorted);
    expect(compareVersions('1.0', '1')).to.equal(0);
  });
});
