/** Outputs of the shared conversion that are spoilt on purpose, and what `verify` says of them. */
import { link, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { iso2rootfs, readFailure, type Ended } from '../contract/cli/program.js';
import type { Manifest } from '../../src/build/manifest.js';
import { run } from '../../src/tools/run.js';
import { createEntry, createFile, type TreeFile } from '../../src/tree/entry.js';
import { joinArchives, packFiles } from '../../src/verify/probe.js';
import { convertOnce, type SharedConversion } from './conversion.js';

export function file(name: string, content: string | Buffer, mode = 0o644): TreeFile {
  return createFile(Buffer.from(name), Buffer.from(content), { mode });
}

export function symbolicLink(name: string, target: string): TreeFile {
  const entry = createEntry({ path: Buffer.from(name), type: 'symlink', linkTarget: Buffer.from(target) });
  return { entry, content: Buffer.alloc(0) };
}

/** With the directories that an archive needs before them. */
export function archive(files: readonly TreeFile[]): Buffer {
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

/** A unit that does one thing, early. */
export function service(command: string, more = ''): string {
  return `[Unit]\nDefaultDependencies=no\n${more}\n[Service]\nType=oneshot\nExecStart=${command}\n`;
}

/** Units of a system, all of them wanted by its usual target. */
export function wantedUnits(units: Readonly<Record<string, string>>): TreeFile[] {
  const place = 'etc/systemd/system';
  return Object.entries(units).flatMap(([name, content]) => [
    file(`${place}/${name}`, content),
    symbolicLink(`${place}/multi-user.target.wants/${name}`, `../${name}`),
  ]);
}

export interface Verdict {
  /** Of all boots together, the worst of each first. */
  readonly names: readonly string[];
  /** By what was booted. */
  readonly byBoot: Readonly<Record<string, readonly string[]>>;
  readonly text: string;
  readonly failure: ReturnType<typeof readFailure>;
}

type ManifestChange = (manifest: Manifest) => Partial<Manifest>;

export class SpoiltOutputs {
  #count = 0;

  private constructor(
    readonly conversion: SharedConversion,
    readonly scratch: string,
  ) {}

  static async create(): Promise<SpoiltOutputs> {
    return new SpoiltOutputs(await convertOnce(), await mkdtemp('/var/tmp/e2e-verify-'));
  }

  async remove(): Promise<void> {
    await rm(this.scratch, { recursive: true, force: true });
  }

  /** The whole system in memory. */
  get cgz(): string {
    return path.join(this.conversion.outputs[0], 'initramfs.cgz');
  }

  /** The distribution's own initrd: a shell in 13 MB, which boots in seconds. */
  get initrd(): string {
    return path.join(this.conversion.outputs[0], 'initrd.img');
  }

  get nfsroot(): string {
    return path.join(this.conversion.outputs[0], 'nfsroot');
  }

  /** A copy that has its files in common with the original: new ones can be put into it. */
  async copyNfsroot(directory: string): Promise<string> {
    const copy = path.join(directory, 'nfsroot');
    await run('cp', ['-al', this.nfsroot, copy]);
    return copy;
  }

  /** A directory like the output, without an image; the kernel unpacks the parts of `initrd` one after the other. */
  async spoil(
    change: ManifestChange = () => ({}),
    initrd: readonly (string | Buffer)[] = [this.initrd],
  ): Promise<string> {
    const directory = path.join(this.scratch, `spoilt-${++this.#count}`);
    await mkdir(directory);
    await link(path.join(this.conversion.outputs[0], 'vmlinuz'), path.join(directory, 'vmlinuz'));
    await joinArchives(initrd, path.join(directory, 'initrd.img'));
    const { verification: _, ...rest } = this.conversion.manifest;
    await writeFile(path.join(directory, 'manifest.json'), JSON.stringify({ ...rest, ...change(rest) }));
    return directory;
  }

  /** The same with an initramfs.cgz of parts. */
  async spoilCgz(parts: readonly (string | Buffer)[], change?: ManifestChange): Promise<string> {
    const directory = await this.spoil(change);
    await joinArchives(parts, path.join(directory, 'initramfs.cgz'));
    return directory;
  }

  /** An initrd whose first process is a script. */
  async spoilInit(script: string, memoryMiB = 512): Promise<string> {
    const init = archive([file('init', `#!/bin/sh\n${script}\n`, 0o755)]);
    return this.spoilCgz([this.initrd, init], statedMemory(memoryMiB));
  }

  async verify(args: readonly string[]): Promise<Ended> {
    return iso2rootfs(['verify', ...args, '--cache-dir', this.conversion.cacheDirectory]);
  }

  /** What is wrong: something must be, and be said as failures are. */
  async findProblems(directory: string, outputs = 'cgz', args: readonly string[] = []): Promise<Verdict> {
    const ended = await this.verify([directory, '--outputs', outputs, ...args]);
    expect(ended.status, ended.stdout + ended.stderr).to.equal(1);
    const failure = readFailure(ended);
    expect(failure.code).to.equal('VERIFY_FAILED');
    expect(failure.hint).to.not.equal('');
    expect((await readFile(failure.log, 'utf8')).length).to.be.above(100);
    const byBoot: Record<string, string[]> = {};
    let names: string[] = [];
    for (const line of ended.stdout.split('\n')) {
      const boot = /^(?:passed|FAILED) +(\S+)/.exec(line)?.[1];
      if (boot !== undefined) names = byBoot[boot] = [];
      const name = /^ {8}([a-z-]+): /.exec(line)?.[1];
      if (name !== undefined) names.push(name);
    }
    return { names: Object.values(byBoot).flat(), byBoot, text: ended.stdout, failure };
  }
}

/** A manifest that states another memory for initramfs.cgz. */
export function statedMemory(mebibytes: number): ManifestChange {
  return ({ initramfs }) => ({ initramfs: { ...initramfs, leastMemoryMiB: mebibytes } as Manifest['initramfs'] });
}

/** A manifest that states other arguments of the kernel for initramfs.cgz. */
export function statedArguments(...initramfs: readonly string[]): ManifestChange {
  return ({ netboot }) => {
    const kernelArguments = { ...netboot?.kernelArguments, initramfs };
    return { netboot: { ...netboot, kernelArguments } as Manifest['netboot'] };
  };
}
