/** What of an installed system's fstab has no place on a machine without disks. */
const BLOCK_DEVICE = /^(?:\/dev\/|UUID=|LABEL=|PARTUUID=|PARTLABEL=|ID=|"(?:UUID|LABEL|PARTUUID|PARTLABEL)=)/i;

const NOTE =
  '# Commented out by iso2rootfs: a diskless machine has no block devices. The original is in fstab.installed.\n';

/**
 * Comments out the lines of an fstab that mount block devices or swap; everything else stays byte for byte.
 * @param fstab text, its bytes as latin1
 */
export function withoutBlockDevices(fstab: string): string {
  const lines = fstab.split('\n').map((line) => {
    const fields = line.trim().split(/\s+/);
    const [device, , type] = fields;
    if (device === undefined || device === '' || device.startsWith('#')) return line;
    if (!BLOCK_DEVICE.test(device) && type !== 'swap') return line;
    return `#${line}`;
  });
  const changed = lines.join('\n');
  return changed === fstab ? fstab : NOTE + changed;
}
