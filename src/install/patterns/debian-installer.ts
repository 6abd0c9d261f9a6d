/** debian-installer (Debian, and Ubuntu up to 20.04): its syslog and, joined to one line, the text of its dialogs. */
import type { PatternPack } from './types.js';

export const DEBIAN_INSTALLER: PatternPack = {
  ignore: [
    /Unable to set title for /,
    /Falling back to the package description/,
    /ignoring pre-dependency problem/,
    // Packages that a hook would like to have and can do without.
    /in-target: E: Unable to locate package (popularity-contest|discover|qemu-guest-agent|amd64-microcode|intel-microcode|open-vm-tools)/,
    /preseed: running preseed command/,
    // What choose-mirror and netcfg tell of each attempt; if it comes to nothing a dialog says so.
    /\[\d+\]: (DEBUG|INFO): /,
  ],
  patterns: [
    {
      id: 'preseed-unreadable',
      outcome: 'kickstart-syntax',
      regex:
        /Failed to (process|retrieve) the preconfiguration file|The installer failed to process the preconfiguration file|The file needed for preconfiguration could not be retrieved|preseed.*: (error|warning): .*(unable|failed) to (parse|load)/i,
    },
    {
      id: 'preseed-command',
      outcome: 'post-failed',
      regex:
        /Failed to run preseeded command|Execution of preseeded command .* failed with exit code|WARNING: .*late_command.* failed/,
    },
    {
      id: 'debootstrap-missing',
      outcome: 'missing-package',
      regex: /Couldn't find these debs|debootstrap: (E|error): (Couldn't|Cannot) (find|download) /i,
    },
    {
      id: 'package-missing',
      outcome: 'missing-package',
      weight: 'clue',
      regex:
        /E: (Unable to locate package|Package '?\S+'? has no installation candidate|Couldn't find any package|Version .* was not found)|unmet dependencies|E: Unable to correct problems, you have held broken packages/,
    },
    {
      id: 'package-broken',
      outcome: 'installer-error',
      weight: 'clue',
      regex:
        /dpkg: error processing|Errors were encountered while processing|Sub-process \S+ returned an error code|tasksel: .* failed \(|E: (Unable to fetch|Failed to fetch|Broken packages)/,
    },
    {
      id: 'no-kernel-package',
      outcome: 'missing-package',
      regex:
        /No installable kernel was found in the defined APT sources|Unable to install the selected kernel|An error was returned while trying to install the kernel into the target system/,
    },
    {
      id: 'no-components',
      outcome: 'repository-unreachable',
      regex:
        /No kernel modules were found|This probably is due to a mismatch between the kernel used by this version of the installer|Failed to load installer component|Failed to download installer components|Download installer components: The installer failed to download|Loading .* failed for unknown reasons|Error (while )?downloading .*udeb/i,
      hint: 'The installer did not get its own components: the medium lacks them or belongs to another point release, or the mirror cannot be reached.',
    },
    {
      id: 'mirror',
      outcome: 'repository-unreachable',
      regex:
        /Bad archive mirror|mirror does not (support|have)|An error has been detected while trying to use the specified .* archive mirror|archive mirror is either not available|Failed to (access|download a file from) the mirror|Failed to determine the codename for the release|Failed getting release( signature)? file|Invalid Release( signature)? file|Release signed by unknown key|apt configuration problem|Cannot access repository|installer failed to access the mirror|Architecture not supported/i,
    },
    {
      id: 'no-medium',
      outcome: 'repository-unreachable',
      regex:
        /No (device for )?installation media (was|were) detected|installation media couldn't be mounted|Incorrect (installation media|CD-ROM) detected|CD-ROM couldn't be mounted|No (common )?CD-ROM drive was detected|There was a problem reading data from the (installation media|CD-ROM)|Error reading Release file|Failed to copy file from (installation media|CD-ROM)|Load drivers from (removable|installation) media/i,
      hint: 'The installer does not see a complete medium: check that the ISO is whole and attached.',
    },
    {
      id: 'network',
      outcome: 'repository-unreachable',
      regex: /Network autoconfiguration failed|No network interfaces detected|No Ethernet card was detected/i,
      weight: 'presumed',
      hint: 'Give the guest a network, or answer netcfg/enable false where the medium carries all packages.',
    },
    {
      id: 'no-disk',
      outcome: 'no-disk',
      regex:
        /No disk drive was detected|No partitionable media|No root file system( is defined)?|No file system mounted on \/target|The device \S* ?does not exist|Error informing the kernel|Device .* entered .* does not exist/i,
    },
    {
      id: 'too-small',
      outcome: 'no-space',
      regex:
        /selected disk or free space is too small to be automatically partitioned|Failed to partition the selected disk|(disk|partition|free space) (is|too) (too )?small|Insufficient (disk|free) space|Not enough (disk|free) space|partman.*: (No space|The maximum size available)/i,
    },
    {
      id: 'partitioning',
      outcome: 'installer-error',
      regex:
        /Failed to create a file system|Failed to (create|mount) (a )?(swap|partition|file system)|ERROR!!!|The attempt to mount a file system .* failed|Unusable free space|partman: Error: /i,
    },
    {
      id: 'memory',
      outcome: 'out-of-memory',
      regex:
        /(computer|system|machine) (does not have enough|has insufficient|doesn't have enough) memory|Insufficient memory|not enough memory to continue/i,
    },
    {
      id: 'grub',
      outcome: 'installer-error',
      regex:
        /Unable to install GRUB in|GRUB installation failed|Executing 'grub-install .*' failed|The 'grub-\S+' package failed to install|Failed to install the boot ?loader/i,
      hint: 'Answer grub-installer/bootdev with the disk of the virtual machine (/dev/vda).',
    },
    {
      id: 'base-system',
      outcome: 'installer-error',
      isGeneric: true,
      regex:
        /Failed to install the base system|Base system installation error|debootstrap program exited with an error|debootstrap.*: (E|error): |base-installer: error: |Debootstrap (Error|Warning) /i,
    },
    {
      id: 'step-failed',
      outcome: 'installer-error',
      isGeneric: true,
      regex:
        /An installation step failed|Installation step failed|WARNING \*\*: Configuring '[^']+' failed with error code|WARNING \*\*: Menu item '[^']+' failed|\bThe failing step is:/,
    },
  ],
};
