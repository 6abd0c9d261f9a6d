#!/bin/sh
# mmdebstrap customize hook, run before the root $1 is cleaned: puts the .deb files of every optional package of comps.txt, with those of its
# dependencies that the base lacks, into $OPTIONAL_DIR, and a line "NAME DEB..." per package into $OPTIONAL_DIR/index.
set -eu
: "${OPTIONAL_DIR:?}" "${COMPS:?}" "${MMDEBSTRAP_APT_CONFIG:?}"
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
cd "$OPTIONAL_DIR"
: >index
while read -r kind name package _; do
    [ "$kind" = optional ] || continue
    needed=$(apt-get --simulate --no-install-recommends install "$package" | awk '$1 == "Inst" { print $2 }')
    files=''
    for each in $needed; do
        apt-get --quiet=2 download "$each" >&2
        file=$(find . -maxdepth 1 -name "${each}_*.deb" -printf '%f\n' | sort | tail -n 1)
        files="$files $file"
    done
    echo "$name$files" >>index
done <"$COMPS"
