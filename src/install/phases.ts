/** What the installer says it is doing, from its own words. */
import type { InstallerFamily } from '../distro/types.js';

export interface PhaseReport {
  /** For people: `installing packages`. */
  readonly phase: string;
  readonly progress?: { readonly unit: 'packages' | 'percent'; readonly done: number; readonly total?: number };
}

const ANACONDA_STEPS: readonly (readonly [RegExp, string])[] = [
  [/^Starting installer, one moment/, 'starting the installer'],
  [/^Starting automated install/, 'reading the answer file and probing'],
  [/^(Saving|Checking|Generating updated) storage configuration/, 'configuring storage'],
  [/^Checking software selection/, 'checking the software selection'],
  [/^Downloading (package|group) metadata/, 'downloading metadata'],
  [/^Setting up the installation environment/, 'setting up the installation environment'],
  [/^Configuring storage|^Creating (disklabel|[\w-]+) on /, 'configuring storage'],
  [/^Running pre-installation (scripts|tasks)/, 'running pre-installation scripts'],
  [
    /^(Starting package installation process|Preparing transaction from installation source|Installing software)/,
    'preparing the packages',
  ],
  [/^Downloading packages/, 'downloading packages'],
  [/^Performing post-installation setup tasks/, 'post-installation setup'],
  [/^Configuring \S+\.(x86_64|noarch|aarch64|i686|loongarch64|riscv64|ppc64le|s390x)\b/, 'configuring packages'],
  [/^Verifying \S/, 'verifying packages'],
  [/^Installing boot ?loader/, 'installing the boot loader'],
  [/^(Configuring (installed system|addons)|Writing network configuration|Creating users)/, 'configuring the system'],
  [/^(Re)?[Gg]enerating initramfs/, 'generating the initramfs'],
  [/^Storing configuration files/, 'storing configuration files'],
  [/^Running post-installation (scripts|tasks)/, 'running post-installation scripts'],
  [/^Installation complete/, 'installation complete'],
];

const MENU_ITEMS: Readonly<Record<string, string>> = {
  localechooser: 'setting the language',
  'brltty-udeb': 'looking for braille displays',
  'console-setup-udeb': 'setting the keyboard',
  'cdrom-detect': 'looking for the installation medium',
  'load-cdrom': 'loading installer components',
  'download-installer': 'downloading installer components',
  'choose-mirror': 'choosing a mirror',
  ethdetect: 'detecting network hardware',
  netcfg: 'configuring the network',
  'user-setup-udeb': 'setting up users',
  'clock-setup': 'setting the clock',
  'disk-detect': 'detecting disks',
  'partman-base': 'partitioning disks',
  'bootstrap-base': 'installing the base system',
  'apt-setup-udeb': 'configuring the package manager',
  pkgsel: 'installing packages',
  'grub-installer': 'installing the boot loader',
  'finish-install': 'finishing the installation',
};

const DNF_COUNT = /^(Installing|Configuring|Verifying|Upgrading|Preparing) (\S+) \((\d+)\/(\d+)\)/;
const RPM_DOWNLOAD = /^Downloading (\d+) RPMs, .*\((\d+)%\)/;

/** @param message a line without its prefixes */
export function findPhase(message: string, family: InstallerFamily): PhaseReport | undefined {
  switch (family) {
    case 'anaconda':
      return findAnacondaPhase(message);
    case 'debian-installer':
      return findDebianPhase(message);
    case 'subiquity':
      return findSubiquityPhase(message);
    case 'autoyast':
    case 'agama':
      return findYastPhase(message);
  }
}

function findAnacondaPhase(line: string): PhaseReport | undefined {
  // The dots that Anaconda prints while it waits have no newline of their own.
  const message = line.replace(/^[.\s]+/, '');
  const counted = DNF_COUNT.exec(message);
  if (counted !== null) {
    const phase = counted[1] === 'Installing' ? 'installing packages' : `${(counted[1] ?? '').toLowerCase()} packages`;
    return { phase, progress: { unit: 'packages', done: Number(counted[3]), total: Number(counted[4]) } };
  }
  const download = RPM_DOWNLOAD.exec(message);
  if (download !== null) {
    return { phase: 'downloading packages', progress: { unit: 'percent', done: Number(download[2]), total: 100 } };
  }
  const step = ANACONDA_STEPS.find(([regex]) => regex.test(message));
  return step === undefined ? undefined : { phase: step[1] };
}

function findDebianPhase(line: string): PhaseReport | undefined {
  const item = /\bMenu item '([\w-]+)' selected/.exec(line)?.[1];
  if (item !== undefined) return { phase: MENU_ITEMS[item] ?? item };
  if (/^DEBUG: Using preseeded hostname/.test(line)) return { phase: 'setting the host name' };
  const debootstrap = /^debootstrap: I: (Retrieving|Extracting|Unpacking|Configuring) /i.exec(line)?.[1];
  return debootstrap === undefined ? undefined : { phase: `base system: ${debootstrap.toLowerCase()}` };
}

function findSubiquityPhase(line: string): PhaseReport | undefined {
  const step = /^(?:start: )?\s*(subiquity\/[\w/-]+): (\S.*)$/.exec(line);
  const description = step?.[2];
  if (description === undefined || description.startsWith('SUCCESS')) return undefined;
  return /\/(Install|Late|Early|Shutdown|Filesystem|Network)\//.test(`${step?.[1] ?? ''}/`)
    ? { phase: description }
    : undefined;
}

function findYastPhase(line: string): PhaseReport | undefined {
  const counted = /^\s*(?:Installing|Downloading) \S.*?\(?(\d+) ?(?:\/|of) ?(\d+)\)?/.exec(line);
  if (counted !== null) {
    return {
      phase: 'installing packages',
      progress: { unit: 'packages', done: Number(counted[1]), total: Number(counted[2]) },
    };
  }
  if (/^Starting (hardware detection|YaST|Installer)/i.test(line)) return { phase: line.replace(/\.+$/, '') };
  return undefined;
}
