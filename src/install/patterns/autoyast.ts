/** linuxrc, YaST and AutoYaST (openSUSE Leap, SLES). */
import type { PatternPack } from './types.js';

export const AUTOYAST: PatternPack = {
  ignore: [],
  patterns: [
    {
      id: 'no-repository',
      outcome: 'repository-unreachable',
      regex:
        /No repository found|Could not find the .* (Repository|medium)|Make sure your boot medium is available|Repository (not found|is not available)|no .* repository found|Unable to create repository|Could not (retrieve|read) the repository|using that installation source failed|Failed to (refresh|initialize) (the )?(source|repository)/i,
    },
    {
      id: 'no-network',
      outcome: 'repository-unreachable',
      regex: /No network device found|DHCP configuration failed/,
      weight: 'presumed',
    },
    {
      id: 'profile-not-found',
      outcome: 'kickstart-syntax',
      regex:
        /Failed to download AutoYaST file|An error occurred while fetching the profile|Invalid AutoYaST profile URL|Could not (read|find) the (AutoYaST )?(control|profile) file|Retrieving the control file failed/i,
    },
    {
      id: 'profile-invalid',
      outcome: 'kickstart-syntax',
      introduces: true,
      regex:
        /XML parser reports|An error occurred while opening\/parsing the XML file|Error while parsing the control file|Error while reading configuration data|AutoYaST pre-script generated an invalid XML|(profile|document) is not valid|error while rendering the ERB profile|Parsing the rules file failed|XML parsing failed|Premature end of data in tag|Opening and ending tag mismatch/i,
    },
    {
      id: 'packages-missing',
      outcome: 'missing-package',
      introduces: true,
      regex:
        /These packages cannot be found in the software repositories|Could not set patterns:|package resolver run failed|Cannot solve dependencies|nothing provides .* needed by|No catalog found|AutoYaST cannot run second stage due to missing packages/i,
    },
    {
      id: 'no-disk',
      outcome: 'no-disk',
      regex:
        /No (hard )?disks? (were |was )?(found|detected)|No storage devices|no suitable (disk|device|partition)s? found/i,
    },
    {
      id: 'disk-too-small',
      outcome: 'no-space',
      regex:
        /(not enough|insufficient) (disk )?space|(Cannot|could not) (create|find) (a )?(valid |suitable )?(partition|storage) (proposal|layout|setup)|A proposal could not be calculated|No proposal possible|out of disk space/i,
    },
    {
      id: 'partitions',
      outcome: 'installer-error',
      introduces: true,
      regex:
        /Error while configuring (partitions|software selections)|Failure occurred during the following action|System error code was:/i,
    },
    {
      id: 'memory',
      outcome: 'out-of-memory',
      regex: /does not have enough RAM for the installation|not enough memory|You need at least \d+ MB/i,
    },
    {
      id: 'script',
      outcome: 'post-failed',
      regex: /User script \S+ failed|(pre|post|chroot|init|postpartitioning)-?script .* failed/i,
    },
    {
      id: 'boot-loader',
      outcome: 'installer-error',
      regex:
        /(Cannot|Could not|Failed to) (install|write|create) (the )?(bootloader|boot loader)|Error occurred while installing (GRUB2|boot ?loader)|Execution of command .*grub2?-install.* failed/i,
    },
    {
      id: 'aborted',
      outcome: 'installer-error',
      isGeneric: true,
      introduces: true,
      regex:
        /An error occurred during the installation|Linuxrc (has )?crashed|\*\*\* signal \d+ \*\*\*|YaST got signal|(YaST|Installation) (has been )?aborted|Aborting the installation|Internal error\. Please report a bug report|Fatal error|Installation (has )?failed/i,
    },
  ],
};
