import type { InitrdFacts } from '../initrd/initrd-facts.js';
import type { SelinuxMode } from './selinux.js';

/** What to start the kernel with, per output. Nothing of the installed boot loader's: no root, console, crash kernel or resume device. */
export interface NetbootArguments {
  /** For initramfs.cgz. Never `root=`: it would make the root a ramfs, without capabilities. */
  readonly initramfs: readonly string[];
  /**
   * For nfsroot/, exported at `SERVER:PATH` (to be replaced). Missing where the initrd cannot mount it. `readOnly` needs something
   * writable put over it: what of the lab's own does that (an overlay in the initrd), or a system that can do without.
   */
  readonly nfsroot?: { readonly readWrite: readonly string[]; readonly readOnly: readonly string[] };
}

/**
 * dracut.cmdline(7), NFS: NFSv4 only if `nfs4:` asks for it. initramfs-tools(7): `boot=nfs`, and klibc's nfsmount, which knows version 3.
 * @param initrd undefined: there is none
 */
export function suggestArguments(initrd: InitrdFacts | undefined, selinux: SelinuxMode | undefined): NetbootArguments {
  // Labels are not in initramfs.cgz, and come over NFS 4.2 alone, from a server that exports them (exports(5), security_label). The kernel
  // has not let its configuration file disable SELinux since 6.4.
  const initramfs = selinux === 'enforcing' ? ['enforcing=0'] : selinux === 'disabled' ? ['selinux=0'] : [];
  if (initrd?.canMountNfs !== true) return { initramfs };
  const isVersion4 = initrd.nfsVersions.includes('4');
  const root =
    initrd.maker === 'dracut'
      ? [`root=${isVersion4 ? 'nfs4' : 'nfs'}:SERVER:PATH`, 'ip=dhcp', 'rd.neednet=1']
      : ['boot=nfs', 'root=/dev/nfs', 'nfsroot=SERVER:PATH', 'ip=dhcp'];
  return {
    initramfs,
    nfsroot: { readWrite: [...root, 'rw', ...initramfs], readOnly: [...root, 'ro', ...initramfs] },
  };
}
