#!/bin/bash
# Builds the stand-in install medium: see README.md beside this file. What is expensive (two Debian roots) is kept in the work directory under
# a hash of what it was made from; packing the ISO again for another release or failure mode takes a second or two.
set -euo pipefail
shopt -s inherit_errexit

usage() {
    cat <<'TEXT'
Usage: build-medium.sh --output FILE.iso [--family anaconda|debian] [--release NAME] [--initrd initramfs-tools|dracut] [--arch x86_64]
                       [--failure MODE] [--work DIR] [--mirror URI]

  --output FILE    the ISO to write (replaced atomically)
  --family NAME    anaconda: like an openEuler DVD (default); debian: like a Debian DVD
  --release NAME   release that the medium claims to carry (default: openEuler 22.03-LTS, Debian 12.12.0; of Debian only 12 and its point releases)
  --initrd NAME    what makes the initrd of the installed system: initramfs-tools (default); dracut, as on RPM systems (family anaconda only)
  --arch NAME      x86_64; nothing else is implemented
  --failure MODE   make the installer fail on purpose: ask, error, traceback, poweroff, panic, silent, post-fail, dracut, slow[:SECONDS],
                   oom[:MIB], no-token (README.md says what each does and which family has it; default: none)
  --work DIR       cache (default: $XDG_CACHE_HOME/iso2rootfs-medium or ~/.cache/iso2rootfs-medium)
  --mirror URI     Debian mirror (default: what this machine's apt sources say)

Needs root. Packages: README.md.
TEXT
}

fail() {
    echo "build-medium: $1" >&2
    exit "${2:-1}"
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
output='' family=anaconda release='' initrd=initramfs-tools arch=x86_64 failure=none mirror=''
work=${XDG_CACHE_HOME:-$HOME/.cache}/iso2rootfs-medium
while (($#)); do
    case $1 in
        --output | --family | --release | --initrd | --arch | --failure | --work | --mirror)
            [[ $# -ge 2 ]] || fail "$1 needs a value" 64
            declare "${1#--}=$2"
            shift 2
            ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) fail "unknown option $1 (see --help)" 64 ;;
    esac
done
[[ -n $output ]] || fail '--output is required (see --help)' 64
[[ $arch == x86_64 ]] || fail "architecture $arch is not implemented, only x86_64" 64
case $family in
    anaconda)
        release=${release:-22.03-LTS}
        [[ $release =~ ^[0-9A-Za-z.-]{1,16}$ ]] || fail "release $release cannot be part of a volume id" 64
        ;;
    debian)
        release=${release:-12}
        [[ $release != 12 ]] || release=12.12.0
        [[ $release =~ ^12\.[0-9]{1,2}\.0$ ]] || fail "release $release is none of Debian 12 (12 or 12.N.0)" 64
        ;;
    *) fail "unknown family $family (see --help)" 64 ;;
esac
case $family:$initrd in
    *:initramfs-tools | anaconda:dracut) ;;
    debian:dracut) fail 'a medium of the family debian installs initramfs-tools' 64 ;;
    *) fail "unknown maker of initrds $initrd (see --help)" 64 ;;
esac
case $family:$failure in
    debian:none | debian:ask | debian:error | debian:poweroff | debian:panic | debian:silent | debian:post-fail | debian:no-token) ;;
    debian:*) fail "a medium of the family debian has no failure mode $failure (see README.md)" 64 ;;
    anaconda:none | anaconda:ask | anaconda:error | anaconda:traceback | anaconda:poweroff | anaconda:panic | anaconda:silent) ;;
    anaconda:post-fail | anaconda:dracut | anaconda:slow | anaconda:slow:[0-9]* | anaconda:oom | anaconda:oom:[0-9]* | anaconda:no-token) ;;
    *) fail "unknown failure mode $failure (see --help)" 64 ;;
esac
((EUID == 0)) || fail 'must run as root: it makes Debian roots with device nodes and foreign owners' 77
for tool in mmdebstrap mksquashfs xorriso cpio zstd depmod apt-get dpkg-deb flock; do
    command -v "$tool" >/dev/null || fail "$tool is missing (README.md lists the packages)" 69
done

umask 022
export LC_ALL=C.UTF-8 TZ=UTC DEBIAN_FRONTEND=noninteractive
codename=bookworm
mkdir -p "$work" "$(dirname "$output")"
output=$(realpath -m "$output")
exec 9>"$work/lock"
flock 9

# What a killed run left; whoever works holds the lock.
rm -rf --one-file-system "$work"/tmp.*
temporary=$(mktemp -d "$work/tmp.XXXXXXXX")
trap 'rm -rf "$temporary" "$output.tmp.$$"' EXIT

