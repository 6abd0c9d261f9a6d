import { optionValue, type Kickstart, type KickstartCommand } from '../kickstart-syntax.js';
import { reportMissing } from './report-missing.js';
import type { Findings } from './findings.js';

/** Options that name disks, as lists separated by commas (or colons in older files). */
const DISK_OPTIONS = ['--ondisk', '--ondrive', '--only-use', '--drives', '--boot-drive', '--driveorder', '--onpart'];

/** Names that a disk of another kind of machine has; links below `/dev/disk/` are left to the installer. */
const FOREIGN_DISK = /^(\/dev\/)?((sd|hd|xvd)[a-z]+|nvme\d+n\d+|mmcblk\d+)/;

/** The layout of the disk: one root file system that boots, on the disk that the build has. */
export function checkKickstartStorage(kickstart: Kickstart, findings: Findings): void {
  const { commands } = kickstart;
  const autopart = commands.find(({ name }) => name === 'autopart');
  const mounts = commands.flatMap((command) => mountPoint(command) ?? []);
  const isImage = commands.some(({ name }) => name === 'ostreesetup' || name === 'ostreecontainer' || name === 'bootc');
  const roots = mounts.filter(({ path }) => path === '/');
  if (autopart !== undefined) {
    const [manual] = mounts;
    if (manual !== undefined)
      findings.error(manual.line, "a mount point beside 'autopart'", "Remove it or 'autopart'.");
  } else if (mounts.length === 0) {
    reportMissing(
      kickstart,
      findings,
      'there is no disk layout: the installer asks for one',
      "Add 'part / --fstype=ext4 --size=2048 --grow', or 'autopart --type=plain'.",
    );
  } else if (roots.length === 0) {
    reportMissing(
      kickstart,
      findings,
      'no file system is mounted on /',
      "Add 'part / --fstype=ext4 --size=2048 --grow'.",
    );
  }
  for (const { line } of roots.slice(1)) {
    findings.error(line, 'a second file system is mounted on /', 'Leave one root file system.');
  }
  checkBlankDisk(kickstart, findings, isImage);
  for (const command of commands) {
    checkBootLoader(command, findings);
    checkDisks(command, findings);
    if (command.args.includes('--encrypted')) {
      findings.error(
        command.line,
        'the file system is encrypted: it cannot be read when the installation is over',
        "Remove '--encrypted'.",
      );
    }
  }
}

function mountPoint({ name, args, line }: KickstartCommand): { path: string; line: number } | undefined {
  const words = args.filter((argument) => !argument.startsWith('--'));
  if (['part', 'partition', 'logvol', 'raid', 'btrfs', 'stratisfs'].includes(name)) {
    const [path = ''] = words;
    return { path, line };
  }
  return name === 'mount' ? { path: words[1] ?? '', line } : undefined;
}

function checkBlankDisk(kickstart: Kickstart, findings: Findings, isImage: boolean): void {
  const { commands } = kickstart;
  const clears = commands.some(
    ({ name, args }) => name === 'zerombr' || (name === 'clearpart' && args.includes('--initlabel')),
  );
  if (
    clears ||
    isImage ||
    commands.every(({ name }) => mountPoint({ name, args: [], line: 0 }) === undefined && name !== 'autopart')
  )
    return;
  findings.warning(
    0,
    'the blank disk is not initialised: some installers ask before they do it',
    "Add 'zerombr' and 'clearpart --all --initlabel'.",
  );
}

function checkBootLoader({ name, args, line }: KickstartCommand, findings: Findings): void {
  if (name !== 'bootloader') return;
  if (args.includes('--disabled') || args.includes('--disable') || optionValue(args, '--location') === 'none') {
    findings.error(line, 'no boot loader is installed: the disk does not boot', "Write 'bootloader --location=mbr'.");
  }
}

function checkDisks({ args, line }: KickstartCommand, findings: Findings): void {
  for (const option of DISK_OPTIONS) {
    const disks = (optionValue(args, option) ?? '').split(/[,:]/);
    const foreign = disks.find((disk) => FOREIGN_DISK.test(disk));
    if (foreign !== undefined) {
      findings.error(
        line,
        `the disk ${foreign} does not exist: the build's only disk is vda`,
        `Write 'vda', or leave '${option}' out.`,
      );
    }
  }
}
