/** What of an installed system's tables of devices has no place on a machine without disks. */
const BLOCK_DEVICE = /^(?:\/dev\/|UUID=|LABEL=|PARTUUID=|PARTLABEL=|ID=|"(?:UUID|LABEL|PARTUUID|PARTLABEL)=)/i;

/**
 * Comments out the lines of a table that mount block devices or swap, or decrypt block devices; everything else stays byte for byte.
 * @param table text of /etc/fstab or /etc/crypttab, its bytes as latin1
 * @param original path of the copy that keeps the original
 */
export function withoutBlockDevices(table: string, original = 'etc/fstab.installed'): string {
  const isCrypttab = original.includes('crypttab');
  const lines = table.split('\n').map((line) => {
    const [first = '', second = '', type] = line.trim().split(/\s+/);
    if (first === '' || first.startsWith('#')) return line;
    const isForDisks = isCrypttab ? BLOCK_DEVICE.test(second) : BLOCK_DEVICE.test(first) || type === 'swap';
    return isForDisks ? `#${line}` : line;
  });
  const changed = lines.join('\n');
  const name = original.slice(original.lastIndexOf('/') + 1);
  const note = `# Commented out by iso2rootfs: a diskless machine has no block devices. The original is in ${name}.\n`;
  return changed === table ? table : note + changed;
}
