/**
 * The values that answer files can carry. A value is carried exactly or refused, with the reason: nothing is
 * rewritten to fit, and nothing can end a line, a string or a section.
 */
import { Iso2RootfsError } from '../../errors.js';

/** Longest script that is carried: Linux passes at most 128 KiB in one argument, and d-i runs its command as one. */
const MAX_SCRIPT_BYTES = 64 * 1024;

function refuse(what: string, value: string, reason: string): never {
  throw new Iso2RootfsError('USAGE', `${what} ${JSON.stringify(value)} cannot be used: ${reason}`, {
    hint: `Give a ${what} that the installer can carry.`,
  });
}

function checkShape(what: string, value: string, shape: RegExp, reason: string): void {
  if (!shape.test(value)) refuse(what, value, reason);
}

export function checkLanguage(value: string): void {
  const shape = /^(C|POSIX|[a-z]{2,3}(_[A-Z]{2})?)(\.[A-Za-z0-9-]+)?(@[a-z]+)?$/;
  checkShape('language', value, shape, "it is not a locale such as 'en_US.UTF-8'");
}

export function checkKeyboard(value: string): void {
  checkShape('keyboard', value, /^[A-Za-z][A-Za-z0-9_-]*$/, "it is not a keymap such as 'us'");
}

export function checkTimezone(value: string): void {
  const shape = /^[A-Za-z][A-Za-z0-9+_-]*(\/[A-Za-z0-9+_-]+)*$/;
  checkShape('time zone', value, shape, "it is not a time zone such as 'Europe/Berlin'");
}

export function checkPackage(value: string): void {
  const reason = 'a package name has letters, digits and . _ + : ~ - only, and starts with a letter or digit';
  checkShape('package', value, /^[A-Za-z0-9][A-Za-z0-9._+:~-]*$/, reason);
}

export function checkPackageGroup(value: string): void {
  const reason = "a group has letters, digits and . _ + - only (an environment begins with '^')";
  checkShape('package group', value, /^\^?[A-Za-z0-9][A-Za-z0-9._+-]*$/, reason);
}

export function checkDiskDevice(value: string): void {
  checkShape('disk', value, /^[a-z]+[a-z0-9]*$/, "it is not a device name such as 'vda'");
}

export function checkKernelArgument(value: string): void {
  const reason =
    'boot loader files and the scripts that write them carry no blanks, quotes, backslashes, or any of $ ` ! & | < >';
  checkShape('kernel argument', value, /^[A-Za-z0-9_.,:;=/@%+~#*?()[\]{}^-]+$/, reason);
}

export function checkService(value: string): void {
  checkShape('service', value, /^[A-Za-z0-9][A-Za-z0-9@:._-]*$/, 'it is not the name of a systemd unit');
}

export function checkHostname(value: string): void {
  const shape =
    /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;
  checkShape('host name', value, shape, 'it is not a host name (RFC 1123: letters, digits, hyphens and dots)');
}

export function checkRepositoryUrl(value: string): void {
  const isUrl = /^(https?|ftp):\/\/[^\s"'`\\<>]+$/.test(value) && isPrintableAscii(value) && URL.canParse(value);
  if (!isUrl) refuse('repository URL', value, 'it is not a plain http, https or ftp URL');
}

/** One line of `authorized_keys` without options. */
export function checkSshKey(value: string): void {
  const shape =
    /^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp\d+|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+=*( [^\p{C}"'\\]*)?$/u;
  const reason =
    "it is not one line of the form 'ssh-ed25519 AAAA... comment' (options before the key and quotes in the comment are not carried)";
  checkShape('SSH key', value, shape, reason);
}

/** Hashes of crypt(5) that the supported distributions read; MD5 and DES are not among them. */
export function checkPasswordHash(value: string): void {
  const shape =
    /^\$(5|6)\$(rounds=\d{4,9}\$)?[./A-Za-z0-9]{1,16}\$([./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})$|^\$(y|gy|7)\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}$|^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;
  if (shape.test(value)) return;
  throw new Iso2RootfsError(
    'USAGE',
    'The crypted password cannot be used: it is not a crypt(5) hash ($5$, $6$, $y$, $gy$, $7$ or $2b$)',
    { hint: "Make one with 'openssl passwd -6', and quote it: the shell replaces '$' in double quotes." },
  );
}

export function checkPostScript(name: string, text: string): void {
  checkShape('script name', name, /^[^\p{C}]{1,100}$/u, 'it has control characters or is empty or too long');
  if (text.includes('\0')) refuse('script', name, 'it is not text (it contains a NUL byte)');
  if (/[\uD800-\uDFFF]/u.test(text)) refuse('script', name, 'it is not UTF-8 text');
  if (Buffer.byteLength(text) > MAX_SCRIPT_BYTES) {
    refuse('script', name, `it is longer than ${MAX_SCRIPT_BYTES} bytes; let it fetch what it needs`);
  }
}

export function isPrintableAscii(value: string): boolean {
  return /^[\x20-\x7e]*$/.test(value);
}
