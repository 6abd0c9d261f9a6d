import { expect } from 'chai';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run, type RunResult } from '../../../src/tools/run.js';
import { FakePrograms } from '../../unit/tools/fake-programs.js';

const SCRIPT = path.resolve('bin/setup-host');

describe('bin/setup-host', () => {
  let fakes: FakePrograms;

  beforeEach(async () => {
    fakes = await FakePrograms.create();
    // Where it does not belong to a test, the host looks as if it were done: libvirt answers, and nothing waits.
    for (const program of ['virsh', 'virtlogd', 'libvirtd', 'systemctl', 'sleep']) await fakes.add(program, 'exit 0');
    await fakes.add('sudo', 'while [ "${1#-}" != "$1" ]; do shift; done; exec "$@"');
  });
  afterEach(() => fakes.remove());

  /** Runs it with the fakes before the real programs; the last lines of the result are its messages. */
  async function setUp(osRelease: string, ...args: string[]): Promise<RunResult> {
    const file = path.join(fakes.directory, 'os-release');
    await writeFile(file, osRelease);
    return run(SCRIPT, args, {
      env: { PATH: `${fakes.path}:${process.env['PATH'] ?? ''}`, SETUP_HOST_OS_RELEASE: file },
      allowedStatuses: [0, 1, 64],
    });
  }

  /** A package manager that has everything but `without`, and notes what it is asked to install. */
  async function addManager(name: 'dnf' | 'zypper', without = 'nothing-at-all'): Promise<string> {
    const log = path.join(fakes.directory, 'installed');
    await fakes.add('rpm', 'case $* in *kernel*|*tar|*python3) exit 0;; *) exit 1;; esac');
    await fakes.add(name, `case " $* " in *" install "*) echo "$@" >> ${log};; *" ${without} "*) exit 1;; esac`);
    return log;
  }

  async function addApt(aptGet: string): Promise<string> {
    const log = path.join(fakes.directory, 'apt-get');
    await fakes.add('dpkg-query', '[ "$3" != xorriso ] && printf installed; true');
    await fakes.add('apt-cache', 'printf "$2:\\n  Installed: (none)\\n  Candidate: 1.2.3\\n"');
    await fakes.add('find', 'echo /var/lib/apt/lists/fresh_InRelease');
    await fakes.add('apt-get', `echo "$@" >> ${log}\n${aptGet}`);
    return log;
  }

  it('is clean for shellcheck', async () => {
    await run('shellcheck', [SCRIPT]);
  });

  it('finds this machine set up for a build', async () => {
    const { exitStatus, tail } = await run(SCRIPT, ['--check'], { allowedStatuses: [0, 1] });
    expect(tail.join('\n')).to.equal('setup-host: all that is needed for --for build is there');
    expect(exitStatus).to.equal(0);
  }).timeout(5000);

  it('refuses what it does not understand', async () => {
    expect((await setUp('ID=debian', '--bogus')).exitStatus).to.equal(64);
    expect((await setUp('ID=debian', '--for', 'fun')).exitStatus).to.equal(64);
    const { exitStatus, tail } = await setUp('ID=plan9', '--check');
    expect(exitStatus).to.equal(1);
    expect(tail.at(-1)).to.contain('does not know plan9');
  });

  it('installs the NFS server of verify only where that is asked for', async () => {
    const log = await addManager('dnf');
    await fakes.add('systemctl', 'exit 0');
    expect((await setUp('ID=fedora', '--for', 'verify')).exitStatus).to.equal(0);
    const installed = (await readFile(log, 'utf8')).trim().split(' ');
    expect(installed).to.include.members(['nfs-ganesha-vfs', 'rpcbind']).and.to.not.include('virt-install');
  });

  it('installs by the names of Fedora, EL and openEuler', async () => {
    const log = await addManager('dnf', 'qemu-kvm');
    const { exitStatus, tail } = await setUp('ID="openEuler"\nVERSION_ID="22.03"', '--yes');
    expect(tail.join('\n')).to.contain('ready');
    expect(exitStatus).to.equal(0);
    const installed = (await readFile(log, 'utf8')).trim().split(' ');
    expect(installed).to.include.members([
      'virt-install',
      'libvirt-client',
      'guestfs-tools',
      'qemu-img',
      'xorriso',
      'pigz',
    ]);
    expect(installed)
      .to.include('install')
      .and.to.include('-y')
      .and.to.not.include('qemu-kvm')
      .and.to.not.include('tar');
    expect(installed.some((name) => /^qemu-system-/.test(name))).to.equal(true);
  });

  it('installs by the names of openSUSE', async () => {
    const log = await addManager('zypper');
    expect((await setUp('ID="opensuse-leap"\nID_LIKE="suse opensuse"', '--yes')).exitStatus).to.equal(0);
    const installed = (await readFile(log, 'utf8')).trim().split(' ');
    expect(installed).to.include.members([
      '--non-interactive',
      'install',
      'virt-install',
      'guestfs-tools',
      'qemu-tools',
    ]);
  });

  it('goes on without what is optional, and not without the rest', async () => {
    await addManager('dnf', 'pigz');
    expect((await setUp('ID=fedora', '--yes')).exitStatus).to.equal(0);
    await addManager('dnf', 'virt-install');
    const { exitStatus, tail } = await setUp('ID=fedora', '--yes');
    expect(exitStatus).to.equal(1);
    expect(tail.at(-1)).to.equal('setup-host: error: no repository of this host has: virt-install');
  });

  it('says what it installs before it does', async () => {
    await addApt('echo working >&2');
    const { tail } = await setUp('ID=debian', '--yes');
    expect(tail.slice(0, 2)).to.deep.equal(['setup-host: installing 1 packages: xorriso', 'working']);
  });

  it('asks apt for no more than is missing, without recommended packages', async () => {
    const log = await addApt('exit 0');
    expect((await setUp('ID=debian', '--yes')).exitStatus).to.equal(0);
    expect((await readFile(log, 'utf8')).trim()).to.match(/ -y --no-install-recommends install xorriso$/);
  });

  it('changes nothing when it only checks', async () => {
    const log = await addApt('exit 0');
    const { exitStatus, tail } = await setUp('ID=debian', '--check');
    expect(exitStatus).to.equal(1);
    expect(tail).to.deep.equal(['setup-host: error: missing: xorriso']);
    expect(await readFile(log, 'utf8').catch(() => 'not run')).to.equal('not run');
  });

  it('waits for the lock of the package manager', async () => {
    const mark = path.join(fakes.directory, 'tried');
    const message = 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (unattended-upgr)';
    const log = await addApt(`[ -e ${mark} ] || { touch ${mark}; echo "${message}" >&2; exit 100; }`);
    const { exitStatus, tail } = await setUp('ID=debian', '--yes');
    expect(exitStatus).to.equal(0);
    expect(tail.join('\n')).to.contain('waiting for it');
    expect((await readFile(log, 'utf8')).trim().split('\n')).to.have.lengthOf(2);
  });

  it('updates the package lists when a mirror has dropped what they name', async () => {
    const mark = path.join(fakes.directory, 'updated');
    const log = await addApt(
      `case $* in *update*) touch ${mark};; *) [ -e ${mark} ] || { echo "E: 404 Not Found" >&2; exit 100; };; esac`,
    );
    expect((await setUp('ID=debian', '--yes')).exitStatus).to.equal(0);
    const commands = (await readFile(log, 'utf8')).trim().split('\n');
    expect(commands.map((command) => /\b(install|update)\b/.exec(command)?.[0])).to.deep.equal([
      'install',
      'update',
      'install',
    ]);
  });

  it('ends with one clear line when a package cannot be installed', async () => {
    await addApt('echo "E: broken" >&2; exit 100');
    const { exitStatus, tail } = await setUp('ID=debian', '--yes');
    expect(exitStatus).to.equal(1);
    expect(tail.at(-1)).to.equal('setup-host: error: apt-get could not install: xorriso');
  });
});
