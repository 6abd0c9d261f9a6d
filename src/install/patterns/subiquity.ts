/** Subiquity and curtin (Ubuntu Server from 18.04 on), as they report to the serial console and the journal. */
import type { PatternPack } from './types.js';

export const SUBIQUITY: PatternPack = {
  ignore: [/cloud-init\[\d+\].*(WARNING|DEBUG)/, /\bTranslating\b/],
  patterns: [
    {
      id: 'autoinstall-malformed',
      outcome: 'kickstart-syntax',
      introduces: true,
      regex:
        /Malformed autoinstall|AutoinstallValidationError|autoinstall config did not match|Failed to find matching device for|neither identity nor user-data provided|Autoinstall argument \S+ not found|Failed validating .* in schema|load_autoinstall_data: .* is not |jsonschema\.exceptions\.ValidationError|(Invalid|Failed loading) (cloud-config|yaml|user-data)|error parsing autoinstall|while (scanning|parsing) a (block|simple|flow)/i,
    },
    {
      id: 'user-command',
      outcome: 'post-failed',
      regex:
        /AutoinstallUserSuppliedCmdError|Command execution failure: |subiquity\/(Early|Late)\/run\/command_\d+.*(FAIL|error)|(early|late)-commands? .*failed/i,
    },
    {
      id: 'no-disk',
      outcome: 'no-disk',
      regex:
        /autoinstall cannot configure storage - no disk found|no disk (found )?large enough|No disks? (found|to install)|Failed to find storage volume|Failed to find device at path/i,
    },
    {
      id: 'disk-too-small',
      outcome: 'no-space',
      regex:
        /partition (is )?too (large|big)|(disk|device) (is )?too small|no space for|insufficient (free )?space|larger than .* available/i,
      weight: 'presumed',
    },
    {
      id: 'packages',
      outcome: 'missing-package',
      weight: 'clue',
      regex:
        /E: (Unable to locate package|Package '?\S+'? has no installation candidate|Unable to correct problems)|unmet dependencies/,
    },
    {
      id: 'mirror',
      outcome: 'repository-unreachable',
      weight: 'clue',
      regex:
        /'?apt-get'?,? '?update'?\]?.*(failed|returned)|Failed to fetch (http|file|cdrom)|E: The repository .* does not have a Release file|mirror check (failed|FAILED)|None of the candidate mirrors|no mirror .* usable/i,
    },
    {
      id: 'command-status',
      outcome: 'installer-error',
      isGeneric: true,
      weight: 'clue',
      regex: /returned non-zero exit status \d+|exited with code [1-9]|\bFAIL: \S/,
    },
    {
      id: 'mirror-required',
      outcome: 'repository-unreachable',
      regex: /aborting installation as none of the candidate mirrors|Install aborted: no usable mirror/i,
    },
    {
      id: 'curtin-failed',
      outcome: 'installer-error',
      introduces: true,
      isGeneric: true,
      regex:
        /curtin: Installation failed( with exception)?|Unexpected error while running command|ProcessExecutionError|curtin command \S+: FAIL|finish: +(subiquity\/(Install|Late|Early|Filesystem|Storage)\b|cmd-install).*: FAIL\b|curtin: error:/,
    },
    {
      id: 'install-failed',
      outcome: 'installer-error',
      introduces: true,
      isGeneric: true,
      regex:
        /An error occurred\. Press enter to start a shell|there was a problem completing the installation|An error occurred during installation|install_fail|top level error|An error occurred while running the installer|ErrorReportKind/i,
    },
    {
      id: 'traceback',
      outcome: 'traceback',
      isGeneric: true,
      introduces: true,
      weight: 'clue',
      regex: /Traceback \(/,
    },
  ],
};
