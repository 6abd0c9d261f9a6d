import type { RunningProgram } from './run.js';
import type { Toolbox } from './toolbox.js';

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

/** Gives the zero blocks of files back to the file system, which tar-out has written out. */
export async function digHoles(tools: Toolbox, files: readonly string[]): Promise<void> {
  for (const file of files) {
    await tools.run('fallocate', ['--dig-holes', '--', file], { reason: 'keep sparse files sparse' });
  }
}
