/** Installations that fail, each in its own way, and what they leave: logs. */
import { mkdir, mkdtemp, readdir, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { iso2rootfs, readFailure } from '../contract/cli/program.js';
import { run } from '../../src/tools/run.js';
import { GUEST, startInstalling } from './conversion.js';
import { listUnfinished, newOnHost, surveyHost } from './host-state.js';
import { makeMedium } from './medium.js';

interface Failure {
  readonly mode: string;
  readonly status: 1 | 124;
  /** The installer's own words. */
  readonly says: RegExp;
  readonly flags?: readonly string[];
}

const FAILURES: readonly Failure[] = [
  {
    mode: 'ask',
    status: 124,
    says: /Please make a selection from the above|Unable to allocate requested partition scheme/,
  },
  { mode: 'error', status: 1, says: /Error in POSTIN scriptlet in rpm package glibc/ },
  { mode: 'poweroff', status: 1, says: /without|nothing|token|power/i },
  { mode: 'panic', status: 1, says: /Kernel panic - not syncing/ },
  {
    mode: 'silent',
    status: 124,
    says: /nothing has happened for 20 s.*it last said: /,
    flags: ['--idle-timeout', '20s'],
  },
  { mode: 'dracut', status: 1, says: /It seems that the boot has failed|Could not boot|Entering emergency mode/ },
  { mode: 'post-fail', status: 1, says: /this script was made to fail/ },
];

describe('an installation that fails', function () {
  this.timeout(15 * 60_000);
  let directory: string;
  let cacheDirectory: string;
  let before_: ReadonlySet<string>;

  const expectNothingLeft = async (): Promise<void> => {
    expect(await newOnHost(before_, cacheDirectory), 'on the host').to.deep.equal([]);
    expect(await listUnfinished(cacheDirectory), 'in the cache').to.deep.equal([]);
    const names = (await readdir(directory)).filter((name) => !/^cache$|\.iso$/.test(name));
    expect(names, 'beside the output').to.deep.equal([]);
  };

  before(async function () {
    this.timeout(30 * 60_000);
    directory = await mkdtemp('/var/tmp/e2e-iso2rootfs-');
    cacheDirectory = path.join(directory, 'cache');
    for (const { mode } of FAILURES) await makeMedium(path.join(directory, `${mode}.iso`), mode);
  });

  beforeEach(async () => {
    before_ = await surveyHost();
  });

  after(async () => rm(directory, { recursive: true, force: true }));

  for (const { mode, status, says, flags = [] } of FAILURES) {
    it(`says why, with status ${status}, and leaves nothing but logs: ${mode}`, async () => {
      const medium = path.join(directory, `${mode}.iso`);
      const output = path.join(directory, 'out');
      const result = await iso2rootfs(['-f', medium, '-o', output, ...GUEST, ...flags], {
        env: { ISO2ROOTFS_CACHE_DIR: cacheDirectory },
      });
      expect(result.status, result.stderr).to.equal(status);
      expect(result.stdout).to.equal('');
      const failure = readFailure(result);
      expect(failure.error).to.match(says);
      expect(failure.stage).to.equal('install');
      expect(failure.hint).to.not.equal('');
      expect((await stat(failure.log)).isFile() || (await stat(failure.log)).isDirectory()).to.equal(true);
      await expectNothingLeft();
    });
  }

  it('ends on SIGINT with status 130, and leaves nothing', async () => {
    const medium = path.join(directory, 'silent.iso');
    const { program } = await startInstalling(
      ['-f', medium, '-o', path.join(directory, 'out'), ...GUEST],
      cacheDirectory,
    );
    program.kill('SIGINT');
    const result = await program.done;
    expect(result.status, result.stderr).to.equal(130);
    expect(readFailure(result).code).to.equal('INTERRUPTED');
    expect(result.elapsedMs).to.be.below(120_000);
    await expectNothingLeft();
  });

  it('says how many bytes are missing when the cache has no room for a disk', async () => {
    const small = path.join(directory, 'cache');
    await mkdir(small, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', small]);
    try {
      const result = await iso2rootfs(
        ['-f', path.join(directory, 'silent.iso'), '-o', path.join(directory, 'out'), ...GUEST, '--json'],
        {
          env: { ISO2ROOTFS_CACHE_DIR: small },
        },
      );
      expect(result.status, result.stderr).to.equal(74);
      const { error } = JSON.parse(result.stdout) as {
        error: { code: string; stage: string; data: { neededBytes: number; availableBytes: number } };
      };
      expect(error).to.include({ code: 'NO_SPACE', stage: 'preflight' });
      expect(error.data.neededBytes).to.be.above(error.data.availableBytes);
      await expectNothingLeft();
    } finally {
      await run('umount', [small]);
    }
  });

  it('names the full file system when the disk fills up while the guest installs', async () => {
    const small = path.join(directory, 'cache');
    await mkdir(small, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1200m,mode=0711', 'tmpfs', small]);
    try {
      await run('chmod', ['0711', directory]);
      const { program } = await startInstalling(
        ['-f', path.join(directory, 'post-fail.iso'), '-o', path.join(directory, 'out'), ...GUEST],
        small,
      );
      // There was room when it began. Another takes it: the installed system needs more than the 100 MB that are left.
      const { bavail, bsize } = await statfs(small);
      await run('fallocate', ['-l', String(bavail * bsize - 100_000_000), path.join(small, 'of-another')]);
      const result = await program.done;
      expect(result.status, result.stderr).to.equal(74);
      expect(readFailure(result)).to.include({ code: 'NO_SPACE', stage: 'install' });
      await expectNothingLeft();
    } finally {
      await run('chmod', ['0700', directory]);
      await run('umount', [small]);
    }
  });

  it('keeps the console of every failed installation', async () => {
    const logs = path.join(cacheDirectory, 'v1', 'logs');
    const sizes = await Promise.all(
      (await readdir(logs)).map(
        async (build) => (await stat(path.join(logs, build, 'console.log')).catch(() => ({ size: 0 }))).size,
      ),
    );
    expect(sizes.filter((size) => size > 1000).length).to.be.at.least(FAILURES.length);
  });
});
