import type { Manifest } from './manifest.js';

/** What a second installation from the same medium and answer file has otherwise. Everything else of it is the same, or the distribution's doing. */
const DIFFERS_BETWEEN_INSTALLATIONS = [
  'times of files that the installer wrote or changed, up to the end of the installation',
  'identities of file systems and partitions: etc/fstab.installed, the boot loader configuration in boot/ and etc/default/grub, and what the initrd holds of them',
  'initrds that were made while installing: their archives hold times',
  'salts of password hashes that the installer made: etc/shadow',
  'databases of packages and what scripts of packages wrote: var/lib/rpm or var/lib/dpkg, caches of ld.so, fonts and man pages',
  'dates of the last password change: etc/shadow',
  'keys and certificates that scripts of packages generated',
];

/** @param latestTime when the installation ended; undefined where nothing tells it: then no time was changed */
export function describeReproducibility(
  latestTime: { readonly seconds: number } | undefined,
): NonNullable<Manifest['reproducibility']> {
  return {
    ...(latestTime === undefined ? {} : { clampedTo: new Date(latestTime.seconds * 1000).toISOString() }),
    differsBetweenInstallations: [...DIFFERS_BETWEEN_INSTALLATIONS],
  };
}
