#!/bin/sh
# mmdebstrap customize hook, after rootfs/customize.sh: the initrd is dracut's and named as on RPM systems, NetworkManager rules the network. The
# initrd has no network yet: a kickstart's %post is to add it.
set -eu
root=$1
rm -rf "$root/etc/initramfs-tools" "$root"/boot/initrd.img-* "$root"/initrd.img*
[ ! -h "$root/usr/sbin/update-initramfs" ] || rm "$root/usr/sbin/update-initramfs"
kernel=$(basename "$(find "$root/lib/modules" -mindepth 1 -maxdepth 1 | sort -V | tail -n 1)")

# Where dracut looks for NetworkManager, and RPM systems have it.
mkdir -p "$root/usr/libexec"
ln -s ../lib/NetworkManager/nm-initrd-generator "$root/usr/libexec/nm-initrd-generator"
# Debian's alone, for files that no network script here reads.
rm "$root/etc/dracut.conf.d/11-ifcfg.conf"
# The kickstart's %post makes an initrd in an emulated machine, where gzip -9, dracut's choice, takes nine tenths of the time.
echo 'compress="zstd -1 -q"' >"$root/etc/dracut.conf.d/standin.conf"
chroot "$root" dracut --force --quiet --no-hostonly --reproducible --omit 'network nfs' "/boot/initramfs-$kernel.img" "$kernel"

rm -f "$root/etc/systemd/network/80-dhcp.network"
chroot "$root" systemctl disable systemd-networkd.service systemd-networkd.socket
chroot "$root" systemctl enable NetworkManager.service
chroot "$root" systemctl disable NetworkManager-wait-online.service rpcbind.service rpcbind.socket
# A kernel's package would make an initrd of Debian's name.
rm -f "$root/etc/kernel/postinst.d/dracut" "$root/etc/kernel/postrm.d/dracut"
