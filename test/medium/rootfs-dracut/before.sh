#!/bin/sh
# mmdebstrap customize hook, before rootfs/customize.sh, which finds initramfs-tools in every other Debian root.
set -eu
root=$1
mkdir -p "$root/etc/initramfs-tools"
[ -e "$root/usr/sbin/update-initramfs" ] || ln -s ../bin/true "$root/usr/sbin/update-initramfs"
