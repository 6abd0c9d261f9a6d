#!/bin/bash
# What people do today to get a diskless root file system out of an installed disk, one step after the other, literally:
#
#     baseline.sh DISK OUTPUT-DIRECTORY
#
# DISK is changed: give a copy. Each step says on stderr how long it took. `npm run bench` compares this with iso2rootfs on a copy of the same disk.
# Without KVM set LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg, as iso2rootfs does by itself.
set -euo pipefail
shopt -s inherit_errexit

disk=$(realpath "${1:?usage: baseline.sh DISK OUTPUT-DIRECTORY}")
output=$(realpath -m "${2:?usage: baseline.sh DISK OUTPUT-DIRECTORY}")
mkdir -p "$output/nfsroot"
cd "$output"

step() {
    local name=$1 from=$EPOCHREALTIME
    shift
    "$@"
    awk -v name="$name" -v from="$from" -v to="$EPOCHREALTIME" 'BEGIN { printf "step %s %.2f\n", name, to - from }' >&2
}

# As it stands in every howto: cpio fails for names with a newline and leaves them out, which nobody sees at the beginning of a pipe.
pack() {
    set +o pipefail
    (cd nfsroot && find . | cpio --create --format=newc --quiet 2> ../cpio.log | gzip -9) > initramfs.cgz
    set -o pipefail
}

step sysprep virt-sysprep --quiet --format raw --add "$disk"
step sparsify virt-sparsify --quiet --format raw --in-place "$disk"
step get-kernel virt-builder --quiet --get-kernel "$disk" --format raw --output .
step tar-out virt-tar-out --format=raw -a "$disk" / rootfs.tar
step untar tar --extract --numeric-owner --file rootfs.tar --directory nfsroot
step cpio+gzip pack
