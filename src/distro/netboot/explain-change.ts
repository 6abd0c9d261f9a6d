/** Why things are changed on their way out of the disk: for the manifest, where `audit` looks it up. docs/prepare.md has the details. */

type What = 'removed' | 'changed' | 'added';

const REASONS: readonly (readonly [path: RegExp, reason: string])[] = [
  [/^var\/lib\/iso2rootfs(?:\/|$)/, 'the success token of the installation'],
  [/^var\/log\/journal(?:\/|$)/, 'without it, journald keeps its logs in memory'],
  [/^etc\/(?:fstab|crypttab)$/, 'a diskless machine does not have the block devices'],
  [/^etc\/(?:fstab|crypttab)\.installed$/, 'what the installation wrote, for reference'],
  [/^etc\/selinux\/config$/, 'set by --selinux'],
  [/^etc\/resolv\.conf$/, 'name servers of the network that the system was installed in'],
  [/^etc\/machine-id$|^var\/lib\/dbus\/machine-id$/, 'every machine has its own'],
  [
    /^etc\/(?:sysconfig\/network|netplan|NetworkManager|network\/|udev\/rules\.d|wicked)/,
    'the network was bound to a card of the machine that the system was installed in',
  ],
  [/^init$/, 'the kernel starts /init'],
  [/iso2rootfs.*capabilit|capabilit.*iso2rootfs/, 'restores the capabilities that a cpio archive cannot hold'],
  [/(?:^|\/)kdump/, 'kdump reserves memory and needs a disk'],
];
const DEFAULTS: Readonly<Record<What, string>> = {
  removed: 'differs per machine, or tells of its installation alone',
  changed: 'fit for booting over the network',
  added: 'written by iso2rootfs for booting over the network',
};

/** @param path bytes as latin1 */
export function explainChange(path: string, what: What): string {
  return REASONS.find(([pattern]) => pattern.test(path))?.[1] ?? DEFAULTS[what];
}
