/** What each choice about the installing machine is worth: the same installation without it. About 80 s each without KVM. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { median, seconds, times, writeTable } from './report.js';
import { DIRECTORY, emptyDirectory, PROGRAM, ROOT, type Setting } from './setting.js';

interface Variant {
  readonly name: string;
  /** A change of virt-install's arguments: a sed expression and what takes its place. */
  readonly change?: readonly [string, string];
  /** Further arguments for virt-install. */
  readonly more?: string;
  readonly flags?: readonly string[];
  /** A command that the installed system runs at the end. */
  readonly post?: string;
  /** The cache, and with it the disk, is in a tmpfs. */
  readonly isInMemory?: boolean;
}

/** QEMU's own default (accel/tcg/region.c): an eighth of the host's memory, at most 1 GiB. */
const translatedCode = (mebibytes: number): string =>
  `--xml ./features/tcg/tb-cache=${mebibytes} --xml ./features/tcg/tb-cache/@unit=MiB`;

const AS_IT_IS: Variant = { name: 'as it is' };
/** Counted from 1 by `--variants`. */
const VARIANTS: readonly Variant[] = [
  { name: "cache=writeback: the installer's fsyncs reach the disk", change: ['cache=unsafe', 'cache=writeback'] },
  { name: 'cache=none: the page cache is passed by', change: ['cache=unsafe', 'cache=none'] },
  { name: 'discard=ignore', change: ['discard=unmap', 'discard=ignore'] },
  {
    name: 'io=threads and an I/O thread',
    change: ['(cache=unsafe)', '\\1,io=threads,driver.iothread=1'],
    more: '--iothreads 1',
  },
  { name: 'the disk in memory (tmpfs)', isInMemory: true },
  { name: 'one processor', flags: ['--vcpus', '1'] },
  { name: 'CPU model qemu64', change: ['^mode=maximum,disable=la57$', 'qemu64'] },
  { name: '64 MiB for translated code, not 1 GiB', more: translatedCode(64) },
  { name: '2 GiB for translated code', more: translatedCode(2048) },
  { name: 'the initrd rebuilt once more in the guest', post: 'update-initramfs -u' },
  { name: '--slim', flags: ['--slim'] },
];

/** How many variants are measured before the installation as it is is measured once more: a machine is not as fast all the time. */
const BETWEEN_BASES = 3;

export async function reportInstallation(
  setting: Setting,
  names: readonly number[] = VARIANTS.map((_, index) => index + 1),
): Promise<void> {
  const measure = async (variant: Variant): Promise<number | undefined> => {
    const elapsedMs = await install(setting, variant);
    process.stderr.write(`${variant.name}: ${elapsedMs === undefined ? 'failed' : `${seconds(elapsedMs)} s`}\n`);
    return elapsedMs;
  };
  const measureBase = async (): Promise<number> => {
    const elapsedMs = await measure(AS_IT_IS);
    if (elapsedMs === undefined)
      throw new Error('the installation as it is has failed: there is nothing to compare with');
    return elapsedMs;
  };
  const variants = VARIANTS.filter((_, index) => names.includes(index + 1));
  const bases: number[] = [];
  const rows: { readonly name: string; readonly elapsedMs: number | undefined }[] = [];
  for (const [index, variant] of variants.entries()) {
    if (index % BETWEEN_BASES === 0) bases.push(await measureBase());
    rows.push({ name: variant.name, elapsedMs: await measure(variant) });
  }
  bases.push(await measureBase());
  const base = median(bases);
  writeTable(
    'Installation of the stand-in medium',
    ['', 's', 'time: this / as it is'],
    [
      [`as it is (median of ${bases.map(seconds).join(', ')})`, seconds(base), times(1)],
      ...rows.map(({ name, elapsedMs }) =>
        elapsedMs === undefined ? [name, 'failed', '-'] : [name, seconds(elapsedMs), times(elapsedMs / base)],
      ),
    ],
  );
}

/** @returns how long the stage took; undefined: it failed */
async function install(setting: Setting, variant: Variant): Promise<number | undefined> {
  const work = emptyDirectory('installation');
  const cache = path.join(DIRECTORY, 'cache-installation');
  // Of a benchmark that was killed.
  while (spawnSync('mountpoint', ['--quiet', cache]).status === 0) execFileSync('umount', [cache]);
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { mode: 0o755 });
  // Not /dev/shm: xorriso, which virt-install asks for what is on the medium, takes everything below /dev for drives.
  if (variant.isInMemory === true) execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', cache]);
  const tools = path.join(work, 'tools');
  mkdirSync(tools);
  const [from = '', to = ''] = variant.change ?? [];
  const wrapper = path.join(tools, 'virt-install');
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  // Programs get no variables that they do not need: the wrapper carries its own.
  writeFileSync(
    wrapper,
    `#!/bin/bash\nexport VARIANT_FROM=${quote(from)} VARIANT_TO=${quote(to)} VARIANT_MORE=${quote(variant.more ?? '')}\n` +
      `exec ${quote(path.join(ROOT, 'bench/virt-install-variant.sh'))} "$@"\n`,
  );
  chmodSync(wrapper, 0o755);
  const argv = ['-f', setting.medium, '-o', path.join(work, 'out'), '--outputs', 'tar', '--cache-dir', cache];
  if (variant.post !== undefined) {
    writeFileSync(path.join(work, 'post.sh'), `#!/bin/sh\n${variant.post}\n`);
    argv.push('--post', path.join(work, 'post.sh'));
  }
  const child = spawn(
    process.execPath,
    [PROGRAM, ...argv, '--tools-path', tools, '--no-retry', ...(variant.flags ?? [])],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let startedAt = NaN;
  let elapsedMs: number | undefined;
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (Number.isNaN(startedAt) && /^preflight: done/m.test(said)) startedAt = performance.now();
    if (elapsedMs === undefined && /^install: done/m.test(said)) {
      elapsedMs = performance.now() - startedAt;
      // The conversion is measured elsewhere.
      child.kill('SIGTERM');
    }
  });
  // When the benchmark is interrupted, the machine and the tmpfs go first.
  let interruptedBy: NodeJS.Signals | undefined;
  const interrupt = (signal: NodeJS.Signals): void => {
    interruptedBy = signal;
    child.kill('SIGTERM');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  await new Promise((resolve) => child.once('close', resolve));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
  if (elapsedMs === undefined)
    process.stderr.write(`${variant.name}: ${said.trimEnd().split('\n').slice(-4).join('\n')}\n`);
  if (variant.isInMemory === true) execFileSync('umount', [cache]);
  rmSync(cache, { recursive: true, force: true });
  emptyDirectory('installation');
  if (interruptedBy !== undefined) process.kill(process.pid, interruptedBy);
  return elapsedMs;
}
