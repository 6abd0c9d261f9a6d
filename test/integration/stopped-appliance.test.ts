/** What libguestfs has in /tmp and in TMPDIR while its appliance runs, and that none of it stays when a build is interrupted then. */
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { Iso2RootfsError } from '../../src/errors.js';
import { applianceEnvironment } from '../../src/tools/appliance.js';
import { endProcessesOf } from '../../src/tools/orphans.js';
import { isMachine, listProcesses } from '../../src/tools/processes.js';
import { start, type RunningProgram } from '../../src/tools/run.js';

/** Found by its orphans. */
const VARIABLE = 'ISO2ROOTFS_TEST_OF_STOPPED_APPLIANCE';

describe('an appliance that is stopped', function () {
  this.timeout(120_000);
  let directory = '';
  let disk = '';
  let temporary = '';

  before(async () => {
    directory = await mkdtemp('/var/tmp/test-iso2rootfs-');
    disk = path.join(directory, 'disk.raw');
    await writeFile(disk, '');
    await truncate(disk, 64 * 2 ** 20);
    temporary = path.join(directory, 'temporary');
    await mkdir(temporary);
  });

  after(async () => rm(directory, { recursive: true, force: true }));

  const programs = {
    guestfish: ['--ro', '--format=raw', '--add', '', 'run', ':', 'debug', 'sh', 'sleep 600'],
    'virt-sparsify': ['--in-place', '--format', 'raw', ''],
  };

  async function startOn(program: keyof typeof programs, signal?: AbortSignal): Promise<RunningProgram> {
    const args = programs[program].map((argument) => (argument === '' ? disk : argument));
    const env = { ...applianceEnvironment('tcg', temporary), [VARIABLE]: String(process.pid) };
    return start(program, args, { signal, env });
  }

  for (const program of Object.keys(programs) as (keyof typeof programs)[]) {
    it(`leaves nothing of ${program} in /tmp`, async () => {
      const interrupt = new AbortController();
      const running = await startOn(program, interrupt.signal);
      const socketDirectory = await findSocketDirectory(running);
      expect((await stat(socketDirectory)).isDirectory()).to.equal(true);
      interrupt.abort(new Iso2RootfsError('INTERRUPTED', 'SIGINT'));
      const failure: unknown = await running.done.catch((error: unknown) => error);
      expect(failure).to.include({ code: 'INTERRUPTED' });
      await expectNothingLeft(socketDirectory);
    });
  }

  it('leaves nothing when it is that of a build which has died', async () => {
    const running = await startOn('guestfish');
    const socketDirectory = await findSocketDirectory(running);
    await endProcessesOf(VARIABLE, String(process.pid));
    await running.done.catch(() => undefined);
    await expectNothingLeft(socketDirectory);
  });

  async function expectNothingLeft(socketDirectory: string): Promise<void> {
    expect(await readdir(path.dirname(socketDirectory))).to.not.include(path.basename(socketDirectory));
    expect(await readdir(temporary)).to.deep.equal([]);
  }
});

/** Where the program's QEMU has the socket that the appliance answers on, once that runs. */
async function findSocketDirectory(program: RunningProgram): Promise<string> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  void program.done.then(end, end);
  while (!ended.signal.aborted) {
    // virt-sparsify has it in another process group.
    for (const { pid } of listProcesses().filter(isMachine)) {
      const read = async (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '');
      const [, socketDirectory] = /path=([^,]*)\/guestfsd\.sock/.exec(await read('cmdline')) ?? [];
      const isOurs = (await read('environ')).includes(`\0${VARIABLE}=${process.pid}\0`);
      if (socketDirectory !== undefined && isOurs && (await isUnderWay(pid))) return socketDirectory;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it has ended: ${String(await program.done.catch((error: unknown) => error))}`);
}

/** QEMU has removed the name of its overlay: ended before that, it would leave it to whoever removes the temporary directory. */
async function isUnderWay(pid: number): Promise<boolean> {
  const names = await readdir(`/proc/${pid}/fd`).catch((): string[] => []);
  const files = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return files.some((file) => /\/vl\.\w+ \(deleted\)$/.test(file));
}