say() { echo "build-medium: $*" >&2; }

# quietly COMMAND...: what it says is shown only if it fails
quietly() {
    "$@" >"$temporary/output" 2>&1 || {
        tail -n 40 "$temporary/output" >&2
        fail "$1 failed"
    }
}

# The lines of this machine's apt sources that belong to the Debian release that we build from, one-line style, whatever style they have here.
sources=$temporary/sources.list
if [[ -n $mirror ]]; then
    echo "deb $mirror $codename main" >"$sources"
else
    list_sources() {
        # shellcheck disable=SC2016 # the dollars are apt's
        apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
            awk -v codename="$codename" 'index($2, codename) == 1 && $3 == "main" { print "deb", $1, $2, $3 }' | sort -u
    }
    list_sources >"$sources"
    # apt tells nothing of sources that it has no lists of.
    [[ -s $sources ]] || { quietly apt-get update && list_sources >"$sources"; }
fi
[[ -s $sources ]] || fail "no apt source for Debian $codename on this machine: give one with --mirror URI" 69
# How this machine reaches its mirror (proxies, clock tolerance) holds for the roots too.
apt-config dump Acquire | grep -E '^Acquire::([a-z]+::Proxy|Check-(Valid-Until|Date)|Retries) ' >"$temporary/acquire.conf" || true

# key_of NAME...: a hash of files and directories of this directory and of what the roots are made from
key_of() {
    {
        echo "format 1 $codename $arch"
        grep -hE '^[^#]' "$sources"
        (cd "$here" && find "$@" -type f -print0 | sort -z | xargs -0 sha256sum)
    } | sha256sum | cut -c1-16
}

# keep KIND KEY: $temporary/KIND becomes the cache entry KIND-KEY; of older ones of its kind the youngest stays
keep() {
    mv "$temporary/$1" "$work/$1-$2"
    local old
    find "$work" -maxdepth 1 -type d -name "$1-*" -printf '%T@ %p\n' | sort -rn | tail -n +3 | cut -d' ' -f2- |
        while IFS= read -r old; do rm -rf "$old"; done
}

