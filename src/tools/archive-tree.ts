import { GUEST_RECORD_SCRIPT } from './guest-record-script.js';

/**
 * One walk through a mounted tree, and then its archive, as one stream: five lists, each preceded by its length in 20 digits and a newline,
 * then a tar archive whose entries are sorted by the bytes of their names, a directory before what is in it.
 *
 * The lists come first because a newc archive has to state a file's link count before its other names are seen, because tar keeps no hard
 * links of fifos and devices, and because the time of a directory depends on what will be taken out of it.
 *
 * The same text runs in the libguestfs appliance and on the host: /bin/sh, GNU find and GNU tar. Its one argument is the tree.
 */
export const ARCHIVE_TREE_SCRIPT = `set -eu
export LC_ALL=C
cd "$1"
lists=$(mktemp -d)
trap 'rm -rf "$lists"' EXIT
: >"$lists/3"
find . -fprintf "$lists/0" '%y %P\\0' \\
  '(' ! -type d -links +1 -fprintf "$lists/1" '%n %P\\0' '(' -type p -o -type b -o -type c ')' -fprintf "$lists/2" '%D:%i %P\\0' ')'
if [ -f var/lib/iso2rootfs/token ] && [ ! -L var/lib/iso2rootfs/token ]; then
  find ./var/lib/iso2rootfs/token -maxdepth 0 -printf '%T@' >"$lists/3"
fi
{
${GUEST_RECORD_SCRIPT}} | gzip -1n >"$lists/4"
for list in 0 1 2 3 4; do
  printf '%020d\\n' "$(stat -c %s "$lists/$list")"
  cat "$lists/$list"
done
tar --create --file=- --blocking-factor=2048 --format=posix --sort=name --numeric-owner \\
  --xattrs '--xattrs-include=*' --selinux --acls .
`;

export const ARCHIVE_LISTS = ['names', 'census', 'specials', 'end', 'record'] as const;
