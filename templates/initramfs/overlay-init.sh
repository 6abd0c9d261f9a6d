#!/bin/sh
# Starts a system from the squashfs image beside this script. What the system writes stays in memory.
#
# Kernel arguments: init=PATH (default: /sbin/init), iso2rootfs.overlay=SIZE (limit of what is written, as tmpfs takes it: 2g, 80%;
# default: half of the memory).
set -f
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

fail() {
  echo "iso2rootfs: $*" >&2
  echo "iso2rootfs: the system cannot be started" >&2
  exit 1
}

mount -t devtmpfs -o mode=0755,nosuid devtmpfs /dev || fail "/dev cannot be mounted"
mount -t proc -o nosuid,nodev,noexec proc /proc || fail "/proc cannot be mounted"
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys || fail "/sys cannot be mounted"
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs /run || fail "/run cannot be mounted"

init=/sbin/init
size=50%
read -r line < /proc/cmdline
for word in $line; do
  case $word in
    init=*) init=${word#init=} ;;
    iso2rootfs.overlay=*) size=${word#iso2rootfs.overlay=} ;;
  esac
done

while read -r module; do
  insmod "$module" || echo "iso2rootfs: $module cannot be loaded" >&2
done < /modules.list

state=/run/iso2rootfs
mkdir $state $state/image $state/changes || fail "$state cannot be made"
mount -t squashfs -o ro,loop /rootfs.squashfs $state/image || fail "the image cannot be mounted"
mount -t tmpfs -o mode=0755,size="$size" tmpfs $state/changes || fail "there is no memory for what the system writes"
mkdir $state/changes/upper $state/changes/work || fail "there is no memory for what the system writes"
mount -t overlay -o lowerdir=$state/image,upperdir=$state/changes/upper,workdir=$state/changes/work overlay /sysroot ||
  fail "the overlay cannot be mounted"

# Only while the archive is verified: `iso2rootfs verify` boots it with this beside it.
[ ! -r /iso2rootfs-verify/initrd-hook.sh ] || . /iso2rootfs-verify/initrd-hook.sh

for place in dev proc sys run; do
  [ -d /sysroot/$place ] || mkdir /sysroot/$place
  mount --move /$place /sysroot/$place || fail "/$place cannot be moved into the system"
done
exec switch_root /sysroot "$init"
fail "$init cannot be started"
