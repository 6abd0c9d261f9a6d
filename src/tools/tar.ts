import { lstat } from 'node:fs/promises';
import type { RunningProgram } from './run.js';
import type { Toolbox } from './toolbox.js';

const NS_PER_SECOND = 10n ** 9n;

/** With everything that an archive holds: numeric owners, modes, hard links, devices, capabilities and other xattrs, ACLs, SELinux labels. */
const EXTRACTING = [
  '--extract',
  '--force-local',
  '--numeric-owner',
  '--same-owner',
  '--preserve-permissions',
  '--delay-directory-restore',
  '--xattrs',
  '--xattrs-include=*',
  '--acls',
  '--selinux',
];
const UNPACKING = { reason: 'unpack nfsroot' };

/** Starts GNU tar unpacking what is written to its stdin into a directory. Needs root. */
export async function startUnpacking(tools: Toolbox, directory: string): Promise<RunningProgram> {
  return tools.start('tar', [...EXTRACTING, '--file=-', `--directory=${directory}`], { ...UNPACKING, stdin: 'pipe' });
}

/**
 * Unpacks an archive of ours, whose names begin with `./`. Needs root.
 * @param shares directories for programs of their own, each with all that is below it: none of them within another, and without hard links
 *   into what another unpacks
 */
export async function unpackArchive(
  tools: Toolbox,
  archive: string,
  directory: string,
  shares: readonly (readonly string[])[] = [],
): Promise<void> {
  const common = [...EXTRACTING, `--file=${archive}`, `--directory=${directory}`];
  const members = shares.map((directories) => directories.map((each) => `./${each}`));
  const exclusions = members.flat().map((member) => `--exclude=${member}`);
  const programs: RunningProgram[] = [];
  try {
    for (const args of [['--anchored', '--no-wildcards', ...exclusions], ...members]) {
      programs.push(await tools.start('tar', [...common, ...args], { ...UNPACKING, stdin: 'closed' }));
    }
    await Promise.all(programs.map(({ done }) => done));
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
  }
  if (shares.length === 0) return;
  // Who came first has made the directories above its share in its own way, and changed their times.
  const above = new Set(members.flat().flatMap(directoriesAbove));
  await tools.run('tar', [...common, '--no-recursion', ...above], UNPACKING);
}

/** `./usr/lib/modules`: `./`, `./usr`, `./usr/lib`. */
function directoriesAbove(member: string): string[] {
  const components = member.split('/').slice(0, -1);
  return components.map((_, index) => (index === 0 ? './' : components.slice(0, index + 1).join('/')));
}

/** Gives the zero blocks of files back to the file system, which tar-out has written out. Their times of modification stay. */
export async function digHoles(tools: Toolbox, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const { mtimeNs } = await lstat(file, { bigint: true });
    await tools.run('fallocate', ['--dig-holes', '--', file], { reason: 'keep sparse files sparse' });
    // touch(1), since Node.js passes times as floating-point seconds, which cannot hold nanoseconds.
    await tools.run('touch', ['--no-create', '-m', `--date=${formatTime(mtimeNs)}`, '--', file], {
      reason: 'keep the time of a file',
    });
  }
}

/** `@<seconds>.<nanoseconds>`, as touch(1) reads it; before 1970 the sign holds for both. */
function formatTime(ns: bigint): string {
  const distance = ns < 0n ? -ns : ns;
  const fraction = String(distance % NS_PER_SECOND).padStart(9, '0');
  return `@${ns < 0n ? '-' : ''}${distance / NS_PER_SECOND}.${fraction}`;
}
