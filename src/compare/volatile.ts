/** What differs between any two installations of the same: it says nothing of what they are. Paths, bytes as latin1. */
const VOLATILE: readonly RegExp[] = [
  /^(?:run|tmp|var\/(?:tmp|run|log|cache|spool))\/./,
  /^var\/lib\/(?:systemd\/(?:random-seed|credential\.secret|catalog\/database|timers\/)|urandom|dbus\/machine-id|iso2rootfs|apt\/(?:lists|periodic)|NetworkManager|dnf\/history|yum\/|PackageKit|plymouth|alternatives\.log)/,
  // What lists the packages is compared as packages.
  /^var\/lib\/(?:rpm|dpkg|dnf)\/|^usr\/lib\/sysimage\/rpm\//,
  /^etc\/(?:machine-id|ld\.so\.cache|\.updated|\.pwd\.lock|ssh\/ssh_host_|blkid|lvm\/(?:archive|backup|cache)|udev\/hwdb\.bin)/,
  // Password hashes are salted, and have the day of the change beside them.
  /^etc\/g?shadow-?$/,
  /^var\/\.updated$/,
  // Made on the machine, from the rest.
  /^boot\/(?:initr|initramfs|grub|loader\/|efi\/)/,
  /^(?:usr\/)?lib\/modules\/[^/]+\/modules\.(?:dep|alias|symbols|softdep|devname|builtin\.(?:alias\.)?bin)/,
  /__pycache__\/|\.py[co]$/,
  /^usr\/(?:share\/(?:mime\/|icons\/.*icon-theme\.cache$|info\/dir$|glib-2\.0\/schemas\/gschemas\.compiled$)|lib\/udev\/hwdb\.bin$|lib\/locale\/locale-archive$)/,
  /^root\/(?:anaconda-ks\.cfg|original-ks\.cfg)$/,
];

export function isVolatile(path: string): boolean {
  return VOLATILE.some((pattern) => pattern.test(path));
}
