import type { RunningProgram } from './run.js';
import type { Toolbox } from './toolbox.js';

const SPECIALS = 'find /sysroot "(" -type p -o -type b -o -type c ")" -links +1 -printf "%D:%i %P\\0" | base64 -w0';

const CENSUS = 'find /sysroot ! -type d -links +1 -printf "%n %P\\0" | base64 -w0';

/**
 * What virt-tar-out runs (`guestfish --ro -i tar-out`), preceded in the same appliance by a census of the files with several names:
 * a newc archive has to state a file's link count before the other names are seen, and tar keeps no hard links of fifos and devices.
 *
 * The census' command is passed in base64, since both guestfish and the appliance's shell take quotes and backslashes apart. Its output
 * goes through a pipe into a file, since guestfish buffers its own stdout and tar-out does not: on one stream their order would not be
 * certain. The file's path is passed by the environment, so that no character of it is special.
 *
 * tar-out's options are false by default: owners would be names, capabilities, labels and ACLs would be lost.
 */
const inAppliance = (command: string): string =>
  `debug sh "echo ${Buffer.from(command).toString('base64')}|base64 -d|sh" | base64 -d`;

const SCRIPT = `${inAppliance(CENSUS)} > "$ISO2ROOTFS_CENSUS"
${inAppliance(SPECIALS)} > "$ISO2ROOTFS_SPECIALS"
tar-out / - numericowner:true xattrs:true selinux:true acls:true
`;

export interface TarOutOptions {
  readonly diskPath: string;
  /** File for the census: NUL-terminated records `<link count> <path>`, paths relative to the root and in raw bytes. */
  readonly censusPath: string;
  /** File for the fifos and device nodes with several names: NUL-terminated records `<device>:<inode> <path>`. */
  readonly specialsPath: string;
}

/** Starts reading the root file system of a disk image as a tar stream; the census is complete before its first byte. */
export async function startTarOut(tools: Toolbox, options: TarOutOptions): Promise<RunningProgram> {
  return tools.start('guestfish', ['--ro', '--format=raw', '-a', options.diskPath, '-i'], {
    stdin: { text: SCRIPT },
    stdout: 'stream',
    env: { ISO2ROOTFS_CENSUS: options.censusPath, ISO2ROOTFS_SPECIALS: options.specialsPath },
    reason: 'read the files of the installed disk',
    hint: "'iso2rootfs doctor --thorough' starts the libguestfs appliance and tells what is wrong with it.",
  });
}

/** The text of one small file on a disk image; undefined when there is no system on it, or no such file. */
export async function readFileFromDisk(tools: Toolbox, diskPath: string, file: string): Promise<string | undefined> {
  const result = await tools.run('guestfish', ['--ro', '--format=raw', '-a', diskPath, '-i', 'cat', file], {
    allowedStatuses: [0, 1],
    reason: 'read the files of the installed disk',
  });
  return result.exitStatus === 0 ? result.stdout : undefined;
}
