/** Kernel, initrd, C library: the same for every installer. */
import type { PatternPack } from './types.js';

export const COMMON: PatternPack = {
  ignore: [
    /\bIGNORED\b/,
    // A warning in the kernel prints a call trace and goes on.
    /Call Trace:/,
    // The command line is echoed several times and may hold anything.
    /Kernel command line:|\] Command line:|BOOT_IMAGE=/,
    /^\s*\+ /,
  ],
  patterns: [
    {
      id: 'cpu-x86-64-level',
      outcome: 'cpu-too-old',
      regex: /CPU does not support x86-64-v\d|Fatal glibc error: .*\bCPU\b|CPU ISA level is lower than required/i,
    },
    {
      id: 'cpu-long-mode',
      outcome: 'cpu-too-old',
      regex: /This kernel requires an x86-64 CPU|This kernel requires the following features not present on the CPU/,
    },
    {
      id: 'panic-memory',
      outcome: 'out-of-memory',
      regex:
        /Kernel panic - not syncing: (System is deadlocked on memory|Out of memory)|Out of memory and no killable processes/,
    },
    {
      id: 'oom-killer',
      outcome: 'out-of-memory',
      regex: /Out of memory: Kill(ed)? process|\bOut of memory:|Memory cgroup out of memory: Kill(ed)? process/,
    },
    {
      id: 'oom-invoked',
      outcome: 'out-of-memory',
      weight: 'clue',
      regex: /invoked oom-killer|oom-kill:constraint|Cannot allocate memory|page allocation failure|\bMemoryError\b/,
    },
    {
      id: 'initramfs-write-error',
      outcome: 'out-of-memory',
      weight: 'clue',
      regex: /Initramfs unpacking failed: (write error|.*no space)|rootfs image is not initramfs.*write error/i,
    },
    {
      id: 'panic-no-init',
      outcome: 'kernel-panic',
      isGeneric: true,
      regex: /Kernel panic - not syncing/,
    },
    {
      id: 'kernel-halted',
      outcome: 'kernel-panic',
      isGeneric: true,
      weight: 'presumed',
      regex: /^\s*-- System halted|\bend Kernel panic\b|Unable to boot - please use a kernel appropriate for your CPU/,
    },
    {
      id: 'boot-loader-found-nothing',
      outcome: 'dracut-no-root',
      regex: /^No bootable device\.|Boot failed: not a bootable disk|^error: no such partition/,
      scope: 'console',
      weight: 'presumed',
    },
    {
      id: 'dracut-refuses',
      outcome: 'dracut-no-root',
      regex: /dracut: (FATAL|Refusing to continue)|Don't know how to handle 'root=/,
    },
    {
      id: 'dracut-could-not-boot',
      outcome: 'dracut-no-root',
      introduces: true,
      regex:
        /dracut.*(Could not boot|Unable to process initqueue)|Dropping to (a )?(debug|emergency) shell|^Entering emergency mode\. Exit the shell/,
    },
    {
      id: 'dracut-device-missing',
      outcome: 'dracut-no-root',
      weight: 'clue',
      regex:
        /dracut.*Warning: .* does not exist|initqueue timeout|ALERT!\s+\S+ does not exist|Timed out waiting for device/,
    },
    {
      id: 'initramfs-shell',
      outcome: 'dracut-no-root',
      regex:
        /Dropping to a shell!|Gave up waiting for (root|suspend\/resume) (file system )?device|Unable to find a (live file system on the network|medium containing a live file system)/,
    },
    {
      id: 'emergency-mode',
      outcome: 'dracut-no-root',
      weight: 'presumed',
      regex:
        /You are in (emergency|rescue) mode|Cannot open access to console, the root account is locked|Entering (emergency|rescue) (mode|shell)/,
      hint: 'The system on the console went into emergency mode: the log tells which unit failed before.',
    },
    {
      id: 'no-space-left',
      outcome: 'no-space',
      weight: 'presumed',
      regex: /No space left on device|\[Errno 28\]|\bENOSPC\b|disk quota exceeded/i,
      except: /journal|rsyslog|audit/i,
    },
    {
      id: 'disk-errors',
      outcome: 'installer-error',
      weight: 'clue',
      regex:
        /(I\/O error, dev (sr|vd|sd)|SQUASHFS error|isofs_fill_super: .*failed|attempt to access beyond end of device|Buffer I\/O error on dev)/,
      hint: 'Reading failed inside the machine: the ISO may be damaged; verify its checksum.',
    },
    {
      id: 'name-resolution',
      outcome: 'repository-unreachable',
      weight: 'clue',
      regex:
        /(Could not resolve host|Couldn't resolve host|Temporary failure (in name resolution|resolving)|Name or service not known|Network is unreachable|No route to host|Connection (refused|timed out)|Curl error \(\d+\)|Could not connect to)/i,
    },
  ],
};
