import { findAnswer, parsePreseed, type Preseed, type PreseedAnswer } from '../preseed-syntax.js';
import { Findings, RESTARTS } from './findings.js';
import type { Finding } from '../types.js';

/** What makes an unattended build with this preseed file stop at a question or fail. */
export function checkPreseed(text: string): Finding[] {
  const findings = new Findings();
  const preseed = parsePreseed(text);
  for (const line of preseed.unreadableLines) {
    findings.error(line, 'this is not an answer', "Write 'd-i QUESTION TYPE VALUE', or begin a comment with '#'.");
  }
  checkEnding(preseed, findings);
  checkUsers(preseed, findings);
  checkDisk(preseed, findings);
  checkBootLoader(preseed, findings);
  checkMirror(preseed, findings);
  checkInteraction(preseed, findings);
  return findings.sorted();
}

function valueOf(preseed: Preseed, question: string): string | undefined {
  return findAnswer(preseed, question)?.value;
}

function demand(preseed: Preseed, findings: Findings, answer: string, why: string): void {
  const [question = '', type = '', ...values] = answer.split(' ');
  const value = values.join(' ');
  const given = findAnswer(preseed, question);
  const remedy = `Add 'd-i ${answer}'.`;
  if (given === undefined) findings.error(0, `${question} is not answered: ${why}`, remedy);
  else if (type === 'boolean' && given.value !== value) {
    findings.error(given.line, `${question} is '${given.value}': ${why}`, `Write 'd-i ${answer}'.`);
  }
}

function checkEnding(preseed: Preseed, findings: Findings): void {
  const halt = findAnswer(preseed, 'debian-installer/exit/halt');
  if (halt?.value === 'true') {
    findings.error(
      halt.line,
      'the machine is halted, not switched off',
      "Write 'd-i debian-installer/exit/poweroff boolean true'.",
    );
  } else if (findAnswer(preseed, 'debian-installer/exit/poweroff')?.value === 'false') {
    const { line } = findAnswer(preseed, 'debian-installer/exit/poweroff') ?? { line: 0 };
    findings.warning(line, RESTARTS, "Write 'd-i debian-installer/exit/poweroff boolean true'.");
  } else {
    demand(
      preseed,
      findings,
      'debian-installer/exit/poweroff boolean true',
      'the machine is not switched off at the end',
    );
  }
  demand(preseed, findings, 'finish-install/reboot_in_progress note', 'the installer waits for a key at the end');
}

function checkUsers(preseed: Preseed, findings: Findings): void {
  const crypted = (user: string): boolean => (valueOf(preseed, `passwd/${user}-password-crypted`) ?? '') !== '';
  const plain = (user: string): boolean =>
    (valueOf(preseed, `passwd/${user}-password`) ?? '') !== '' &&
    valueOf(preseed, `passwd/${user}-password-again`) !== undefined;
  const hasRoot = valueOf(preseed, 'passwd/root-login') !== 'false';
  const hasUser = valueOf(preseed, 'passwd/make-user') !== 'false';
  if (hasRoot && !crypted('root') && !plain('root')) {
    findings.error(
      0,
      'there is no root password: the installer asks for one',
      "Add 'd-i passwd/root-password-crypted password HASH' ('!' locks root).",
    );
  }
  if (hasUser && (valueOf(preseed, 'passwd/username') === undefined || (!crypted('user') && !plain('user')))) {
    findings.error(
      0,
      'the ordinary user is not described: the installer asks for name and password',
      "Add 'd-i passwd/make-user boolean false', or answer passwd/user-fullname, passwd/username and passwd/user-password-crypted.",
    );
  }
  if (!hasRoot && !hasUser) {
    findings.error(
      0,
      'there is neither root nor a user: nobody can log in',
      "Add 'd-i passwd/root-login boolean true'.",
    );
  }
  const root = findAnswer(preseed, 'passwd/root-password-crypted');
  if (hasRoot && !hasUser && root !== undefined && /^[!*]/.test(root.value) && !hasKeys(preseed)) {
    findings.warning(
      root.line,
      'nobody can log in to the installed system: root is locked and there is no other user',
      'Give root a password or a key, or build with --ssh-inject.',
    );
  }
}

function hasKeys(preseed: Preseed): boolean {
  return (valueOf(preseed, 'preseed/late_command') ?? '').includes('authorized_keys');
}

