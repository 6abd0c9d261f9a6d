import type { Arch } from '../../media/types.js';
import type { DistroId } from '../types.js';
import type { Repository } from './model.js';

export interface NetworkRepositories {
  readonly main: Repository;
  readonly extra: readonly { readonly name: string; readonly url: string }[];
}

/** Fedora moves a release to its archive some weeks after the end of its life (42: 2026-05-13). */
const LAST_ARCHIVED_FEDORA = 42;

/**
 * Public package repositories for media that carry no packages. Sources: the projects' own mirror layouts.
 * Undefined where none is public or none is known: the user has to name one.
 */
export function networkRepositories(distro: DistroId, release: string, arch: Arch): NetworkRepositories | undefined {
  const major = Number.parseInt(release, 10);
  switch (distro) {
    case 'openeuler':
      return single(`https://repo.openeuler.org/openEuler-${release.toUpperCase()}/OS/${arch}/`);
    case 'centos':
      if (major === 7) {
        const tree = arch === 'x86_64' ? '7.9.2009' : 'altarch/7.9.2009';
        return single(`http://vault.centos.org/${tree}/os/${arch}/`);
      }
      return major === 8 ? withAppStream('http://vault.centos.org/8.5.2111', arch) : undefined;
    case 'centos-stream':
      return major === 8
        ? withAppStream('http://vault.centos.org/8-stream', arch)
        : withAppStream(`https://mirror.stream.centos.org/${major}-stream`, arch);
    case 'rocky':
      return withAppStream(`https://download.rockylinux.org/pub/rocky/${major}`, arch);
    case 'almalinux':
      return withAppStream(`https://repo.almalinux.org/almalinux/${major}`, arch);
    case 'fedora': {
      const tree =
        major <= LAST_ARCHIVED_FEDORA
          ? 'https://archives.fedoraproject.org/pub/archive/fedora/linux'
          : 'https://download.fedoraproject.org/pub/fedora/linux';
      return single(`${tree}/releases/${major}/Everything/${arch}/os/`);
    }
    case 'debian':
      return single('http://deb.debian.org/debian');
    case 'ubuntu':
      return single(arch === 'x86_64' ? 'http://archive.ubuntu.com/ubuntu' : 'http://ports.ubuntu.com/ubuntu-ports');
    case 'opensuse-leap':
      return single(`http://download.opensuse.org/distribution/leap/${release}/repo/oss/`);
    case 'rhel':
    case 'oracle':
    case 'anolis':
    case 'kylin':
      return undefined;
  }
}

function single(url: string): NetworkRepositories {
  return { main: { url, kind: 'url' }, extra: [] };
}

function withAppStream(tree: string, arch: Arch): NetworkRepositories {
  return {
    main: { url: `${tree}/BaseOS/${arch}/os/`, kind: 'url' },
    extra: [{ name: 'AppStream', url: `${tree}/AppStream/${arch}/os/` }],
  };
}
