import { scanXml, textOf, type XmlDocument, type XmlTag } from '../xml-syntax.js';
import { Findings, RESTARTS } from './findings.js';
import type { Finding } from '../types.js';

/** What makes an unattended build with this AutoYaST profile stop or fail. */
export function checkAutoyast(text: string): Finding[] {
  const findings = new Findings();
  const document = scanXml(text);
  if (document.problem !== undefined) {
    findings.error(
      document.problem.line,
      `this is not XML: ${document.problem.problem}`,
      "Check it with 'xmllint --noout'.",
    );
    return findings.sorted();
  }
  const elements = (path: string): XmlTag[] =>
    document.tags.filter((tag) => tag.kind !== 'close' && tag.path === `profile/${path}`);
  const [root] = document.tags;
  if (root?.name !== 'profile') {
    findings.error(root?.line ?? 1, 'the document is not a <profile>', 'Give an AutoYaST profile.');
    return findings.sorted();
  }
  checkMode(text, document, elements, findings);
  checkUsers(text, document, elements, findings);
  checkPartitions(text, document, elements, findings);
  for (const { line } of elements('general/ask-list/ask')) {
    findings.error(line, '<ask> puts a question on the screen and waits', 'Remove it.');
  }
  for (const { line } of elements('general/semi-automatic')) {
    findings.error(line, '<semi-automatic> shows screens and waits', 'Remove it.');
  }
  const loader = elements('bootloader/loader_type').find((tag) => textOf(text, document, tag) === 'none');
  if (loader) findings.error(loader.line, 'no boot loader is installed: the disk does not boot', "Write 'grub2'.");
  return findings.sorted();
}

type Elements = (path: string) => XmlTag[];

function checkMode(text: string, document: XmlDocument, elements: Elements, findings: Findings): void {
  const isTrue = (tag: XmlTag): boolean => textOf(text, document, tag) === 'true';
  const confirm = elements('general/mode/confirm').at(-1);
  if (confirm === undefined || textOf(text, document, confirm) !== 'false') {
    findings.error(
      confirm?.line ?? 0,
      'the installer shows its proposal and waits for a confirmation',
      'Write <confirm config:type="boolean">false</confirm> in <general><mode>.',
    );
  }
  const halts = [...elements('general/mode/halt'), ...elements('general/mode/final_halt')];
  if (halts.some(isTrue)) return;
  const remedy = 'Write <halt config:type="boolean">true</halt> in <general><mode>.';
  const [restart] = halts;
  if (restart !== undefined) findings.warning(restart.line, RESTARTS, remedy);
  else findings.error(0, 'the machine is not switched off at the end', remedy);
}

function checkUsers(text: string, document: XmlDocument, elements: Elements, findings: Findings): void {
  const names = elements('users/user/username').map((tag) => textOf(text, document, tag));
  if (names.length === 0) {
    findings.warning(
      elements('users')[0]?.line ?? 0,
      'there is no <user>: nobody can log in to the installed system',
      'Add root, with a crypted password, to <users>.',
    );
  }
}

function checkPartitions(text: string, document: XmlDocument, elements: Elements, findings: Findings): void {
  const drives = elements('partitioning/drive');
  const mounts = elements('partitioning/drive/partitions/partition/mount');
  const roots = mounts.filter((tag) => textOf(text, document, tag) === '/');
  if (mounts.length > 0 && roots.length === 0) {
    findings.error(
      drives[0]?.line ?? 0,
      'no file system is mounted on /',
      'Write <mount>/</mount> in one <partition>.',
    );
  }
  for (const { line } of roots.slice(1)) {
    findings.error(line, 'a second file system is mounted on /', 'Leave one root file system.');
  }
  for (const tag of elements('partitioning/drive/device')) {
    const device = textOf(text, document, tag);
    if (/^\/dev\/((sd|hd|xvd)[a-z]|nvme|mmcblk)/.test(device)) {
      findings.error(
        tag.line,
        `the disk ${device} does not exist: the build's only disk is /dev/vda`,
        "Write '/dev/vda'.",
      );
    }
  }
  const partition = 'partitioning/drive/partitions/partition';
  for (const tag of [...elements(`${partition}/crypt_fs`), ...elements(`${partition}/crypt_method`)]) {
    if (textOf(text, document, tag) === 'false') continue;
    findings.error(
      tag.line,
      'the file system is encrypted: it cannot be read when the installation is over',
      `Remove <${tag.name}>.`,
    );
  }
}
