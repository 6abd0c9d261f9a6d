/**
 * The proof that an installation came to its end: a nonce of this build that the answer file's very last step
 * leaves in the installed system and on the console. Installers end with status 0 for many reasons.
 */
import { Iso2RootfsError } from '../../errors.js';

/** Stands for the token in every rendered file, so that the key of a build does not depend on its nonce. */
export const ISO2ROOTFS_TOKEN_PLACEHOLDER = '@ISO2ROOTFS_TOKEN@';

/** Path of the token in the installed system; mode 0600 in a directory of mode 0700. */
export const TOKEN_PATH = '/var/lib/iso2rootfs/token';

/** What the console line begins with; the token follows. */
export const TOKEN_CONSOLE_PREFIX = 'iso2rootfs-token: ';

/** Puts the token in, just before the installation. */
export function insertToken(text: string, token: string): string {
  if (!/^[A-Za-z0-9_-]{8,128}$/.test(token)) {
    throw new Iso2RootfsError('INTERNAL', 'a success token must be 8 to 128 letters, digits, - or _');
  }
  if (!text.includes(ISO2ROOTFS_TOKEN_PLACEHOLDER)) {
    throw new Iso2RootfsError('INTERNAL', 'the answer file has no place for the success token');
  }
  return text.replaceAll(ISO2ROOTFS_TOKEN_PLACEHOLDER, token);
}

/**
 * POSIX shell commands, one per element, that leave the token below `root` and say it on the consoles that exist.
 * Only the writing of the file may fail. busybox runs them as well.
 */
export function tokenCommands(root = ''): string[] {
  const directory = `${root}/var/lib/iso2rootfs`;
  return [
    'umask 077',
    `mkdir -p ${directory}`,
    `chmod 0700 ${directory}`,
    `echo '${ISO2ROOTFS_TOKEN_PLACEHOLDER}' > ${root}${TOKEN_PATH}`,
    // No backslash and no percent sign: preseed files and kickstarts have their own ideas about them. Two words, so that
    // an installer that logs the command does not print what the command is to print.
    `for console in /dev/console /dev/ttyS0 /dev/ttyAMA0; do if [ -c $console ]; then { echo; echo '${TOKEN_CONSOLE_PREFIX.trimEnd()}' '${ISO2ROOTFS_TOKEN_PLACEHOLDER}'; } 2>/dev/null > $console || true; fi; done`,
    'sync',
  ];
}

/** One line of shell for installers that take a command, not a script: the first command that fails ends it. */
export function joinCommands(commands: readonly string[]): string {
  return ['set -e', ...commands].join('; ');
}
