/**
 * Shell text for the installed system, on one line: an initrd for any machine, with the network and an NFS root, on Debian and Ubuntu.
 * It goes on booting from the disk (BOOT=local). A failure is said, and does no more.
 *
 * initramfs-tools brings NFS by itself with MODULES=most (nfsmount is klibc's); Ubuntu has dracut in its place since 25.10. Nothing is made
 * anew where nothing has to be changed.
 */
export function makeGenericInitrd(): string {
  const initramfsTools = [
    'cd /etc/initramfs-tools',
    'unset new MODULES RESUME',
    'for name in overlay squashfs; do grep -qsx $name modules || { echo $name >> modules && new=1; }; done',
    '{ for file in initramfs.conf conf.d/*; do [ ! -f $file ] || . ./$file; done || true; }',
    '{ [ $MODULES,${RESUME:-none} = most,none ] || { (echo MODULES=most; echo RESUME=none) > conf.d/zz-iso2rootfs && new=1; }; }',
    '{ [ -z $new ] || update-initramfs -u -k all; }',
  ];
  const dracut = [
    'apt-get install -y dracut-network',
    'mkdir -p /etc/dracut.conf.d',
    'echo hostonly=no > /etc/dracut.conf.d/iso2rootfs.conf',
    `echo 'add_dracutmodules+=" network nfs "' >> /etc/dracut.conf.d/iso2rootfs.conf`,
    'dracut --force --regenerate-all',
  ];
  const say = 'echo iso2rootfs: warning: no generic initrd with an NFS root could be made > /dev/console || true';
  return [
    'if [ -x /usr/sbin/mkinitramfs ]; then',
    `( ${initramfsTools.join(' && ')} ) || ${say};`,
    'elif command -v dracut > /dev/null; then',
    `( ${dracut.join(' && ')} ) || ${say};`,
    'fi',
  ].join(' ');
}
