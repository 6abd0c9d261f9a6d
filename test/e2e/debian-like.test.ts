/**
 * Preseed from end to end, with the Debian-like stand-in of test/medium: its installer is not debian-installer, but it obeys the preseed
 * file that we write, says what debian-installer says, and stops at what has no answer.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { iso2rootfs, readFailure, RunningIso2Rootfs } from '../contract/cli/program.js';
import { manifestSchema } from '../../src/build/manifest.js';
import { run } from '../../src/tools/run.js';
import { GUEST, WITHOUT_APPLIANCE } from './conversion.js';
import { listUnfinished, newOnHost, surveyHost } from './host-state.js';
import { makeMedium } from './medium.js';

const MOST_MS_TO_REPORT = 10_000;

describe('a Debian-like medium', function () {
  this.timeout(30 * 60_000);
  let directory = '';
  let medium = '';
  let env: Readonly<Record<string, string>> = {};
  let logs = '';
  let host: ReadonlySet<string> = new Set();

  before(async () => {
    directory = await mkdtemp('/var/tmp/e2e-debian-');
    const cacheDirectory = path.join(directory, 'cache');
    env = { ISO2ROOTFS_CACHE_DIR: cacheDirectory };
    logs = path.join(cacheDirectory, 'v1', 'logs');
    medium = await makeMedium(path.join(directory, 'debian.iso'), 'none', 'debian');
    host = await surveyHost();
  });

  after(async () => rm(directory, { recursive: true, force: true }));

  async function expectNothingLeft(): Promise<void> {
    const cacheDirectory = path.join(directory, 'cache');
    expect(await newOnHost(host, cacheDirectory)).to.deep.equal([]);
    expect(await listUnfinished(cacheDirectory)).to.deep.equal([]);
  }

  it('stops at a question that an own preseed file leaves open, which is reported with its title', async () => {
    const rendered = await iso2rootfs(['answer', 'render', '-f', medium], { env });
    expect(rendered.status, rendered.stderr).to.equal(0);
    const incomplete = path.join(directory, 'incomplete.preseed');
    await writeFile(incomplete, rendered.stdout.replace(/^d-i keyboard-configuration\/xkb-keymap .*\n/m, ''));
    const program = new RunningIso2Rootfs(
      ['-f', medium, '-o', path.join(directory, 'none'), '--answer-file', incomplete, ...GUEST],
      { env },
    );
    let shownAt: number | undefined;
    while (!program.hasEnded && shownAt === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      if ((await readConsole(logs)).includes('Keymap to use:')) shownAt = performance.now();
    }
    const ended = await program.done;
    const reportedAfterMs = performance.now() - (shownAt ?? 0);
    expect(ended.status, ended.stderr).to.equal(124);
    const failure = readFailure(ended);
    expect(failure).to.include({ code: 'STALLED', stage: 'install' });
    expect(failure.error).to.match(/waits for an answer: Configure the keyboard: Keymap to use/);
    expect(reportedAfterMs).to.be.lessThan(MOST_MS_TO_REPORT);
    await expectNothingLeft();
  });

  it('is converted to the end with the preseed file that we write', async () => {
    const output = path.join(directory, 'out');
    const result = await iso2rootfs(['-d', 'Debian', '-r', '12', '-f', medium, '-o', output, ...WITHOUT_APPLIANCE], {
      env,
    });
    expect(result.status, result.stderr).to.equal(0);
    expect(result.stdout).to.equal(`${output}\n`);
    const phases = [...result.stderr.matchAll(/^install: (.*)$/gm)].map((match) => match[1]);
    expect(phases.join('\n')).to.match(
      /partitioning disks[^]*installing the base system[^]*finishing the installation/,
    );

    await run('sha256sum', ['--strict', '--quiet', '--check', 'SHA256SUMS'], { cwd: output });
    expect(await readdir(output)).to.include.members([
      'vmlinuz',
      'initrd.img',
      'initramfs.cgz',
      'rootfs.tar',
      'nfsroot',
    ]);
    const manifest = manifestSchema.parse(JSON.parse(await readFile(path.join(output, 'manifest.json'), 'utf8')));
    expect(manifest.medium).to.include({
      distro: 'debian',
      release: '12',
      arch: 'x86_64',
      variant: 'dvd',
      installer: 'debian-installer',
    });
    expect(manifest.packages?.length ?? 0).to.be.above(50);
    // The last step of the preseed file ran, and what proves it is no part of the output.
    expect(await readConsole(logs)).to.match(/^iso2rootfs-token: \S+/m);
    expect(await readdir(path.join(output, 'nfsroot/var/lib'))).to.not.include('iso2rootfs');
    await expectNothingLeft();
  });
});

/** Everything that the consoles in a directory of logs have said. */
async function readConsole(directory: string): Promise<string> {
  const builds = await readdir(directory).catch(() => []);
  const texts = builds.map((id) => readFile(path.join(directory, id, 'console.log'), 'utf8').catch(() => ''));
  return (await Promise.all(texts)).join('');
}
