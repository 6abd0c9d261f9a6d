/**
 * Anaconda of EL 7 to EL 10, Fedora and openEuler. Messages as in its sources; what counts as failure agrees with what lorax
 * (livemedia-creator) and the installer's own tests look for.
 */
import type { PatternPack } from './types.js';

export const ANACONDA: PatternPack = {
  ignore: [
    /:shadow: unknown configuration item /,
    /Deprecated Driver is detected|Unmaintained driver is detected/,
    /Gdk-.*CRITICAL/,
    /Some warnings occurred during reading the kickstart file/,
  ],
  patterns: [
    {
      id: 'kickstart-unreadable',
      outcome: 'kickstart-syntax',
      introduces: true,
      regex:
        /An error occurred during reading the kickstart file|The following problem occurred on line|error parsing kickstart|Unable to (open|read) input kickstart file|KickstartParseError|KickstartValueError/,
    },
    {
      id: 'kickstart-unknown-command',
      outcome: 'kickstart-syntax',
      regex:
        /Unknown command: \S|\bhas been removed\b.*kickstart|Unexpected arguments to \w+ command|does not support installation to a partition|Section %?\w+ does not end with %end|unrecognized arguments?: |no such option: -|Unknown kickstart section/,
    },
    {
      id: 'kickstart-not-found',
      outcome: 'kickstart-syntax',
      regex:
        /Kickstart file \S+ is missing|(failed to fetch|Can't get) kickstart from|can't find \S+!$|inst\.ks='?\S+'? .*not found/,
      hint: 'The answer file did not reach the installer: check inst.ks= and the initrd injection.',
    },
    {
      id: 'missing-package',
      outcome: 'missing-package',
      introduces: true,
      regex:
        /The following packages are missing|CmdlineError: Missing package|(The package|You have specified that the (package|group)|The group) '[^']*'.*(is required|should be installed)|\bmissing (packages|groups( or modules)?|modules): |Problems in request:|NoSuchPackage|NoSuchGroup|MissingSpecsError|Stream was not specified for a module|Multiple streams have been specified|Module or Group '[^']+' (is not available|does not exist)/i,
      except: /\b(DEBUG|DBG|INFO|INF)\b/,
    },
    {
      id: 'package-missed',
      outcome: 'missing-package',
      regex: /packaging: Missed: (NoSuchPackage|NoSuchGroup)|packaging: .* requires .*/,
    },
    {
      id: 'package-unmatched',
      outcome: 'missing-package',
      weight: 'clue',
      regex: /No match for (argument|group)|Unable to find a match/,
    },
    {
      id: 'packages-broken',
      outcome: 'missing-package',
      introduces: true,
      regex:
        /Some packages, groups or modules are (broken|missing)|The following software marked for installation has (errors|the following errors)|Modular dependency problem|nothing provides \S+ needed by|none of the providers can be installed|BrokenSpecsError|broken (packages|groups)|Transaction check error:|DependencyError|conflicting requests/,
      except: /\b(DEBUG|DBG|INFO|INF)\b/,
    },
    {
      id: 'base-repository-invalid',
      outcome: 'repository-unreachable',
      regex: /base repo (?!\(CDROM\/file).* not valid/,
    },
    {
      id: 'source-setup-failed',
      outcome: 'repository-unreachable',
      introduces: true,
      regex:
        /Payload setup error:|Failed to set up installation source|error occurred while setting up the payload|base repo is unusable|SourceSetupError|Failed to add the '[^']*' repository|No repository is configured|PayloadSetupError|Nothing useful found for/,
      except: /\b(DEBUG|DBG|INFO|INF)\b/,
    },
    {
      id: 'repository-metadata',
      outcome: 'repository-unreachable',
      weight: 'presumed',
      regex:
        /Error setting up (repositories|base repository|software)|Error downloading package metadata|Failed to download metadata for repo|Cannot download repomd\.xml|Cannot prepare internal mirrorlist|All mirrors were tried|metadata download for repo \S+ failed|Failed to synchronize cache for repo|couldn't set releasever from base repo|Errors during downloading metadata for repository|No more mirrors to try/i,
      except: /\b(DEBUG|DBG|INFO|INF)\b/,
    },
    {
      id: 'package-download',
      outcome: 'repository-unreachable',
      regex: /Failed to download the following packages|Error downloading packages|DNF installation has timeouted/i,
    },
    {
      id: 'stage2-not-found',
      outcome: 'dracut-no-root',
      introduces: true,
      regex:
        /Anaconda installer errors begin|It seems that the boot has failed|anaconda: failed to fetch stage2 from|missing inst\.stage2 or inst\.repo|can't find installer main image path/,
    },
    {
      id: 'media-check',
      outcome: 'dracut-no-root',
      regex:
        /Media check failed|The media check \S+ is complete, the result is: FAIL|Checksum of image \S+ does not match/,
      hint: 'The ISO is damaged: fetch it again and verify its checksum.',
    },
    {
      id: 'no-disk',
      outcome: 'no-disk',
      regex:
        /\bNo usable disks( selected)?\b|no valid devices were found on which to create new file systems|NoDisksError|No disks (selected|detected)\.$|Disk "?[^" ]+"? (given|specified) in (ignoredisk|clearpart|part) .*does not exist|Specified (nonexistent|non-existent|unpartitioned)( disk)? |drive to exclude or use|You must include at least one disk as an install target|No usable boot drive was found|Requested boot drive "?[^" ]+"? doesn't exist/i,
      weight: 'presumed',
    },
    {
      id: 'disk-too-small',
      outcome: 'no-space',
      regex:
        /insufficient disk space:|Not enough disk space to (download|install)|NotEnoughFreeSpaceError|not enough free space (on (disks|selected disks)|for)|No big enough free space on disks|Unable to allocate requested partition scheme|Not enough space in file? ?systems|needs? (at least )?[\d.]+ ?[KMG]i?B (more )?(of )?(free )?(disk )?space on the |At least [\d.]+ ?[KMG]i?B more space needed|PartitioningError|Failed to reclaim|Your \S+ partition (is too small for|size is lower than required)|not enough space in volume group/i,
      except: /\b(DEBUG|DBG|INFO|INF)\b/,
      weight: 'presumed',
    },
    {
      id: 'installation-out-of-space',
      outcome: 'no-space',
      regex:
        /installing package \S+ needs [\d.]+ ?[KMG]B( more space)? on the|Disk Requirements:|Not enough disk space to download the packages/,
    },
    {
      id: 'memory-too-small',
      outcome: 'out-of-memory',
      regex:
        /requires \d+ MB of memory to\s*(install)?|you only have \d+ MB on this machine|need(s)? (at least )?\d+ MB of (memory|RAM)|Not enough RAM\b/,
      except: /graphical/,
    },
    {
      id: 'script-failed',
      outcome: 'post-failed',
      introduces: true,
      regex: /There was an error running the kickstart script|traceback script\(s\) have been run/,
    },
    {
      id: 'script-status',
      outcome: 'post-failed',
      weight: 'clue',
      regex: /Error code \d+ running the kickstart script at line \d+/,
    },
    {
      id: 'transaction-failed',
      outcome: 'installer-error',
      introduces: true,
      regex:
        /error populating transaction after|packaging: Installation failed|The following error occurred while installing\.? {1,2}|error occurred while installing (the payload|the boot loader)|The following error occurred during the installation|PayloadInstallError|PayloadInstallationError|DNF error: |The transaction process has ended abruptly|Error in (POSTIN|POSTTRANS|PREIN|PRETRANS|<unknown>) scriptlet in rpm package|scriptlet failure in rpm package|NonCriticalInstallationError/,
      isGeneric: true,
    },
    {
      id: 'boot-loader-failed',
      outcome: 'installer-error',
      introduces: true,
      regex:
        /error installing the boot loader|BootloaderInstallationError|BootLoaderError|boot loader install failed|failed to write boot loader configuration|grub2-install failed/i,
      except: /\b(DEBUG|DBG|INFO|INF)\b/,
      hint: 'The boot loader could not be installed: check the disk layout (biosboot or an EFI system partition).',
    },
    {
      id: 'layout-incomplete',
      outcome: 'installer-error',
      weight: 'presumed',
      regex:
        /Your BIOS-based system needs a special partition|You have not (defined a root partition|created a bootable partition)|No valid boot loader target device found|Failed to find a suitable stage1 device/,
      hint: 'The disk layout of the answer file cannot boot: it needs a root partition and, by firmware, biosboot or an EFI system partition.',
    },
    {
      id: 'storage-failed',
      outcome: 'installer-error',
      introduces: true,
      isGeneric: true,
      weight: 'presumed',
      regex:
        /storage configuration (has )?failed|Storage configuration has failed|StorageConfigurationError|An error occurred while activating your storage configuration|There is a problem with your existing storage configuration|StorageInstallationError|UnusableStorageError/i,
    },
    {
      id: 'stopped-non-interactive',
      outcome: 'installer-error',
      introduces: true,
      isGeneric: true,
      regex:
        /The installation was stopped due to (an\s*error|incomplete spokes|what seems to be)|Non interactive installation failed|The following mandatory spokes are not completed|CmdlineError|NonInteractiveError|no interactive debugging allowed|Installation was stopped due to an error/,
    },
    {
      id: 'hardware-problem',
      outcome: 'installer-error',
      introduces: true,
      regex: /stopped due to what seems to be a problem with your hardware/,
      hint: 'Reading the medium or writing the disk failed: verify the checksum of the ISO.',
    },
    {
      id: 'terminates',
      outcome: 'installer-error',
      isGeneric: true,
      regex: /The installer will now terminate|The installation cannot continue( and the system will be rebooted)?$/,
    },
    {
      id: 'crashed',
      outcome: 'traceback',
      isGeneric: true,
      regex:
        /\bcrashed on signal|Process [0-9]+ \(anaconda\) of user [0-9]+ dumped core|Anaconda (has )?(crashed|died|received signal)/,
    },
    {
      // Also at good endings, where everything is being stopped.
      id: 'ended',
      outcome: 'installer-error',
      isGeneric: true,
      weight: 'clue',
      regex: /^Pane is dead|anaconda\.service: (Main process exited|Failed with result)/i,
    },
    {
      id: 'traceback',
      outcome: 'traceback',
      introduces: true,
      isGeneric: true,
      regex: /Traceback \(|An unknown error has occured, look at the/,
      except: /\b(WARN|WARNING|WRN|INFO|INF|DEBUG|DBG|NOTICE)\b/,
    },
    {
      id: 'traceback-warned',
      outcome: 'traceback',
      introduces: true,
      isGeneric: true,
      weight: 'presumed',
      // A call between the installer's own modules that fails is logged like this and may well be coped with.
      patienceMs: 60_000,
      regex: /Traceback \(/,
    },
    {
      id: 'critical',
      outcome: 'installer-error',
      isGeneric: true,
      regex: /\b(CRIT|CRT)\b|^\d\d:\d\d:\d\d,\d{3} CRITICAL\b/,
      except: /CRI?T (systemd-coredump|mdadm|kernel)\b/,
    },
    {
      id: 'asks-to-ignore',
      outcome: 'waits-for-input',
      weight: 'presumed',
      isGeneric: true,
      regex: /Would you like to ignore this\b/,
    },
  ],
};
