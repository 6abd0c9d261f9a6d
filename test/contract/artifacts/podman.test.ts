/** Container images are loaded by podman, and run. */
import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { makeContainerImage } from '../../../src/build/artifacts/container-image.js';
import type { MakingContext } from '../../../src/build/artifacts/making.js';
import { hostArch, searchPath } from '../../../src/tools/host.js';
import { findProgram, run, start } from '../../../src/tools/run.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { streamTree } from '../../../src/tree/transform.js';

const TAR_OUT = ['--format=posix', '--xattrs', '--xattrs-include=*', '--sort=name', '--numeric-owner'];
const IMAGE = 'localhost/iso2rootfs/some-linux:1.0-beta';

describe('a container image', function () {
  this.timeout(60_000);
  let directory: string | undefined;
  let making: MakingContext;

  before(async function () {
    for (const program of ['podman', 'runc']) {
      if (process.getuid?.() === 0 && (await findProgram(program, searchPath())) !== undefined) continue;
      process.stderr.write(`skipped: ${program} is not installed, or we are not root\n`);
      this.skip();
    }
    directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-podman-'));
    const at = (name: string): string => path.join(directory!, name);
    for (const name of ['logs', 'tree/bin', 'tree/etc']) await mkdir(at(name), { recursive: true });
    const busybox = (await findProgram('busybox', searchPath())) ?? '';
    for (const name of ['busybox', 'busybox-capable']) await copyFile(busybox, at(`tree/bin/${name}`));
    await symlink('busybox', at('tree/bin/sh'));
    await writeFile(at('tree/etc/os-release'), 'ID=some\n');
    await run('setcap', ['cap_net_bind_service+ep', at('tree/bin/busybox-capable')]);
    const tarPath = at('rootfs.tar');
    const tar = await start('tar', [...TAR_OUT, '-cf', '-', '.'], { cwd: at('tree'), stdout: 'stream' });
    await streamTree(tar.stdout!, { tar: createWriteStream(tarPath) });
    await tar.done;
    const { signal } = new AbortController();
    const tools = new Toolbox({ logDirectory: at('logs'), signal });
    making = {
      context: { tools, signal, emit: () => undefined, stage: 'artifacts' },
      manifest: {
        key: 'k',
        medium: { distro: 'Some Linux', release: '1.0 beta', arch: hostArch() },
        kernel: { version: '6.6' },
      },
      tarPath,
      tarSha256: createHash('sha256')
        .update(await readFile(tarPath))
        .digest('hex'),
    } as unknown as MakingContext;
  });

  after(async () => {
    if (directory !== undefined) await rm(directory, { recursive: true });
  });

  for (const format of ['oci', 'docker'] as const) {
    it(`of the format ${format} is loaded by podman and runs, with the capabilities of its files`, async () => {
      const store = path.join(directory!, format);
      // Apart from what the host has of images, and on machines without systemd, too.
      const apart = [
        '--root',
        `${store}/root`,
        '--runroot',
        `${store}/run`,
        '--tmpdir',
        `${store}/tmp`,
        '--storage-driver=vfs',
      ];
      const podman = async (...args: readonly string[]): Promise<string> =>
        (
          await run('podman', [
            ...apart,
            '--cgroup-manager=cgroupfs',
            '--events-backend=none',
            '--runtime=runc',
            ...args,
          ])
        ).stdout;
      const { path: file } = await makeContainerImage(making, format, `${store}.tar`);
      expect(await podman('load', '--quiet', '--input', file)).to.include(`Loaded image: ${IMAGE}`);
      const limits = ['--ulimit=nofile=1024:1024', '--ulimit=nproc=1024:1024'];
      const container = ['run', '--rm', '--pull=never', '--network=none', ...limits];
      expect(await podman(...container, IMAGE, '/bin/sh', '-c', 'busybox cat /etc/os-release')).to.equal('ID=some\n');
      const status = ['/bin/busybox-capable', 'grep', 'CapEff', '/proc/self/status'];
      expect(await podman(...container, '--user=1000:1000', IMAGE, ...status)).to.equal('CapEff:\t0000000000000400\n');
    });
  }
});
