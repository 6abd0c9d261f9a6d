/** What happens after an installation has failed: tried again with more, left to people, or kept. */
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { readFailure, RunningIso2Rootfs, type Ended } from '../contract/cli/program.js';
import { GUEST } from './conversion.js';
import { listDomains, listUnfinished, newOnHost, surveyHost } from './host-state.js';
import { makeMedium } from './medium.js';

/** Less than the stand-in's kickstart file needs for its partition, and half of it is not. */
const SMALL_DISK = ['--disk-size', '1500M'];

describe('after an installation has failed', function () {
  this.timeout(15 * 60_000);
  let directory = '';
  let cacheDirectory = '';
  let host: ReadonlySet<string> = new Set();

  before(async function () {
    this.timeout(30 * 60_000);
    directory = await mkdtemp('/var/tmp/e2e-iso2rootfs-');
    cacheDirectory = path.join(directory, 'cache');
    host = await surveyHost();
    await makeMedium(path.join(directory, 'hungry.iso'), 'oom:1500');
    await makeMedium(path.join(directory, 'ask.iso'), 'ask');
    await makeMedium(path.join(directory, 'good.iso'));
  });

  after(async () => rm(directory, { recursive: true, force: true }));

  function start(medium: string, ...flags: readonly string[]): RunningIso2Rootfs {
    const args = ['-f', path.join(directory, `${medium}.iso`), '-o', path.join(directory, 'out'), ...flags];
    return new RunningIso2Rootfs(args, { env: { ISO2ROOTFS_CACHE_DIR: cacheDirectory } });
  }

  /** Domains, pools, sockets, workspaces: everything but logs and the store. */
  async function expectNothingLeft(): Promise<void> {
    expect(await newOnHost(host, cacheDirectory), 'on the host').to.deep.equal([]);
    expect(await listUnfinished(cacheDirectory), 'in the cache').to.deep.equal([]);
  }

  it('too little memory: tries once more with twice as much, which is enough', async () => {
    const program = start('hungry', '--memory', '1G', '--outputs', 'tar');
    await program.says(/^install: done/m);
    program.kill('SIGINT');
    const { stderr } = await program.done;
    expect(stderr).to.match(
      /^Warning: .*too little memory: .*Out of memory: Killed process .*Trying once more with 2048 MiB of memory\.$/m,
    );
    expect(stderr.match(/^install: starting the installer$/gm)).to.have.length(2);
    const [id = ''] = await readdir(path.join(cacheDirectory, 'v1', 'disks'));
    const record = JSON.parse(await readFile(path.join(cacheDirectory, 'v1', 'disks', id, 'object.json'), 'utf8')) as {
      facts: { attempts: { memoryMiB: number; failure?: { outcome: string } }[] };
    };
    expect(record.facts.attempts.map(({ memoryMiB, failure }) => [memoryMiB, failure?.outcome])).to.deep.equal([
      [1024, 'out-of-memory'],
      [2048, undefined],
    ]);
    await expectNothingLeft();
  });

  it('--no-retry --keep-on-failure --console: fails at once, says what to try, keeps the disk, and shows the console', async () => {
    const ended = await start('good', ...GUEST, ...SMALL_DISK, '--no-retry', '--keep-on-failure', '--console').done;
    expect(ended.status, ended.stderr).to.equal(1);
    const failure = readFailure(ended);
    expect(failure).to.include({ code: 'BUILD_FAILED', stage: 'install' });
    expect(failure.error).to.match(/the disk is too small: Unable to allocate requested partition scheme/);
    expect(failure.hint).to.match(/--disk-size.*It had a disk of 1\.5 GiB; without --no-retry it is tried once more/);
    expect(ended.stderr).to.not.match(/Trying once more/);
    // Followed while it ran, and once more above the failure.
    expect(ended.stderr.match(/Saving storage configuration/g)).to.have.length(2);
    expect(ended.stderr).to.match(/^ {2}\| .*Unable to allocate requested partition scheme/m);
    const kept = /The disk of the failed installation is kept: (.*)$/m.exec(ended.stderr)?.[1] ?? '';
    expect((await stat(kept)).size).to.equal(1500 * 1024 ** 2);
    expect(path.dirname(kept)).to.equal(path.dirname(failure.log));
    await expectNothingLeft();
  });

  it('--debug: leaves the domain running, says how to attach, and cleans up on Ctrl-C', async () => {
    const program = start('ask', ...GUEST, '--debug');
    await program.says(/Interrupt this command \(Ctrl-C\) to end it/);
    const socketPath = /UNIX-CONNECT:(\S+)/.exec(program.stderr)?.[1] ?? '';
    const domain = /The domain (\S+) is left running/.exec(program.stderr)?.[1] ?? '';
    expect(program.stderr).to.match(/^Warning: .*(waits for an answer|Unable to allocate)/m);
    expect(await listDomains()).to.include(domain);
    // The stand-in echoes what is typed at its prompt.
    expect(await typeAndRead(socketPath, 'hello installer\n', 'hello installer')).to.include('hello installer');
    expect(program.hasEnded).to.equal(false);
    program.kill('SIGINT');
    const ended: Ended = await program.done;
    expect(ended.status, ended.stderr).to.equal(124);
    expect(readFailure(ended)).to.include({ code: 'STALLED', stage: 'install' });
    expect(() => readFileSync(socketPath)).to.throw();
    await expectNothingLeft();
  });
});

async function typeAndRead(socketPath: string, text: string, until: string): Promise<string> {
  const socket = connect(socketPath);
  socket.write(text);
  let said = '';
  for await (const chunk of socket) {
    said += String(chunk);
    if (said.includes(until)) break;
  }
  return said;
}
