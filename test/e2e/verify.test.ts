/** Images are booted and judged: good ones pass, and who fails is marked. What can be wrong with one: verify-problems.test.ts. */
import { mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { iso2rootfs, readFailure, RunningIso2Rootfs } from '../contract/cli/program.js';
import { manifestSchema, type Manifest } from '../../src/build/manifest.js';
import { run } from '../../src/tools/run.js';
import { GUEST, type SharedConversion } from './conversion.js';
import { listUnfinished } from './host-state.js';
import { SpoiltOutputs } from './spoilt-outputs.js';

interface Verified {
  readonly directory: string;
  readonly boots: readonly {
    readonly name: string;
    readonly passed: boolean;
    readonly problems: readonly { readonly name: string; readonly isFatal: boolean; readonly message: string }[];
    readonly memoryMiB: number;
  }[];
}

describe('verify', function () {
  this.timeout(40 * 60_000);
  let images: SpoiltOutputs;
  let conversion: SharedConversion;
  let output: string;
  let scratch: string;
  let manifest: Manifest;

  before(async () => {
    images = await SpoiltOutputs.create();
    ({ conversion, scratch } = images);
    [output] = conversion.outputs;
    ({ manifest } = conversion);
  });

  after(async () => images.remove());

  /** Processes and mounts that have to do with the cache: there verify has its machines, servers and layers. */
  const findTraces = async (): Promise<string[]> => {
    const script =
      'for each in /proc/[0-9]*/cmdline; do tr "\\0" " " <"$each"; echo; done 2>/dev/null; cat /proc/self/mounts';
    const { stdout } = await run('sh', ['-c', script]);
    return stdout.split('\n').filter((line) => line.includes(`${conversion.cacheDirectory}/v1/workspaces`));
  };

  it('passes initramfs.cgz at exactly the memory that the manifest states, when a build asks for it', async () => {
    const directory = path.join(scratch, 'verified');
    const args = ['-f', conversion.medium, '-o', directory, '--verify', '--outputs', 'cgz,kernel', ...GUEST];
    const ended = await iso2rootfs([...args, '--cache-dir', conversion.cacheDirectory]);
    expect(ended.status, ended.stderr).to.equal(0);
    expect(ended.stderr)
      .to.match(/^verify: done in/m)
      .and.to.not.match(/^install: /m);
    const { verification, initramfs } = manifestSchema.parse(
      JSON.parse(await readFile(path.join(directory, 'manifest.json'), 'utf8')),
    );
    expect(verification?.verdict).to.equal('passed');
    const boot = verification?.boots.find(({ name }) => name === 'cgz');
    expect(boot).to.include({ name: 'cgz', passed: true, memoryMiB: initramfs?.leastMemoryMiB });
    expect(boot?.system).to.include({ kernel: manifest.kernel.version, root: 'tmpfs', state: 'running' });
    expect(boot?.system.failedUnits).to.deep.equal([]);
    expect(boot?.system.addresses.join()).to.match(/10\.0\.2\.15/);
    expect(boot?.system.capabilities).to.deep.include({ path: 'usr/bin/ping', state: 'present' });
    expect(await readFile(path.join(directory, boot?.consoleLog ?? ''), 'latin1')).to.include('Linux version');
    // A second one has nothing to boot.
    const again = await iso2rootfs([...args, '--cache-dir', conversion.cacheDirectory]);
    expect(again.status, again.stderr).to.equal(0);
    expect(again.stderr).to.not.match(/^verify: /m);
  });

  it('fails clearly with less memory, which says nothing against the image', async () => {
    const stated = manifest.initramfs?.leastMemoryMiB ?? 0;
    expect(stated).to.be.above(512);
    const before = await readFile(path.join(output, 'manifest.json'), 'utf8');
    const { names, text } = await images.findProblems(output, 'cgz', ['--memory', `${Math.floor(stated * 0.7)}M`]);
    expect(names[0]).to.equal('initramfs-too-large');
    expect(text).to.include('write error');
    expect(await readFile(path.join(output, 'manifest.json'), 'utf8')).to.equal(before);
  });

  it('passes nfsroot both ways, and changes nothing in it', async () => {
    const list = ['-c', 'find . -printf "%P %m %s %T@ %C@\\n" | sort | sha256sum'];
    const survey = async (): Promise<string> => (await run('sh', list, { cwd: path.join(output, 'nfsroot') })).stdout;
    const tree = await survey();
    const ended = await images.verify([output, '--outputs', 'nfsroot', '--json']);
    expect(ended.status, ended.stdout + ended.stderr).to.equal(0);
    const { boots } = JSON.parse(ended.stdout) as Verified;
    expect(boots.map(({ name, passed }) => ({ name, passed }))).to.deep.equal([
      { name: 'nfsroot-read-only', passed: true },
      { name: 'nfsroot-read-write', passed: true },
    ]);
    expect(await survey()).to.equal(tree);
    expect(await findTraces()).to.deep.equal([]);
    await run('sha256sum', ['--strict', '--quiet', '--check', 'SHA256SUMS'], { cwd: output });
    const stored = await iso2rootfs(['cache', 'verify', '--cache-dir', conversion.cacheDirectory, manifest.key]);
    expect(stored.stdout, stored.stderr).to.match(/^intact/m);
  });

  it('marks an object that failed: it is given to nobody until it passes', async () => {
    const key = manifest.key.slice(0, 12);
    const { byBoot } = await images.findProblems(key, 'cgz', ['--timeout', '3s']);
    expect(byBoot).to.deep.equal({ cgz: ['timed-out'] });
    const directory = path.join(scratch, 'fetched');
    const fetch = ['fetch', '-f', conversion.medium, '-o', directory, '--cache-dir', conversion.cacheDirectory];
    const refused = await iso2rootfs([...fetch, '--outputs', 'cgz,kernel']);
    expect(refused.status, refused.stderr).to.equal(1);
    expect(readFailure(refused)).to.include({ code: 'VERIFY_FAILED' });
    expect(refused.stderr).to.include(`iso2rootfs verify ${key}`);
    const other = await iso2rootfs([...fetch, '--outputs', 'tar,kernel']);
    expect(other.status, other.stderr).to.equal(0);
    const passed = await images.verify([key, '--outputs', 'cgz']);
    expect(passed.status, passed.stdout + passed.stderr).to.equal(0);
    const given = await iso2rootfs([...fetch, '--outputs', 'cgz,kernel']);
    expect(given.status, given.stderr).to.equal(0);
  });

  it('leaves no machine, no server and no mount when it is killed', async () => {
    const directory = path.join(scratch, 'killed');
    await mkdir(directory);
    for (const name of ['vmlinuz', 'initrd.img', 'manifest.json']) {
      await symlink(path.join(output, name), path.join(directory, name));
    }
    await symlink(path.join(output, 'nfsroot'), path.join(directory, 'nfsroot'));
    const args = ['verify', directory, '--outputs', 'nfsroot', '--cache-dir', conversion.cacheDirectory];
    const program = new RunningIso2Rootfs(args);
    await program.says(/booting nfsroot-read-only/);
    const until = async (isThere: boolean): Promise<void> => {
      for (let tries = 0; tries < 150; tries++) {
        const traces = (await findTraces()).join('\n');
        if (isThere ? /qemu-system/.test(traces) && /ganesha\.nfsd/.test(traces) : traces === '') return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    await until(true);
    expect((await findTraces()).join('\n'))
      .to.match(/qemu-system/)
      .and.to.match(/ganesha\.nfsd/);
    program.kill('SIGKILL');
    await program.done;
    await until(false);
    expect(await findTraces()).to.deep.equal([]);
    const pruned = await iso2rootfs(['cache', 'prune', '--cache-dir', conversion.cacheDirectory]);
    expect(pruned.status, pruned.stderr).to.equal(0);
    expect(await listUnfinished(conversion.cacheDirectory)).to.deep.equal([]);
  });
});
