import { ISO2ROOTFS_TOKEN_PLACEHOLDER } from '../token.js';
import { optionValue, parseKickstart, SECTIONS, type Kickstart, type KickstartCommand } from '../kickstart-syntax.js';
import { checkKickstartStorage } from './check-kickstart-storage.js';
import { Findings } from './findings.js';
import { reportMissing } from './report-missing.js';
import type { Finding } from '../types.js';

/** Every command that some version of pykickstart knows. Whether the installer at hand does is `ksvalidator`'s question. */
const COMMANDS = new Set(
  (
    'auth authconfig authselect autopart autostep bootc bootloader btrfs cdrom clearpart cmdline device deviceprobe ' +
    'dmraid driverdisk eula fcoe firewall firstboot graphical group halt harddrive hmc ignoredisk install interactive ' +
    'iscsi iscsiname key keyboard lang langsupport lilo lilocheck liveimg logging logvol mediacheck method module ' +
    'monitor mount mouse multipath network nfs nvdimm ostreecontainer ostreesetup part partition poweroff raid rdp ' +
    'realm reboot repo reqpart rescue rhsm rootpw selinux services shutdown skipx snapshot sshkey sshpw stratisfs ' +
    'stratispool syspurpose text timesource timezone unsupported_hardware updates upgrade url user vnc volgroup ' +
    'xconfig zerombr zfcp zipl %include %ksappend'
  ).split(' '),
);

/** Commands that put somebody in front of the installer. */
const INTERACTIVE: Readonly<Record<string, string>> = {
  graphical: 'starts the graphical installer, which cannot be followed on a serial console',
  vnc: 'starts the graphical installer for a remote screen',
  rdp: 'starts the graphical installer for a remote screen',
  interactive: 'shows every screen and waits for an answer',
  autostep: 'steps through the screens of the graphical installer',
  rescue: 'starts the rescue mode, which installs nothing',
};

/** What makes an unattended build with this kickstart fail. */
export function checkKickstart(text: string): Finding[] {
  const findings = new Findings();
  const kickstart = parseKickstart(text);
  checkSyntax(kickstart, findings);
  for (const { name, line } of kickstart.commands) {
    const harm = INTERACTIVE[name];
    if (harm !== undefined) findings.error(line, `'${name}' ${harm}`, "Use 'text' instead.");
  }
  checkEnding(kickstart, findings);
  checkRootAccess(kickstart, findings);
  checkKickstartStorage(kickstart, findings);
  checkToken(kickstart, findings);
  return findings.sorted();
}

function checkSyntax(kickstart: Kickstart, findings: Findings): void {
  for (const line of kickstart.unbalancedLines) {
    findings.error(line, 'a quote is opened and not closed', 'Close it, or put a backslash before it.');
  }
  for (const line of kickstart.strayEndLines) {
    findings.error(line, "'%end' ends no section", 'Remove it, or give the section above its first line.');
  }
  for (const { name, line, isClosed } of kickstart.sections) {
    if (!SECTIONS.has(name)) {
      findings.error(line, `'${name}' is not a section`, `The sections are ${[...SECTIONS].join(', ')}.`);
    } else if (!isClosed) {
      findings.error(line, `the section '${name}' is not closed`, "End it with a line '%end'.");
    }
  }
  for (const { name, line } of kickstart.commands) {
    if (!COMMANDS.has(name)) {
      findings.error(line, `'${name}' is not a kickstart command`, 'Correct or remove it: the installer stops at it.');
    }
    if (name === 'mediacheck') {
      findings.warning(line, 'the whole medium is read again before the installation', "Remove 'mediacheck'.");
    }
  }
}

function checkEnding(kickstart: Kickstart, findings: Findings): void {
  const endings = kickstart.commands.filter(({ name }) => ['poweroff', 'shutdown', 'reboot', 'halt'].includes(name));
  for (const { name, line, args } of endings) {
    if (name === 'halt') {
      findings.error(line, "'halt' leaves the machine running and waits for a key", "Use 'poweroff' instead.");
    } else if (name === 'reboot' && args.includes('--kexec')) {
      findings.error(
        line,
        "'reboot --kexec' starts the installed system in the same machine",
        "Use 'poweroff' instead.",
      );
    }
  }
  if (endings.length > 0) return;
  reportMissing(
    kickstart,
    findings,
    'nothing switches the machine off: the installer waits for a key at the end',
    "Add 'poweroff'.",
  );
}

function checkRootAccess(kickstart: Kickstart, findings: Findings): void {
  const { commands } = kickstart;
  const rootpw = commands.filter(({ name }) => name === 'rootpw').at(-1);
  const users = commands.filter(({ name }) => name === 'user');
  const isAdmin = ({ args }: KickstartCommand): boolean =>
    (optionValue(args, '--groups') ?? '').split(',').some((group) => group.trim() === 'wheel');
  if (rootpw === undefined) {
    if (users.some(isAdmin)) return;
    reportMissing(
      kickstart,
      findings,
      'there is no root password and no administrator: the installer asks for one',
      "Add 'rootpw --lock', or 'rootpw --iscrypted HASH'.",
    );
    return;
  }
  const password = rootpw.args.filter((argument) => !argument.startsWith('--'));
  const isLocked = rootpw.args.includes('--lock');
  if (password.length === 0 && !isLocked) {
    findings.error(rootpw.line, "'rootpw' has no password", "Write 'rootpw --iscrypted HASH', or 'rootpw --lock'.");
  } else if (password.length > 1) {
    findings.error(rootpw.line, "'rootpw' has more than one password", 'Put quotes around a password with blanks.');
  } else if (isLocked && users.length === 0 && !hasKeys(kickstart)) {
    findings.warning(
      rootpw.line,
      'nobody can log in to the installed system: root is locked and there is no other user',
      "Add 'sshkey --username=root KEY' or 'user', or build with --ssh-inject.",
    );
  }
}

function hasKeys({ commands, sections }: Kickstart): boolean {
  return (
    commands.some(({ name }) => name === 'sshkey') ||
    sections.some(({ name, lines }) => name === '%post' && lines.some((line) => line.includes('authorized_keys')))
  );
}

function checkToken({ sections }: Kickstart, findings: Findings): void {
  const holdsToken = (lines: readonly string[]): boolean =>
    lines.some((line) => line.includes(ISO2ROOTFS_TOKEN_PLACEHOLDER));
  const index = sections.findLastIndex(({ name, lines }) => name === '%post' && holdsToken(lines));
  if (index === -1) return;
  const later = sections.slice(index + 1).find(({ name }) => name === '%post');
  if (later !== undefined) {
    findings.warning(
      later.line,
      'this %post runs after the one that proves a complete installation: if it fails, the build succeeds all the same',
      'Move it above the %post with the token.',
    );
  }
}
