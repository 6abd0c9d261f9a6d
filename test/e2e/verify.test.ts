/** Images are booted and judged: good ones pass, and each way to spoil one is named. */
import { link, mkdir, mkdtemp, open, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { iso2rootfs, readFailure, RunningIso2Rootfs, type Ended } from '../contract/cli/program.js';
import { manifestSchema, type Manifest } from '../../src/build/manifest.js';
import { run } from '../../src/tools/run.js';
import { createEntry, createFile, type TreeFile } from '../../src/tree/entry.js';
import { joinArchives, packFiles } from '../../src/verify/probe.js';
import { convertOnce, GUEST, type SharedConversion } from './conversion.js';
import { listUnfinished } from './host-state.js';

interface Verified {
  readonly directory: string;
  readonly boots: readonly {
    readonly name: string;
    readonly passed: boolean;
    readonly problems: readonly { readonly name: string; readonly isFatal: boolean; readonly message: string }[];
    readonly memoryMiB: number;
  }[];
}

function file(name: string, content: string, mode = 0o644): TreeFile {
  return createFile(Buffer.from(name), Buffer.from(content), { mode });
}

function link_(name: string, target: string): TreeFile {
  const entry = createEntry({ path: Buffer.from(name), type: 'symlink', linkTarget: Buffer.from(target) });
  return { entry, content: Buffer.alloc(0) };
}

/** With the directories that an archive needs before them. */
function archive(files: readonly TreeFile[]): Buffer {
  const parents = new Set<string>();
  for (const { entry } of files) {
    const parts = entry.path.toString().split('/').slice(0, -1);
    parts.forEach((_, index) => parents.add(parts.slice(0, index + 1).join('/')));
  }
  const directories = [...parents].map((name) => ({
    entry: createEntry({ path: Buffer.from(name), type: 'directory' as const }),
    content: Buffer.alloc(0),
  }));
  return packFiles([...directories, ...files]);
}

describe('verify', function () {
  this.timeout(40 * 60_000);
  let conversion: SharedConversion;
  let output: string;
  let scratch: string;
  let manifest: Manifest;
  let copies = 0;

  before(async () => {
    conversion = await convertOnce();
    [output] = conversion.outputs;
    manifest = manifestSchema.parse(JSON.parse(await readFile(path.join(output, 'manifest.json'), 'utf8')));
    scratch = await mkdtemp('/var/tmp/e2e-verify-');
  });

  after(async () => rm(scratch, { recursive: true, force: true }));

  const verify = async (args: readonly string[]): Promise<Ended> =>
    iso2rootfs(['verify', ...args, '--cache-dir', conversion.cacheDirectory]);

  /** An output directory whose initramfs.cgz is made of these parts, which the kernel unpacks one after the other. */
  async function spoil(
    parts: readonly (string | Buffer)[],
    change: (manifest: Manifest) => Partial<Manifest> = () => ({}),
  ): Promise<string> {
    const directory = path.join(scratch, `spoilt-${++copies}`);
    await mkdir(directory);
    for (const name of ['vmlinuz', 'initrd.img']) await link(path.join(output, name), path.join(directory, name));
    await joinArchives(parts, path.join(directory, 'initramfs.cgz'));
    const { verification: _, ...rest } = manifest;
    await writeFile(path.join(directory, 'manifest.json'), JSON.stringify({ ...rest, ...change(manifest) }));
    return directory;
  }

  /** The names of what is wrong, and the whole of what verify says. */
  async function findProblems(
    directory: string,
    args: readonly string[] = [],
  ): Promise<{ names: string[]; text: string; failure: ReturnType<typeof readFailure> }> {
    const ended = await verify([directory, '--outputs', 'cgz', ...args]);
    expect(ended.status, ended.stderr).to.equal(1);
    const failure = readFailure(ended);
    expect(failure.code).to.equal('VERIFY_FAILED');
    expect(failure.hint).to.not.equal('');
    expect((await readFile(failure.log, 'utf8')).length).to.be.above(1000);
    const names = [...ended.stdout.matchAll(/^ {8}([a-z-]+): /gm)].map((match) => match[1] ?? '');
    return { names, text: ended.stdout, failure };
  }

  /** Processes and mounts that have to do with the cache: there verify has its machines, servers and layers. */
  const findTraces = async (): Promise<string[]> => {
    const script =
      'for each in /proc/[0-9]*/cmdline; do tr "\\0" " " <"$each"; echo; done 2>/dev/null; cat /proc/self/mounts';
    const { stdout } = await run('sh', ['-c', script]);
    return stdout.split('\n').filter((line) => line.includes(`${conversion.cacheDirectory}/v1/workspaces`));
  };

  const memory = (mebibytes: number): ((manifest: Manifest) => Partial<Manifest>) => {
    return ({ initramfs }) => ({ initramfs: { ...initramfs, leastMemoryMiB: mebibytes } as Manifest['initramfs'] });
  };
  const cgz = (): string => path.join(output, 'initramfs.cgz');
  /** The distribution's own initrd: a shell in 13 MB, which boots in seconds. */
  const initrd = (): string => path.join(output, 'initrd.img');
  const quickInit = (script: string): Buffer => archive([file('init', `#!/bin/sh\n${script}\n`, 0o755)]);

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
    const [boot] = verification?.boots ?? [];
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
    const { names, text } = await findProblems(output, ['--memory', `${Math.floor(stated * 0.7)}M`]);
    expect(names[0]).to.equal('initramfs-too-large');
    expect(text).to.include('write error');
    expect(await readFile(path.join(output, 'manifest.json'), 'utf8')).to.equal(before);
  });

  it('passes nfsroot both ways, and changes nothing in it', async () => {
    const list = ['-c', 'find . -printf "%P %m %s %T@ %C@\\n" | sort | sha256sum'];
    const survey = async (): Promise<string> => (await run('sh', list, { cwd: path.join(output, 'nfsroot') })).stdout;
    const tree = await survey();
    const ended = await verify([output, '--outputs', 'nfsroot', '--json']);
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

  it('names an archive that is cut short', async () => {
    const whole = await open(cgz());
    const { buffer } = await whole.read({ buffer: Buffer.alloc(2 * 1024 * 1024) });
    await whole.close();
    const { names, failure } = await findProblems(await spoil([buffer], memory(512)));
    expect(names[0]).to.be.oneOf(['initramfs-damaged', 'kernel-panic']);
    expect(names).to.include('kernel-panic');
    expect(failure.error).to.match(/cgz: /);
  });

  it('names a panic: an init that ends', async () => {
    const { names, text } = await findProblems(await spoil([initrd(), quickInit('exit 3')], memory(512)));
    expect(names).to.deep.equal(['kernel-panic']);
    expect(text).to.include('Attempted to kill init');
  });

  it('names the killer that ran out of memory', async () => {
    const eat = 'x=0123456789abcdef; while :; do x=$x$x; done';
    const { names } = await findProblems(await spoil([initrd(), quickInit(eat)], memory(300)));
    expect(names[0]).to.equal('out-of-memory');
  });

  it('names initramfs-tools that cannot find its root', async () => {
    const tell = { initramfs: ['root=UUID=00000000-1111-2222-3333-444444444444', 'rootdelay=2'] };
    const directory = await spoil([initrd()], (whole) => ({
      ...memory(512)(whole),
      netboot: { ...whole.netboot, kernelArguments: tell } as Manifest['netboot'],
    }));
    const { names, text } = await findProblems(directory);
    expect(names[0]).to.equal('initramfs-tools-refused');
    expect(text).to.include('00000000-1111');
  });

  it('names dracut that cannot find its root', async function () {
    const image = path.join(scratch, 'dracut.img');
    const { version } = manifest.kernel;
    const modules = ['base', 'udev-rules', 'rootfs-block', 'systemd', 'systemd-initrd', 'dracut-systemd'].join(' ');
    const kernelModules = path.join(output, 'nfsroot/usr/lib/modules', version);
    const make = ['--force', '--no-hostonly', '--no-early-microcode', '--kver', version, '--kmoddir', kernelModules];
    await run('dracut', [...make, '--modules', modules, image], { reason: 'make an initrd that refuses' });
    const tell = { initramfs: ['root=UUID=00000000-1111-2222-3333-444444444444', 'rd.retry=4', 'rd.timeout=8'] };
    const directory = await spoil([image], (whole) => ({
      ...memory(768)(whole),
      netboot: { ...whole.netboot, kernelArguments: tell } as Manifest['netboot'],
    }));
    const { names } = await findProblems(directory);
    expect(names[0]).to.equal('dracut-refused');
  });

  it('names emergency mode, and the unit that led there', async () => {
    const fstab = 'UUID=00000000-1111-2222-3333-444444444444 /data ext4 x-systemd.device-timeout=3s 0 2\n';
    const { names, text } = await findProblems(await spoil([cgz(), archive([file('etc/fstab', fstab)])]));
    expect(names[0]).to.equal('emergency-mode');
    expect(text).to.match(/emergency/);
  });

  it('names an ordering cycle, a lost capability, a missing network and another kernel; and tells of failed units', async () => {
    const service = (command: string, more: string): string =>
      `[Unit]\nDefaultDependencies=no\n${more}\n[Service]\nType=oneshot\nExecStart=${command}\n`;
    const wants = 'etc/systemd/system/multi-user.target.wants';
    const names_ = ['first.service', 'second.service', 'broken.service'];
    const added = archive([
      file('etc/systemd/system/first.service', service('/bin/true', 'After=second.service')),
      file('etc/systemd/system/second.service', service('/bin/true', 'After=first.service')),
      file('etc/systemd/system/broken.service', service('/bin/false', '')),
      ...names_.map((name) => link_(`${wants}/${name}`, `../${name}`)),
      link_('etc/systemd/system/systemd-networkd.service', '/dev/null'),
      link_('etc/systemd/system/systemd-networkd.socket', '/dev/null'),
    ]);
    const directory = await spoil([cgz(), added], ({ kernel, initramfs }) => ({
      kernel: { ...kernel, version: '5.10.0-other' },
      initramfs: {
        ...initramfs,
        lostMetadata: [{ path: 'usr/bin/true', xattrs: ['security.capability'], capabilityHex: '00' }],
      } as Manifest['initramfs'],
    }));
    const { names, text, failure } = await findProblems(directory);
    expect(names).to.have.members(['ordering-cycle', 'wrong-kernel', 'capability-lost', 'no-address', 'units-failed']);
    expect(text)
      .to.match(/units-failed: .*broken\.service/)
      .and.to.match(/capability-lost: .*usr\/bin\/true/);
    expect(text).to.match(/wrong-kernel: .*instead of 5\.10\.0-other/);
    expect(failure.error).to.include('ordering cycle');
    const spoilt = manifestSchema.parse(JSON.parse(await readFile(path.join(directory, 'manifest.json'), 'utf8')));
    expect(spoilt.verification?.verdict).to.equal('failed');
    expect((await stat(path.join(directory, 'logs/verify-cgz.log'))).size).to.be.above(1000);
  });

  it('marks an object that failed: it is given to nobody until it passes', async () => {
    const key = manifest.key.slice(0, 12);
    const failed = await verify([key, '--outputs', 'cgz', '--timeout', '3s']);
    expect(failed.status, failed.stderr).to.equal(1);
    expect(failed.stdout).to.match(/^FAILED .*cgz[^]*timed-out: /m);
    const directory = path.join(scratch, 'fetched');
    const fetch = ['fetch', '-f', conversion.medium, '-o', directory, '--cache-dir', conversion.cacheDirectory];
    const refused = await iso2rootfs([...fetch, '--outputs', 'cgz,kernel']);
    expect(refused.status, refused.stderr).to.equal(1);
    expect(readFailure(refused)).to.include({ code: 'VERIFY_FAILED' });
    expect(refused.stderr).to.include(`iso2rootfs verify ${key}`);
    const other = await iso2rootfs([...fetch, '--outputs', 'tar,kernel']);
    expect(other.status, other.stderr).to.equal(0);
    const passed = await verify([key, '--outputs', 'cgz']);
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
