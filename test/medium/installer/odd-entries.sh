#!/bin/bash
# odd-entries.sh ROOT [KERNEL-VERSION MACHINE-ID]: makes ROOT/opt/odd, the entries that conversions of a tree lose most easily, and, with a kernel
# version, files in ROOT/boot that look like kernels and initrds and must never be taken for them. Everything has fixed owners and times, so that two
# runs give the same tree (tree-list.py compares). Needs root, and a file system with xattrs, ACLs and 32-bit owners.
set -euo pipefail
export LC_ALL=C
umask 022
root=$1
odd=$root/opt/odd
mkdir -p "$odd"
cd "$odd"

mkdir owners modes modes/sticky modes/setgid-directory modes/none-directory links links/a links/b links/c names sparse xattrs mount-point empty
# Owners: what a ustar header's octal field cannot hold, and what a signed 32-bit integer cannot.
echo 'owner above 2^21' >owners/two-million
echo 'owner above 2^31' >owners/four-billion
mkdir owners/directory
echo 'inside' >owners/directory/file
ln -s two-million owners/symlink
chown 2097153:2097154 owners/two-million
chown 4000000000:4000000001 owners/four-billion
chown 4000000000:100 owners/directory
chown -h 3000000000:3000000000 owners/symlink

# Modes.
echo '#!/bin/sh' >modes/setuid
echo '#!/bin/sh' >modes/setgid
echo '#!/bin/sh' >modes/all-bits
echo 'nobody may read this' >modes/none
echo 'within a directory that nobody may enter' >modes/none-directory/file
echo 'exists' >modes/sticky/file
chown 1000:1000 modes/setuid modes/setgid modes/setgid-directory
chmod 4755 modes/setuid
chmod 2755 modes/setgid
chmod 7777 modes/all-bits
chmod 2775 modes/setgid-directory
chmod 1777 modes/sticky
chmod 000 modes/none modes/none-directory

# Links: one inode, several names, in several directories; symlinks and fifos can have several names too.
echo 'one file, three names' >links/a/first
ln links/a/first links/b/second
ln links/a/first links/c/third
ln -s ../nowhere/at-all links/a/dangling
ln -P links/a/dangling links/b/dangling-again
ln -s 'target with spaces' links/a/spaces
ln -s "$(printf 'long-target-%.0s' {1..14})end" links/a/long-target
ln -s "/$(printf 'very-long-target-component/%.0s' {1..30})end" links/a/very-long-target
ln -s . links/itself
ln -s ../empty links/directory
: >links/a/empty-with-two-names
ln links/a/empty-with-two-names links/b/empty-with-two-names

# Special files.
mkdir special
mknod special/null c 1 3
mknod special/block b 7 200
mknod special/large-numbers c 511 70000
mkfifo special/fifo
ln special/fifo special/fifo-again
ln special/null special/null-again
chmod 666 special/null
chmod 640 special/block
chown 0:6 special/block

# Names.
echo a >'names/with spaces  two'
echo b >$'names/with\nnewline'
echo c >names/-leading-dash
echo d >$'names/not-utf8-\xff\xfe'
echo e >$'names/gr\xc3\xbc\xc3\x9fe-\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e'
echo f >'names/back\slash\n'
echo g >'names/glob*?[a-z]{x,y}'
echo h >"names/quote'\"\`"
echo i >'names/ leading and trailing '
# shellcheck disable=SC2016 # a name with a dollar, not a variable
echo j >'names/$HOME;&|<>#%=,:'
echo k >$'names/tab\tand\rreturn\x1b[31m'
echo l >names/...
echo m >names/~
mkdir $'names/directory\nwith newline'
echo n >$'names/directory\nwith newline/file'
ln -s $'target\nwith newline' $'names/link\nwith newline'
long=$(printf 'n%.0s' {1..240})
echo o >"names/$long"
echo p >"names/$long-255-bytes"
ln "names/$long" "names/hard-link-of-$(printf 'm%.0s' {1..200})"
deep=names/deep
for number in {1..20}; do deep=$deep/$(printf 'directory-number-%02d-of-a-deep-path-aaaaaaaa' "$number"); done
mkdir -p "$deep"
echo q >"$deep/file-at-the-end"
ln -s file-at-the-end "$deep/link"
ln "$deep/file-at-the-end" links/c/far-away

# Sparse files: data at the beginning, in the middle, at the end; one without any data.
truncate -s 64M sparse/middle
printf 'data in the middle' | dd of=sparse/middle bs=1M seek=32 conv=notrunc status=none
truncate -s 16M sparse/nothing
printf 'begin' >sparse/both-ends
truncate -s 24M sparse/both-ends
printf 'end' >>sparse/both-ends
: >empty/zero-length

# Extended attributes: capabilities, ACLs, a label, binary user attributes.
for name in capability capability-of-many acl label user no-attributes; do echo "$name" >"xattrs/$name"; done
chmod 755 xattrs/capability xattrs/capability-of-many
setcap cap_net_raw+ep xattrs/capability
setcap cap_setuid,cap_setgid,cap_sys_admin+eip xattrs/capability-of-many
if [[ -x $root/usr/bin/ping ]]; then
    cp "$root/usr/bin/ping" xattrs/ping
    setcap cap_net_raw+ep xattrs/ping
fi
setfacl -m u:4000000000:rw-,g:100:r--,m::rw- xattrs/acl
mkdir xattrs/acl-directory
setfacl -m u:1000:rwx xattrs/acl-directory
setfacl -d -m u:1000:rwx,g:100:r-x,o::--- xattrs/acl-directory
setfattr -n security.selinux -v 0x73797374656d5f753a6f626a6563745f723a6574635f743a733000 xattrs/label
setfattr -n user.text -v 'plain text' xattrs/user
setfattr -n user.binary -v 0x00010a3d0d22ff00fe80 xattrs/user
setfattr -n user.empty xattrs/user
setfattr -n 'user.name with = and spaces' -v 0x3d0a3d xattrs/user
setfattr -n user.on-a-directory -v 0xff0a00 xattrs/acl-directory

# Times, deepest first: entries change the time of their directory.
mkdir times
: >times/after-2038
: >times/nanoseconds
find . -depth -exec touch --no-dereference --date=@1700000000 {} +
touch --date=@2500000000 times/after-2038
touch --date=@1700000001.123456789 times/nanoseconds
touch --date=@1700000000 times

if (($# > 1)); then
    kernel=$2 machine=$3
    cd "$root/boot"
    echo 'not a kernel: a decoy that a conversion must not choose' >"vmlinuz-0-rescue-$machine"
    echo 'not an initrd: a decoy that a conversion must not choose' >"initramfs-0-rescue-$machine.img"
    echo 'not an initrd: a decoy that a conversion must not choose' >"initramfs-${kernel}kdump.img"
    chmod 600 "initramfs-0-rescue-$machine.img" "initramfs-${kernel}kdump.img"
fi
