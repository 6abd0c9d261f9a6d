import { notInstallMedia, quoteUntrusted } from '../not-install-media.js';
import type { IsoNode } from './node.js';
import type { IsoVolume } from './volume.js';

const MAX_SYMLINKS = 16;

/**
 * Finds a path, following symlinks inside the image. Letter case does not matter where plain ISO 9660 names are read.
 * Undefined when it does not exist.
 * @throws Iso2RootfsError NOT_INSTALL_MEDIA when symlinks lead in circles or a directory is damaged.
 */
export async function findNode(volume: IsoVolume, path: string): Promise<IsoNode | undefined> {
  let names = resolveDots(path.split('/'));
  let node = volume.root;
  let symlinks = 0;
  for (let next = names.shift(); next !== undefined; next = names.shift()) {
    if (node.type !== 'directory') return undefined;
    const found = match(volume, await volume.list(node), next);
    if (found === undefined) return undefined;
    if (found.type !== 'symlink') {
      node = found;
      continue;
    }
    symlinks += 1;
    if (symlinks > MAX_SYMLINKS) {
      throw notInstallMedia(
        `the medium has too many symlinks on the way to ${quoteUntrusted(path)}`,
        'Give the ISO as it was published.',
      );
    }
    names = [...resolveLink(node.path, found.linkTarget ?? ''), ...names];
    node = volume.root;
  }
  return node;
}

function match(volume: IsoVolume, nodes: readonly IsoNode[], name: string): IsoNode | undefined {
  const exact = nodes.find((node) => node.name === name);
  if (exact !== undefined || volume.naming !== 'iso9660') return exact;
  return nodes.find((node) => node.name === name.toLowerCase());
}

/** The names from the root to where a symlink in `directory` leads. `..` at the root stays there, as in a chroot. */
export function resolveLink(directory: string, target: string): string[] {
  return resolveDots([...(target.startsWith('/') ? [] : directory.split('/')), ...target.split('/')]);
}

function resolveDots(names: readonly string[]): string[] {
  const resolved: string[] = [];
  for (const name of names) {
    if (name === '..') resolved.pop();
    else if (name !== '' && name !== '.') resolved.push(name);
  }
  return resolved;
}
