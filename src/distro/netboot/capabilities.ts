/**
 * File capabilities in an all-in-memory root: newc cannot hold them, so that they are restored when the machine starts, from a list. It
 * works where the kernel's own root is a tmpfs: without `root=` on the command line (init/do_mounts.c; a ramfs has no extended attributes).
 */
import type { Addition, TreeSurvey } from './tree-survey.js';

export const CAPABILITY = 'security.capability';

/** linux/capability.h, from 0 on. */
const NAMES = (
  'chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast ' +
  'net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice ' +
  'sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm ' +
  'block_suspend audit_read perfmon bpf checkpoint_restore'
)
  .split(' ')
  .map((name) => `cap_${name}`);

const EFFECTIVE = 1n;
const WORDS: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 2 };

/**
 * A `security.capability` attribute (struct vfs_ns_cap_data) in words that setcap(8) takes; undefined for what it cannot express: an
 * unknown revision, or a root of a user namespace.
 */
export function formatCapability(value: Buffer): string | undefined {
  if (value.length < 12) return undefined;
  const revision = value.readUInt8(3);
  const words = WORDS[revision];
  if (words === undefined || value.length !== 4 + words * 8 + (revision === 3 ? 4 : 0)) return undefined;
  if (revision === 3 && value.readUInt32LE(20) !== 0) return undefined;
  const set = (offset: number): bigint =>
    BigInt(value.readUInt32LE(offset)) | (words === 2 ? BigInt(value.readUInt32LE(offset + 8)) << 32n : 0n);
  const [permitted, inheritable] = [set(4), set(8)];
  const effective = (BigInt(value.readUInt8(0)) & EFFECTIVE) === EFFECTIVE ? 'e' : '';
  const clauses = [
    [permitted & inheritable, `${effective}ip`],
    [permitted & ~inheritable, `${effective}p`],
    [inheritable & ~permitted, `${effective}i`],
  ] as const;
  const text = clauses
    .filter(([bits]) => bits !== 0n)
    .map(([bits, flags]) => `${namesOf(bits).join(',')}=${flags}`)
    .join(' ');
  return text === '' ? undefined : text;
}

function namesOf(bits: bigint): string[] {
  return Array.from({ length: 64 }, (_, index) => index)
    .filter((index) => (bits & (1n << BigInt(index))) !== 0n)
    .map((index) => NAMES[index] ?? String(index));
}

const SERVICE = 'iso2rootfs-capabilities.service';

const RESTORE = `#!/bin/sh
# Written by iso2rootfs: restores the file capabilities that a cpio archive cannot hold. May be run again at any time.
# Lines of the list: the attribute's value in hexadecimal digits, the same in setcap's words with ';' for blanks ('-': none), the path.
list=\${1:-/LIST}
root=\${2:-}
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
tell() { echo "iso2rootfs: $1"; }
has() { command -v "$1" >/dev/null 2>&1; }
if ! { has setcap || has setfattr || has python3 || has perl || [ -x /usr/libexec/platform-python ]; }; then
  tell "file capabilities are not restored: the system has neither setcap nor setfattr, python3 or perl" >&2
  exit 1
fi
with_python() {
  for python in python3 /usr/libexec/platform-python; do
    if has "$python"; then
      "$python" -c 'import os, sys; os.setxattr(os.fsencode(sys.argv[2]), "security.capability", bytes.fromhex(sys.argv[1]))' "$1" "$2"
      return
    fi
  done
  return 1
}
# Perl's core has no setxattr(2), but can call the kernel by number.
with_perl() {
  has perl || return 1
  case $(uname -m) in
    x86_64) number=188 ;;
    aarch64 | riscv64 | loongarch64) number=5 ;;
    *) return 1 ;;
  esac
  perl -e 'my ($n, $hex, $path) = @ARGV; my $name = "security.capability"; my $value = pack "H*", $hex;
    exit(syscall($n + 0, $path, $name, $value, length $value, 0) == 0 ? 0 : 1)' "$number" "$1" "$2"
}
restore() {
  if [ "$2" != - ] && has setcap && setcap "$(echo "$2" | tr ';' ' ')" "$3"; then return 0; fi
  if has setfattr && setfattr -n security.capability -v "0x$1" -- "$3"; then return 0; fi
  with_python "$1" "$3" || with_perl "$1" "$3"
}
failed=0
restored=0
while read -r value words path; do
  file=$root$path
  [ -f "$file" ] && [ ! -L "$file" ] || continue
  if restore "$value" "$words" "$file" 2>/dev/null; then
    restored=$((restored + 1))
  else
    failed=$((failed + 1))
    tell "the capabilities of $path could not be restored" >&2
  fi
done < "$list"
tell "restored the capabilities of $restored files"
if [ $failed -gt 0 ]; then
  tell "is the root file system a ramfs? It is a tmpfs only if the kernel was started without root= (or with rootfstype=tmpfs)" >&2
  exit 1
fi
`;

export interface CapableFile {
  /** Bytes as latin1. */
  readonly path: string;
  readonly value: Buffer;
}

/**
 * What initramfs.cgz has in addition where files have capabilities: a list, a script, and an early unit that runs it.
 * Without systemd the script is there, and whoever starts the machine has to run it.
 */
export function addCapabilityRestoration(survey: TreeSurvey, files: readonly CapableFile[]): Addition[] {
  // A line of the list cannot hold every name that a file can have.
  const lines = files
    .filter(({ path }) => isListable(path))
    .map(({ path, value }) => {
      const words = formatCapability(value)?.replaceAll(' ', ';') ?? '-';
      return `${value.toString('hex')} ${words} /${Buffer.from(path, 'latin1').toString('utf8')}\n`;
    });
  if (lines.length === 0) return [];
  const directory = survey.systemdDirectory === 'lib/systemd' ? 'lib' : 'usr/lib';
  const list = `${directory}/iso2rootfs/capabilities`;
  const script = `${directory}/iso2rootfs/restore-capabilities`;
  const additions: Addition[] = [
    { path: list, text: lines.sort().join('') },
    { path: script, text: RESTORE.replace('LIST', list), mode: 0o755 },
  ];
  if (survey.systemdDirectory === undefined) return additions;
  const units = `${survey.systemdDirectory}/system`;
  const unit = [
    '# Written by iso2rootfs, for an all-in-memory root file system only.',
    '[Unit]',
    'Description=Restore file capabilities',
    'DefaultDependencies=no',
    'ConditionPathIsReadWrite=/',
    'After=systemd-remount-fs.service local-fs.target',
    'Before=sysinit.target systemd-networkd.service NetworkManager.service shutdown.target',
    'Conflicts=shutdown.target',
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    `ExecStart=/bin/sh /${script}`,
    'StandardOutput=journal+console',
    'StandardError=journal+console',
    '',
    '[Install]',
    'WantedBy=sysinit.target',
    '',
  ].join('\n');
  return [
    ...additions,
    { path: `${units}/${SERVICE}`, text: unit },
    { path: `${units}/sysinit.target.wants/${SERVICE}`, linkTarget: `../${SERVICE}` },
  ];
}

/** Files whose capabilities cannot be restored: their names do not fit on a line. */
export function listUnrestorable(files: readonly CapableFile[]): string[] {
  return files.filter(({ path }) => !isListable(path)).map(({ path }) => path);
}

function isListable(path: string): boolean {
  const bytes = Buffer.from(path, 'latin1');
  return !/[\n\\]|\s$/.test(path) && bytes.equals(Buffer.from(bytes.toString('utf8'), 'utf8'));
}
