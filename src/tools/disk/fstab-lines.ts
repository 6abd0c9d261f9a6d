export interface FstabLine {
  readonly device: string;
  /** Absolute, without `..` or a trailing slash. */
  readonly mountPoint: string;
  readonly type: string;
  /** Of btrfs: `subvol=`. */
  readonly subvolume: string | undefined;
  /** `nofail` or `noauto`: a system starts without it. */
  readonly isOptional: boolean;
}

/** What an fstab(5) mounts into the tree, in the order in which it can be mounted. */
export function parseFstab(text: string): FstabLine[] {
  return text
    .split('\n')
    .flatMap((line): FstabLine[] => {
      const [device = '', place = '', type = '', options = ''] = line.trim().split(/\s+/).map(unescapeField);
      if (device === '' || device.startsWith('#') || !place.startsWith('/')) return [];
      const components = place.split('/').filter((component) => component !== '' && component !== '.');
      if (components.includes('..') || /[,\0]/.test(options.match(/subvol=([^,]*)/)?.[1] ?? '')) return [];
      const list = options.split(',');
      const subvolume = list.find((option) => option.startsWith('subvol='))?.slice('subvol='.length);
      return [
        {
          device: device.replace(/^(\w+=)"(.*)"$/, '$1$2'),
          mountPoint: `/${components.join('/')}`,
          type,
          subvolume,
          isOptional: list.includes('nofail') || list.includes('noauto'),
        },
      ];
    })
    .sort((one, other) => depth(one) - depth(other));
}

/** Spaces, tabs, newlines and backslashes are written in octal (getmntent(3)). */
function unescapeField(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

function depth({ mountPoint }: FstabLine): number {
  return mountPoint === '/' ? 0 : mountPoint.split('/').length - 1;
}