function checkDisk(preseed: Preseed, findings: Findings): void {
  const method = findAnswer(preseed, 'partman-auto/method');
  if (method === undefined) {
    findings.error(
      0,
      'there is no disk layout: the installer asks for one',
      "Add 'd-i partman-auto/method string regular'.",
    );
  } else if (method.value === 'crypto') {
    findings.error(
      method.line,
      'the disk is encrypted: it cannot be read when the installation is over',
      "Write 'regular'.",
    );
  } else if (method.value === 'lvm') {
    demand(preseed, findings, 'partman-lvm/confirm boolean true', 'the installer asks before it writes LVM volumes');
  }
  if (findAnswer(preseed, 'partman-partitioning/confirm_write_new_label') === undefined) {
    findings.warning(
      0,
      'partman-partitioning/confirm_write_new_label is not answered: the installer may ask before it writes to a blank disk',
      "Add 'd-i partman-partitioning/confirm_write_new_label boolean true'.",
    );
  }
  demand(preseed, findings, 'partman/choose_partition select finish', 'the installer shows its partitions and waits');
  demand(preseed, findings, 'partman/confirm boolean true', 'the installer asks before it writes');
  demand(preseed, findings, 'partman/confirm_nooverwrite boolean true', 'the installer asks before it writes');
  const recipe = findAnswer(preseed, 'partman-auto/expert_recipe');
  if (recipe !== undefined) checkRecipe(preseed, recipe, findings);
  for (const question of ['partman-auto/disk', 'grub-installer/bootdev']) {
    const answer = findAnswer(preseed, question);
    const foreign = answer?.value.split(/\s+/).find((disk) => /^\/dev\/((sd|hd|xvd)[a-z]|nvme|mmcblk)/.test(disk));
    if (answer === undefined || foreign === undefined) continue;
    findings.error(
      answer.line,
      `the disk ${foreign} does not exist: the build's only disk is /dev/vda`,
      "Write '/dev/vda'.",
    );
  }
}

function checkRecipe(preseed: Preseed, recipe: PreseedAnswer, findings: Findings): void {
  const roots = recipe.value.match(/mountpoint\{\s*\/\s*\}/g)?.length ?? 0;
  if (roots === 0)
    findings.error(recipe.line, 'the recipe mounts nothing on /', "Add 'mountpoint{ / }' to one partition.");
  if (roots > 1) findings.error(recipe.line, 'the recipe mounts two file systems on /', 'Leave one root file system.');
  if (!/linux-swap/.test(recipe.value)) {
    demand(
      preseed,
      findings,
      'partman-basicfilesystems/no_swap boolean false',
      'the recipe has no swap, and the installer asks about it',
    );
  }
}

function checkBootLoader(preseed: Preseed, findings: Findings): void {
  const skip = findAnswer(preseed, 'grub-installer/skip');
  if (skip?.value === 'true') {
    findings.error(skip.line, 'no boot loader is installed: the disk does not boot', 'Remove this line.');
  } else {
    demand(
      preseed,
      findings,
      'grub-installer/bootdev string /dev/vda',
      'the installer asks where the boot loader goes',
    );
  }
}

function checkMirror(preseed: Preseed, findings: Findings): void {
  if (valueOf(preseed, 'apt-setup/use_mirror') === 'false') return;
  const hasHost = /^(https?|ftp)$/.test(valueOf(preseed, 'mirror/protocol') ?? 'http');
  const protocol = valueOf(preseed, 'mirror/protocol') ?? 'http';
  const host = hasHost ? valueOf(preseed, `mirror/${protocol}/hostname`) : undefined;
  if (host !== undefined || /^[A-Z]{2}$/.test(valueOf(preseed, 'mirror/country') ?? '')) return;
  findings.error(
    0,
    'no package mirror is named: the installer asks for one',
    "Add 'd-i mirror/country string manual', mirror/http/hostname, mirror/http/directory and mirror/http/proxy, or 'd-i apt-setup/use_mirror boolean false' for a CD with all packages.",
  );
}

function checkInteraction(preseed: Preseed, findings: Findings): void {
  const interactive = findAnswer(preseed, 'preseed/interactive');
  if (interactive?.value === 'true') {
    findings.error(interactive.line, 'every question is asked, with the answer as a proposal', 'Remove this line.');
  }
  const priority = findAnswer(preseed, 'debconf/priority');
  if (priority !== undefined && priority.value !== 'critical') {
    findings.warning(priority.line, `questions of priority '${priority.value}' are asked as well`, "Write 'critical'.");
  }
  if (findAnswer(preseed, 'debian-installer/locale') === undefined) {
    findings.warning(
      0,
      'the language is not given: the installer asks for it',
      "Add 'd-i debian-installer/locale string en_US.UTF-8'.",
    );
  }
  if (findAnswer(preseed, 'keyboard-configuration/xkb-keymap') === undefined) {
    findings.warning(
      0,
      'the keyboard is not given: the installer asks for it',
      "Add 'd-i keyboard-configuration/xkb-keymap select us'.",
    );
  }
  const lateCommands = preseed.answers.filter(({ question }) => question === 'preseed/late_command');
  for (const { line } of lateCommands.slice(0, -1)) {
    findings.warning(line, 'a later preseed/late_command replaces this one', 'Write one command that does both.');
  }
}
