import { lstat } from 'node:fs/promises';
import type { RunningProgram } from './run.js';
import type { Toolbox } from './toolbox.js';

const NS_PER_SECOND = 10n ** 9n;

/**
 * Starts GNU tar unpacking into a directory, with everything that an archive holds: numeric owners, modes, hard links, devices,
 * capabilities and other xattrs, ACLs, SELinux labels. Needs root.
 * @param archive a tar file; undefined: the archive is written to the program's stdin.
 */
export async function startUnpacking(tools: Toolbox, directory: string, archive?: string): Promise<RunningProgram> {
  return tools.start(
    'tar',
    [
      '--extract',
      `--file=${archive ?? '-'}`,
      '--force-local',
      `--directory=${directory}`,
      '--numeric-owner',
      '--same-owner',
      '--preserve-permissions',
      '--delay-directory-restore',
      '--xattrs',
      '--xattrs-include=*',
      '--acls',
      '--selinux',
    ],
    { stdin: archive === undefined ? 'pipe' : 'closed', reason: 'unpack nfsroot' },
  );
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
