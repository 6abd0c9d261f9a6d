/**
 * POSIX ACLs in one form, whatever they were read from: text as acl_to_text(3) writes it, with numbers for names, or the attributes
 * `system.posix_acl_access` and `system.posix_acl_default` (linux/posix_acl_xattr.h).
 */

const VERSION = 2;
const TAGS: Readonly<Record<number, string>> = {
  0x01: 'user',
  0x02: 'user',
  0x04: 'group',
  0x08: 'group',
  0x10: 'mask',
  0x20: 'other',
};
const ENTRY_BYTES = 8;
const NAMED = new Set([0x02, 0x08]);

/** An attribute's value as text; its bytes in hexadecimal digits where they are no ACL. */
export function decodeAcl(value: Buffer): string {
  const entries = readEntries(value);
  return entries === undefined ? value.toString('hex') : canonicalAcl(entries.join(','));
}

/** An attribute's value as GNU tar keeps an ACL: numbers, one entry a line; undefined where it is no ACL. */
export function formatAcl(value: Buffer): string | undefined {
  return readEntries(value)
    ?.map((entry) => `${entry}\n`)
    .join('');
}

function readEntries(value: Buffer): string[] | undefined {
  const count = (value.length - 4) / ENTRY_BYTES;
  if (value.length < 4 || !Number.isInteger(count) || value.readUInt32LE(0) !== VERSION) return undefined;
  return Array.from({ length: count }, (_, index) => {
    const at = 4 + index * ENTRY_BYTES;
    const [tag, bits] = [value.readUInt16LE(at), value.readUInt16LE(at + 2)];
    const permissions = ['r', 'w', 'x'].map((letter, bit) => ((bits >> (2 - bit)) & 1 ? letter : '-')).join('');
    const id = NAMED.has(tag) ? String(value.readUInt32LE(at + 4)) : '';
    return `${TAGS[tag] ?? `0x${tag.toString(16)}`}:${id}:${permissions}`;
  });
}

/** The entries of an ACL in text, sorted, without comments; `,` between them. */
export function canonicalAcl(text: string): string {
  return text
    .split(/[\n,]/)
    .map((line) => line.replace(/[#\t ].*$/s, ''))
    .filter((entry) => entry !== '')
    .sort()
    .join(',');
}

/** Whether an access ACL says more than the permission bits do. */
export function saysMoreThanMode(canonical: string): boolean {
  return canonical.split(',').some((entry) => /^mask:|^(?:user|group):[^:]/.test(entry));
}
