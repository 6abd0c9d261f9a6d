import { Iso2RootfsError } from '../../errors.js';
import type { DistroId } from '../types.js';

/** Kickstart syntax versions, named as pykickstart names them. */
export type KickstartDialect =
  'RHEL7' | 'RHEL8' | 'RHEL9' | 'RHEL10' | 'F29' | 'F33' | 'F36' | 'F38' | 'F40' | 'F41' | 'F42' | 'F43' | 'F44';

const FEDORA_DIALECTS: readonly KickstartDialect[] = ['F29', 'F33', 'F36', 'F38', 'F40', 'F41', 'F42', 'F43', 'F44'];

/**
 * The kickstart syntax that the installer of a release reads.
 *
 * openEuler: 20.03-LTS ships anaconda 29; its service packs and 22.03-LTS ship 33; 22.03-LTS-SP1 and later 36 (from the
 * packaging repository, up to 22.03-LTS-SP2; later ones and 24.03 are taken to follow). Anolis 23 and Kylin are guesses.
 * @throws Iso2RootfsError UNSUPPORTED_DISTRO
 */
export function kickstartDialect(distro: DistroId, release: string): KickstartDialect {
  const major = Number.parseInt(release, 10);
  switch (distro) {
    case 'openeuler':
      if (release === '20.03-lts') return 'F29';
      if (release.startsWith('20.') || release === '22.03-lts') return 'F33';
      if (release.startsWith('21.')) return 'F33';
      return release.startsWith('22.') ? 'F36' : 'F40';
    case 'fedora':
      return FEDORA_DIALECTS.findLast((dialect) => Number(dialect.slice(1)) <= major) ?? unsupported(distro, release);
    case 'anolis':
      if (major === 7) return 'RHEL7';
      return major === 8 ? 'RHEL8' : 'F38';
    case 'kylin':
      return 'RHEL8';
    case 'centos':
    case 'centos-stream':
    case 'rocky':
    case 'almalinux':
    case 'rhel':
    case 'oracle':
      switch (major) {
        case 7:
          return 'RHEL7';
        case 8:
          return 'RHEL8';
        case 9:
          return 'RHEL9';
        case 10:
          return 'RHEL10';
        default:
          return unsupported(distro, release);
      }
    case 'debian':
    case 'ubuntu':
    case 'opensuse-leap':
      return unsupported(distro, release);
  }
}

function unsupported(distro: DistroId, release: string): never {
  throw new Iso2RootfsError('UNSUPPORTED_DISTRO', `No kickstart can be written for ${distro} ${release}`, {
    hint: "Give an answer file of your own with '--answer-file'.",
  });
}
