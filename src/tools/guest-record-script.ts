/** First record of a guest record; see compare/guest-record.ts, which reads what this writes. */
export const GUEST_RECORD_HEADER = 'iso2rootfs guest record 1';

/**
 * Commands for /bin/sh that write the record of the tree in the current directory: what its file system says of every name, by another way
 * than an archiver's. Content is not read.
 */
export const GUEST_RECORD_SCRIPT = `printf '${GUEST_RECORD_HEADER}\\0'
if command -v getfattr >/dev/null 2>&1; then
  printf 'X\\0'
  getfattr --recursive --physical --dump --no-dereference --match=- --encoding=hex . 2>/dev/null || :
  printf '\\0'
else
  printf 'N\\0'
fi
find . '(' -type b -o -type c ')' -exec stat --printf 'D %t %T %n\\0' '{}' +
find . -printf 'E %y %m %U %G %s %T@ %n %D:%i %P\\0%l\\0'
printf 'Z\\0'
`;
