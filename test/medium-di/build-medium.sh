#!/bin/bash
# Puts the genuine kernel and netboot initrd of Debian 12's installer on a small CD-style medium: see README.md beside this file.
set -euo pipefail
shopt -s inherit_errexit

usage() {
    cat <<'TEXT'
Usage: build-medium.sh --output FILE.iso [--arch amd64|arm64] [--deb FILE.deb]

  --output FILE   the ISO to write (replaced atomically)
  --arch ARCH     amd64 (default) or arm64
  --deb FILE      the package debian-installer-12-netboot-ARCH (default: the files of the installed package, else it is
                  downloaded by apt-get)

Needs no root. Exit status 69: this machine's repositories do not have the package. Programs: xorriso, dpkg-deb, and apt-get where the package is neither installed nor given.
TEXT
}

fail() {
    echo "build-medium: $1" >&2
    exit "${2:-1}"
}

output='' deb='' arch=amd64
while (($#)); do
    case $1 in
        --output | --deb | --arch)
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
case $arch in
    amd64) directory=install.amd ;;
    arm64) directory=install.a64 ;;
    *) fail "unknown architecture $arch (see --help)" 64 ;;
esac
[[ -z $deb || -r $deb ]] || fail "$deb cannot be read" 66
for tool in xorriso dpkg-deb; do
    command -v "$tool" >/dev/null || fail "$tool is missing" 72
done

umask 022
export LC_ALL=C.UTF-8 TZ=UTC
package=debian-installer-12-netboot-$arch
images=usr/lib/debian-installer/images/12/$arch/text
mkdir -p "$(dirname "$output")"
output=$(cd "$(dirname "$output")" && pwd)/$(basename "$output")
[[ -z $deb ]] || deb=$(realpath "$deb")
stage=$(mktemp -d)
new=$(mktemp "$output.XXXXXX")
trap 'rm -rf "$stage" "$new"' EXIT

root=
if [[ -n $deb || ! -r /$images/version.info ]]; then
    if [[ -z $deb ]]; then
        [[ $(apt-cache policy "$package" 2>/dev/null) =~ Candidate:\ [^\(] ]] ||
            fail "no package list of this machine has $package (it is in Debian 12)" 69
        # apt downloads into the current directory, which its own user need not be able to write.
        (cd "$stage" && apt-get -q download -o APT::Sandbox::User=root "$package") >&2 ||
            fail "apt-get cannot download $package (are the package lists current?)"
        deb=$(echo "$stage/$package"_*.deb)
    fi
    root=$stage/package
    dpkg-deb -x "$deb" "$root"
fi
source=$root/$images
[[ -r $source/version.info ]] || fail "$package holds no $images: has its layout changed?"
build=$(sed -n 's/^Installer build: //p' "$source/version.info")
# The installer of point release 12.N is build 20230607+deb12uN or one a little later; the first had no suffix.
point=0
[[ ! $build =~ \+deb12u([0-9]+) ]] || point=${BASH_REMATCH[1]}
version=12.$point.0

tree=$stage/tree
mkdir -p "$tree/.disk" "$tree/$directory" "$tree/dists/bookworm"
cp "$source/debian-installer/$arch/linux" "$tree/$directory/vmlinuz"
cp "$source/debian-installer/$arch/initrd.gz" "$tree/$directory/initrd.gz"
echo "Debian GNU/Linux $version \"Bookworm\" - iso2rootfs test $arch NETINST $build" >"$tree/.disk/info"
cat >"$tree/dists/bookworm/Release" <<TEXT
Origin: Debian
Label: Debian
Suite: oldstable
Version: 12.$point
Codename: bookworm
Architectures: $arch
Components: main
Description: Debian 12 - test medium of iso2rootfs without packages
TEXT

xorriso -as mkisofs -quiet -r -J -V "Debian $version $arch n" -o "$new" "$tree" >&2
chmod 0644 "$new"
mv "$new" "$output"
echo "build-medium: $output: Debian $version, installer build $build" >&2
