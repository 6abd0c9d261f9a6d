import { Iso2RootfsError } from '../errors.js';
import type { InstalledPackage } from './types.js';

/** What rpm's tags say of a package; undefined where it has no such tag. */
export interface RpmTags {
  readonly name?: string | undefined;
  readonly epoch?: string | undefined;
  readonly version?: string | undefined;
  readonly release?: string | undefined;
  readonly arch?: string | undefined;
  readonly source?: string | undefined;
  readonly license?: string | undefined;
  readonly vendor?: string | undefined;
  readonly size?: string | undefined;
}

/** Not a package: the key of a publisher, which rpm keeps among them. */
const PUBLIC_KEY = 'gpg-pubkey';

/**
 * @returns nothing for the key of a publisher
 * @throws Iso2RootfsError INTEGRITY for what has no name or version
 */
export function packageOf(tags: RpmTags): InstalledPackage[] {
  const { name = '', epoch, version = '', release = '', arch = '', source, license, vendor, size } = tags;
  if (name === '' || version === '') {
    throw new Iso2RootfsError('INTEGRITY', 'the rpm database of the system is damaged: it lists what is no package');
  }
  if (name === PUBLIC_KEY) return [];
  const hasEpoch = epoch !== undefined && /^\d+$/.test(epoch);
  return [
    {
      name,
      version: `${hasEpoch ? `${epoch}:` : ''}${version}-${release}`,
      ...(hasEpoch ? { epoch: Number(epoch) } : {}),
      release,
      arch: arch === '' ? 'noarch' : arch,
      ...(source === undefined ? {} : { source }),
      ...(license === undefined ? {} : { license }),
      ...(vendor === undefined ? {} : { vendor }),
      ...(size !== undefined && /^\d+$/.test(size) ? { installedBytes: Number(size) } : {}),
    },
  ];
}
