/** What can be wrong with an image that was booted, by name: what it means and what to try. The worst comes first. */
interface ProblemEntry {
  readonly summary: string;
  readonly hint: string;
}

export const PROBLEMS = {
  'initramfs-too-large': {
    summary: 'the kernel had no room to unpack the image in memory',
    hint: 'Give the machine more memory; the manifest says how much the image needs at least.',
  },
  'initramfs-damaged': {
    summary: 'the kernel could not unpack the image',
    hint: "The file is damaged or cut short: compare it with SHA256SUMS, and make it again with 'iso2rootfs build'.",
  },
  'out-of-memory': {
    summary: 'the machine ran out of memory',
    hint: 'Give the machine more memory; the manifest says how much the image needs at least.',
  },
  'dracut-refused': {
    summary: "dracut's initrd could not mount the root",
    hint: 'The initrd needs the nfs and network modules and the driver of the network card; dracut says on the console what it waits for.',
  },
  'initramfs-tools-refused': {
    summary: "initramfs-tools' initrd could not mount the root",
    hint: 'The initrd needs NFS support and the driver of the network card (MODULES=most); it says on the console what it waits for.',
  },
  'no-overlay': {
    summary: 'the initrd cannot put an overlay over a root that is exported read-only',
    hint: 'Add the module overlay to the initrd, or export the root read-write.',
  },
  'kernel-panic': {
    summary: 'the kernel panicked',
    hint: 'The console says why; without a root or an init, look whether the image is complete.',
  },
  'emergency-mode': {
    summary: 'the system went into emergency mode',
    hint: 'Mostly a mount that failed: look at /etc/fstab in the image and at the failed units.',
  },
  'rescue-mode': {
    summary: 'the system went into rescue mode',
    hint: 'Look at the default target of the image and at the failed units.',
  },
  'root-unreachable': {
    summary: 'the NFS server of the root could not be reached any more',
    hint: 'Something in the image takes the network down, or configures it anew, while the root is on it.',
  },
  'ordering-cycle': {
    summary: 'systemd found an ordering cycle and left a unit out',
    hint: 'Correct the After= and Before= of the units that the message names.',
  },
  'device-missing': {
    summary: 'the system waited for a device that never came',
    hint: 'A diskless system must not wait for block devices: look at /etc/fstab and at root= and resume= arguments.',
  },
  'mount-failed': {
    summary: 'a mount failed',
    hint: 'Look at /etc/fstab and the mount units of the image.',
  },
  'target-not-reached': {
    summary: 'the default target was not reached',
    hint: 'The jobs that had not ended and the failed units say what it waited for.',
  },
  'timed-out': {
    summary: 'the system did not say in time that it had come up',
    hint: 'Look at the end of the console log. Without KVM a boot may take minutes: raise --timeout.',
  },
  'ended-early': {
    summary: 'the machine ended before it had come up',
    hint: 'Look at the end of the console log.',
  },
  'wrong-kernel': {
    summary: 'another kernel runs than the one the manifest names',
    hint: 'vmlinuz, the modules in the image and the manifest must be of one build: make the output again.',
  },
  'wrong-root': {
    summary: 'the root file system is not what it should be',
    hint: 'Look at the kernel arguments and at what the initrd mounts.',
  },
  'capability-lost': {
    summary: 'a file has lost its capability',
    hint: 'A newc archive holds no capabilities: the image must restore them at boot, from the list in the manifest.',
  },
  'no-address': {
    summary: 'no network address was got',
    hint: 'Let the image configure its first network card by DHCP, and see that the driver of the card is there.',
  },
  'shutdown-hangs': {
    summary: 'the system came up but did not power off',
    hint: 'Mostly the network is taken down while the root is still on it.',
  },
  'units-failed': {
    summary: 'the system is up, but units failed',
    hint: "'systemctl status UNIT' in the booted system says why.",
  },
  'getcap-missing': {
    summary: 'the image has no getcap, so nobody can say whether capabilities are there',
    hint: 'Install libcap (libcap2-bin on Debian) in the image.',
  },
} as const satisfies Record<string, ProblemEntry>;

export type ProblemName = keyof typeof PROBLEMS;

/** These are told, and do not make an image a bad one. */
const HARMLESS: readonly ProblemName[] = ['units-failed', 'getcap-missing', 'mount-failed', 'device-missing'];

export interface Problem {
  readonly name: ProblemName;
  /** False: told, but the image passes. */
  readonly isFatal: boolean;
  /** What happened, with the console's own line or the value that was found. */
  readonly message: string;
  readonly hint: string;
}

/** @param evidence a line of the console, or what was found */
export function problem(name: ProblemName, evidence?: string): Problem {
  const { summary, hint } = PROBLEMS[name];
  return {
    name,
    isFatal: !HARMLESS.includes(name),
    message: evidence === undefined || evidence === '' ? summary : `${summary}: ${evidence}`,
    hint,
  };
}

/** The worst first; one of each name. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const names = Object.keys(PROBLEMS) as ProblemName[];
  return names.flatMap((name) => problems.find((each) => each.name === name) ?? []);
}
