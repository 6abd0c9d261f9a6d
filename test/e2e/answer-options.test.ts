/**
 * What was asked for on the command line is what the installed system has: read out of rootfs.tar. On a disk that is too small at first, so
 * that the same conversion shows the second attempt to the end.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { iso2rootfs, RunningIso2Rootfs, type Ended } from '../contract/cli/program.js';
import { manifestSchema, type Manifest } from '../../src/build/manifest.js';
import { run } from '../../src/tools/run.js';
import { WITHOUT_APPLIANCE } from './conversion.js';
import { listUnfinished, newOnHost, surveyHost } from './host-state.js';
import { makeMedium } from './medium.js';

const PASSWORD = `c0rrect "horse" $HOME #battery 'staple' %end`;
const KEYS = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFirst root@one #1', 'ssh-rsa AAAAB3NzaC1yc2ESecond two'];
const POST = `#!/bin/bash
# Not the end of the section:
printf '%s\\n' '%end' "\${BASH_VERSION%%.*}" 'a "b" & <c>' >/etc/post-was-here
chmod 0640 /etc/post-was-here
`;

describe('what is asked for on the command line', function () {
  this.timeout(20 * 60_000);
  let directory = '';
  let cacheDirectory = '';
  let args: readonly string[] = [];
  let ended: Ended;
  let manifest: Manifest;
  let commandLines: ReadonlySet<string>;
  let host: ReadonlySet<string> = new Set();

  before(async function () {
    this.timeout(30 * 60_000);
    directory = await mkdtemp('/var/tmp/e2e-iso2rootfs-');
    cacheDirectory = path.join(directory, 'cache');
    const medium = await makeMedium(path.join(directory, 'medium.iso'));
    const files = { password: `${PASSWORD}\n`, keys: KEYS.join('\n'), 'post.sh': POST };
    for (const [name, text] of Object.entries(files))
      await writeFile(path.join(directory, name), text, { mode: 0o600 });
    args = [
      ...['-f', medium, '-o', path.join(directory, 'out'), '--outputs', 'tar,kernel'],
      ...['--packages', 'tree,less', '--post', path.join(directory, 'post.sh'), '--disk-size', '1500M'],
      ...['--ssh-inject', path.join(directory, 'keys'), '--root-password', `file:${path.join(directory, 'password')}`],
      ...['--timezone', 'Europe/Berlin', '--kernel-args', 'panic=30 iso2rootfs.test=a,b'],
    ];
    host = await surveyHost();
    const program = new RunningIso2Rootfs([...args, ...WITHOUT_APPLIANCE], {
      env: { ISO2ROOTFS_CACHE_DIR: cacheDirectory },
    });
    [ended, commandLines] = await Promise.all([program.done, watchCommandLines(program)]);
    expect(ended.status, ended.stderr).to.equal(0);
    const text = await readFile(path.join(directory, 'out', 'manifest.json'), 'utf8');
    manifest = manifestSchema.parse(JSON.parse(text));
  });

  after(async () => rm(directory, { recursive: true, force: true }));

  async function readFromTar(...names: readonly string[]): Promise<string> {
    const tar = path.join(directory, 'out', 'rootfs.tar');
    return (await run('tar', ['--extract', '--to-stdout', '--file', tar, ...names.map((name) => `./${name}`)])).stdout;
  }

  /** `mode owner/group` of an entry. */
  async function entry(name: string): Promise<string> {
    const tar = path.join(directory, 'out', 'rootfs.tar');
    const { stdout } = await run('tar', [
      '--list',
      '--verbose',
      '--numeric-owner',
      '--file',
      tar,
      '--no-recursion',
      `./${name}`,
    ]);
    return stdout.trim().split(/\s+/).slice(0, 2).join(' ');
  }

  it('packages are installed', async () => {
    expect(await entry('usr/bin/tree')).to.equal('-rwxr-xr-x 0/0');
    expect(await entry('usr/bin/less')).to.equal('-rwxr-xr-x 0/0');
    expect(await readFromTar('var/lib/dpkg/status')).to.match(/^Package: tree\nStatus: install ok installed$/m);
  });

  it('the script has run in the system, byte for byte what it was', async () => {
    expect(await readFromTar('etc/post-was-here')).to.match(/^%end\n\d+\na "b" & <c>\n$/);
    expect(await entry('etc/post-was-here')).to.equal('-rw-r----- 0/0');
  });

  it("the keys are root's, and nobody else may read them", async () => {
    const lines = (await readFromTar('root/.ssh/authorized_keys')).trimEnd().split('\n');
    expect(lines).to.deep.equal(KEYS);
    expect(await entry('root/.ssh/authorized_keys')).to.equal('-rw------- 0/0');
    expect(await entry('root/.ssh/')).to.equal('drwx------ 0/0');
  });

  it("root's password is the one of the file, hashed by SHA-512, and in no log, manifest or command line", async () => {
    const hash = /^root:([^:]*):/m.exec(await readFromTar('etc/shadow'))?.[1] ?? '';
    const salt = /^\$6\$([^$]+)\$/.exec(hash)?.[1] ?? '';
    const { stdout } = await run('openssl', ['passwd', '-6', '-salt', salt, '-stdin'], {
      stdin: { text: `${PASSWORD}\n` },
    });
    expect(hash).to.equal(stdout.trim());
    expect(commandLines.size).to.be.above(10);
    for (const secret of [PASSWORD, 'horse', hash]) {
      expect(
        [...commandLines].filter((line) => line.includes(secret)),
        'command lines',
      ).to.deep.equal([]);
      expect(ended.stderr + ended.stdout).to.not.include(secret);
      const out = path.join(directory, 'out');
      const { stdout: found } = await run(
        'grep',
        [
          '-rlF',
          '-e',
          secret,
          '--exclude=rootfs.tar',
          '--exclude=vmlinuz',
          '--exclude=initrd.img',
          out,
          path.join(cacheDirectory, 'v1', 'logs'),
        ],
        { allowedStatuses: [0, 1] },
      );
      expect(found).to.equal('');
    }
  });

  it('time zone and kernel arguments are those that were asked for', async () => {
    expect(await readFromTar('etc/timezone')).to.equal('Europe/Berlin\n');
    const grub = await readFromTar('boot/grub/grub.cfg');
    expect(grub).to.match(/^\s*linux .* panic=30 iso2rootfs\.test=a,b( |$)/m);
  });

  it('the second attempt, with a larger disk, is in the manifest', async () => {
    expect(ended.stderr).to.match(/^Warning: the disk is too small: .*\. Trying once more with a disk of 2\.9 GiB\.$/m);
    const { attempts = [], diskSizeBytes } = manifest.installation;
    expect(attempts.map((attempt) => [attempt.diskSizeBytes, attempt.failure?.outcome])).to.deep.equal([
      [1500 * 1024 ** 2, 'no-space'],
      [3000 * 1024 ** 2, undefined],
    ]);
    expect(diskSizeBytes).to.equal(3000 * 1024 ** 2);
    const logs = await readdir(path.join(directory, 'out', 'logs'));
    expect(logs).to.include.members(['console-attempt-1.log', 'console.log']);
    expect(await newOnHost(host, cacheDirectory)).to.deep.equal([]);
    expect(await listUnfinished(cacheDirectory)).to.deep.equal([]);
  });

  it('the same command finds it in the cache, though another disk size was needed; a different one does not', async () => {
    const env = { ISO2ROOTFS_CACHE_DIR: cacheDirectory };
    const again = await iso2rootfs([...args, '--json'], { env });
    expect(again.status, again.stderr).to.equal(0);
    expect(JSON.parse(again.stdout)).to.include({ isFromCache: true, key: manifest.key });
    const other = await iso2rootfs(['fetch', ...args.map((arg) => (arg === 'tree,less' ? 'tree' : arg))], { env });
    expect(other.status, other.stderr).to.equal(66);
  });
});

/** The command lines of all processes of this machine, from now until the program ends. */
async function watchCommandLines(program: RunningIso2Rootfs): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  while (!program.hasEnded) {
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
      const text = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      seen.add(text.replaceAll('\0', ' '));
    }
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  return seen;
}