# The system that gets installed: one tar, the optional packages, and lists of what is in it.
build_payload() {
    local root=$temporary/root target=$temporary/payload packages=("$here/rootfs/packages.txt") customize=("$here/rootfs/customize.sh")
    local left_out='^(#|$)' epoch kernel image
    if [[ $initrd == dracut ]]; then
        packages+=("$here/rootfs-dracut/packages.txt")
        left_out='^(#|$|initramfs-tools$)'
        customize=("$here/rootfs-dracut/before.sh" "${customize[@]}" "$here/rootfs-dracut/customize.sh")
    fi
    mkdir -p "$target/optional"
    say 'making the root filesystem that the medium installs (a minute or two)'
    export OPTIONAL_DIR=$target/optional COMPS=$here/rootfs/comps.txt
    quietly mmdebstrap --mode=root --variant=minbase --format=directory \
        --aptopt="$temporary/acquire.conf" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --include="$(grep -hvE "$left_out" "${packages[@]}" | paste -sd, -)" \
        --customize-hook="$here/rootfs/download-optional.sh" "${customize[@]/#/--customize-hook=}" \
        "$codename" "$root" "$sources"
    rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
    # shellcheck disable=SC2016 # these dollars are dpkg-query's
    chroot "$root" dpkg-query -W -f='${Package} ${Architecture}\n' |
        sed -e 's/ amd64$/.x86_64/' -e 's/ all$/.noarch/' | sort >"$target/packages.list"
    kernel=$(basename "$(find "$root/boot" -maxdepth 1 -name 'vmlinuz-*' | sort -V | tail -n 1)")
    echo "${kernel#vmlinuz-}" >"$target/kernel.version"
    image=initrd.img-${kernel#vmlinuz-}
    [[ $initrd != dracut ]] || image=initramfs-${kernel#vmlinuz-}.img
    [[ -s $root/boot/$image ]] || fail 'the Debian root has no initrd for its kernel'
    # Nothing younger than the youngest packaged file: the same packages give the same tar.
    epoch=$(find "$root/usr/share/doc" -type f -printf '%T@\n' | sort -n | tail -n 1 | cut -d. -f1)
    tar --directory "$root" --create --file - --format=posix --pax-option=delete=atime,delete=ctime --sort=name --numeric-owner \
        --xattrs --xattrs-include='*' --acls --clamp-mtime --mtime="@$epoch" . | tee >(wc -c >"$target/base.bytes") |
        zstd --quiet -T0 -12 -o "$target/base.tar.zst"
    du --apparent-size --block-size=1M --summarize "$root" | cut -f1 >"$target/base.mib"
    find "$root" -xdev | wc -l >"$target/base.entries"
    rm -rf "$root"
    keep payload "$1"
}

# The tools that the installer runs with: what Anaconda's stage2 has in the way of a userland.
build_tools() {
    local target=$temporary/tools
    mkdir -p "$target"
    say "making the installer's own root filesystem"
    quietly mmdebstrap --mode=root --variant=essential --format=tar --aptopt="$temporary/acquire.conf" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include="$(grep -vE '^(#|$)' "$here/installer/packages.txt" | paste -sd, -)" \
        "$codename" "$target/tools.tar" "$sources"
    # The generic kernel, not the cloud one of the installed system: virt-install may put the CD drive on AHCI, which the cloud kernel lacks.
    local apt=$temporary/apt package
    mkdir -p "$apt"/{lists/partial,archives/partial}
    local options=(-q=2 -c "$temporary/acquire.conf" -o "Dir::Etc::SourceList=$sources" -o 'Dir::Etc::SourceParts=/dev/null'
        -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt" -o 'APT::Sandbox::User=root')
    quietly apt-get "${options[@]}" update
    package=$(apt-cache "${options[@]}" depends linux-image-amd64 | awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }')
    (cd "$apt" && apt-get "${options[@]}" download "$package") >&2
    mv "$apt/${package}"_*.deb "$target/kernel.deb"
    keep tools "$1"
}

# images/install.img and the pxeboot pair.
build_installer() {
    local tools=$1 root=$temporary/root target=$temporary/installer kernel=$temporary/kernel version module path
    mkdir -p "$root" "$target"
    say 'packing the installer'
    tar --directory "$root" --extract --file "$tools/tools.tar" --numeric-owner
    mkdir -p "$root"/{run,mnt,tmp,proc,sys,dev} "$root/usr/libexec/standin"
    cp "$here"/installer/{init,anaconda.pl,debian-installer.pl,in-target,odd-entries.sh} "$here"/installer/*.pm "$root/usr/libexec/standin/"
    chmod 755 "$root"/usr/libexec/standin/{init,anaconda.pl,debian-installer.pl,in-target,odd-entries.sh}
    rm -rf "$root"/var/cache/apt "$root"/var/lib/apt "$root"/usr/share/{doc,man,locale,info,bash-completion,zsh}
    mksquashfs "$root" "$target/install.img" -quiet -no-progress -comp zstd -Xcompression-level 12 -noappend >&2
    cp "$root/bin/busybox" "$temporary/busybox"
    rm -rf "$root"

    dpkg-deb --extract "$tools/kernel.deb" "$kernel"
    version=$(basename "$(find "$kernel/lib/modules" -mindepth 1 -maxdepth 1)")
    cp "$kernel/boot/vmlinuz-$version" "$target/vmlinuz"
    mkdir -p "$root"/{bin,proc,sys,dev,run,sysroot} "$root/lib/modules/$version"
    cp "$temporary/busybox" "$root/bin/busybox"
    cp "$here/initrd/init" "$root/init"
    chmod 755 "$root/init"
    # Each module with those that it depends on, at the paths that modprobe expects.
    depmod --basedir "$kernel" "$version"
    grep -vE '^(#|$)' "$here/initrd/modules.txt" | while read -r module; do
        modprobe --dirname "$kernel" --set-version "$version" --show-depends --ignore-install "$module" | awk '$1 == "insmod" { print $2 }'
    done | sort -u | while IFS= read -r path; do
        path=${path#"$kernel/"}
        mkdir -p "$root/$(dirname "$path")"
        cp "$kernel/$path" "$root/$path"
    done
    cp "$kernel/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$version/"
    depmod --basedir "$root" "$version"
    grep -vE '^(#|$)' "$here/initrd/modules.txt" >"$root/lib/modules/load"
    (cd "$root" && find . -print0 | sort -z | cpio --quiet --null --create --format=newc --owner=0:0 --reproducible) |
        gzip -9n >"$target/initrd.img"
    rm -rf "$root" "$kernel"
    keep installer "$2"
}

payload_parts=(rootfs)
[[ $initrd != dracut ]] || payload_parts+=(rootfs-dracut)
payload_key=$(key_of "${payload_parts[@]}")
[[ -d $work/payload-$payload_key ]] || build_payload "$payload_key"
tools_key=$(key_of installer/packages.txt)
[[ -d $work/tools-$tools_key ]] || build_tools "$tools_key"
installer_key=$(key_of installer initrd build-medium.sh)
[[ -d $work/installer-$installer_key ]] || build_installer "$work/tools-$tools_key" "$installer_key"
payload=$work/payload-$payload_key
installer=$work/installer-$installer_key
touch "$payload" "$work/tools-$tools_key" "$installer"

# The medium itself: small files here, large ones grafted in from the cache.
iso=$temporary/iso
put_conf() { printf 'family=%s\nrelease=%s\nfailure=%s\n' "$family" "$1" "$failure" >"$iso/standin.conf"; }

# put_payload DIRECTORY: what the installer unpacks, but for the large file
put_payload() {
    mkdir -p "$1"
    cp "$payload"/{packages.list,kernel.version,base.bytes,base.mib,base.entries} "$1/"
    cp -r "$payload/optional" "$1/optional"
}

# A tree like an openEuler DVD's.
timestamp=1648608142
make_anaconda_tree() {
    volume_id=openEuler-$release-$arch
    boot=images/pxeboot initrd_name=initrd.img image=images/install.img payload_directory=Packages
    mkdir -p "$iso/repodata"
    put_payload "$iso/$payload_directory"
    cp "$here/rootfs/comps.txt" "$iso/Packages/"
    put_conf "openEuler $release"
    cat >"$iso/.treeinfo" <<TEXT
[general]
timestamp = $timestamp.0
family = openEuler
version = $release
name = openEuler-$release
variant = Server
arch = $arch
packagedir = 

[stage2]
mainimage = images/install.img

[images-$arch]
kernel = images/pxeboot/vmlinuz
initrd = images/pxeboot/initrd.img

[images-xen]
kernel = images/pxeboot/vmlinuz
initrd = images/pxeboot/initrd.img

TEXT
    printf '%s\n\n%s\n' "$timestamp.0" "$arch" >"$iso/.discinfo"
    cat >"$iso/README.standin" <<TEXT
A stand-in for an openEuler $release install medium, made from Debian packages for the tests of iso2rootfs. It installs Debian, not openEuler.
TEXT
    # Recognised as a DVD, as openEuler's is, by packages beside the repodata. Nothing reads it.
    printf 'stand-in\n' >"$iso/Packages/openEuler-release-standin.noarch.rpm"
    cat >"$iso/repodata/repomd.xml" <<TEXT
<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo">
  <revision>$timestamp</revision>
</repomd>
TEXT
}

# A tree like a Debian DVD's: recognised by .disk/info and the volume id, and as carrying packages by those in pool/.
make_debian_tree() {
    volume_id="Debian $release amd64 1"
    boot=install.amd initrd_name=initrd.gz image=install.amd/standin.img payload_directory=pool/standin
    mkdir -p "$iso/.disk" "$iso/dists/$codename"
    put_payload "$iso/$payload_directory"
    put_conf "Debian GNU/Linux $release"
    echo "Debian GNU/Linux $release \"Bookworm\" - Unofficial amd64 DVD Binary-1 (stand-in) 20220330-02:42" >"$iso/.disk/info"
    cat >"$iso/README.standin" <<TEXT
A stand-in for a Debian $release install medium, made for the tests of iso2rootfs. It installs Debian, with an installer that is not debian-installer.
TEXT
    cat >"$iso/dists/$codename/Release" <<TEXT
Origin: Debian
Label: Debian
Suite: oldstable
Version: ${release%.0}
Codename: $codename
Date: Wed, 30 Mar 2022 02:42:22 UTC
Architectures: amd64
Components: main
Description: Debian ${release%.0}, a stand-in
TEXT
}

"make_${family}_tree"
find "$iso" -exec touch --no-dereference --date="@$timestamp" {} +
date=$(date --utc --date="@$timestamp" +%Y%m%d%H%M%S00)
export SOURCE_DATE_EPOCH=$timestamp
xorriso -report_about SORRY -as mkisofs -V "$volume_id" -r -J -joliet-long \
    --modification-date="$date" --set_all_file_dates "$date" -o "$output.tmp.$$" -graft-points \
    "/=$iso" \
    "/$image=$installer/install.img" \
    "/$boot/vmlinuz=$installer/vmlinuz" \
    "/$boot/$initrd_name=$installer/initrd.img" \
    "/$payload_directory/base.tar.zst=$payload/base.tar.zst" 2>"$temporary/output" || {
    cat "$temporary/output" >&2
    fail 'xorriso failed' 74
}
mv "$output.tmp.$$" "$output"
echo "$output"
