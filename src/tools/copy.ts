import { lstat } from 'node:fs/promises';
import { systemErrorCode } from '../errors.js';
import { findProgram } from './run.js';
import type { Toolbox } from './toolbox.js';

/** Copies a file: by reflink where the file system can, else keeping its holes. Nothing half-written is left under the destination's name by the caller's rename. */
export async function copySparse(tools: Toolbox, source: string, destination: string): Promise<void> {
  await tools.run('cp', ['--reflink=auto', '--sparse=always', '--no-target-directory', '--', source, destination], {
    reason: 'copy a disk image',
  });
}

const SYSTEM_PYTHON = '/usr/bin/python3';

const EXCHANGE = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE = -100, 2
if libc.renameat2(AT_FDCWD, os.fsencode(sys.argv[1]), AT_FDCWD, os.fsencode(sys.argv[2]), RENAME_EXCHANGE) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
`;

/**
 * Exchanges two paths in one step (renameat2 with RENAME_EXCHANGE), which Node.js cannot.
 * python3 is there wherever virt-install is: virt-install is written in it. The system's own is preferred, as virt-install does: what a
 * PATH has first may be a version manager's, which takes half a second to find the real one.
 * @returns false where the file system cannot do it.
 */
export async function exchangePaths(tools: Toolbox, one: string, other: string): Promise<boolean> {
  const python = (await findProgram(SYSTEM_PYTHON, '')) ?? 'python3';
  // -I -S: nothing but the standard library is looked for.
  const { exitStatus } = await tools.query(python, ['-I', '-S', '-c', EXCHANGE, one, other], {
    allowedStatuses: [0, 1],
  });
  return exitStatus === 0;
}

/** Removes a tree, whatever is in it. Its files are the guest's: nothing is followed. */
export async function removeTree(tools: Toolbox, directory: string): Promise<void> {
  if ((await lstat(directory).catch(systemErrorCode)) === 'ENOENT') return;
  await tools.query('rm', ['-rf', '--one-file-system', '--', directory]);
}
