import { quoteUntrusted } from '../media/not-install-media.js';
import type { Treeinfo } from '../media/parse-treeinfo.js';
import type { Arch } from '../media/types.js';
import { toArch } from './recognise-arch.js';
import type { MediumTree } from './recognise-tree.js';
import type { InstallerFamily } from './types.js';

export interface BootFiles {
  readonly kernelPath: string;
  readonly initrdPath: string;
  /** For `inspect`. */
  readonly why: string;
}

/** What was looked for and is not there. */
export interface MissingBootFiles {
  readonly missing: readonly string[];
  /** `.treeinfo` where it names them. */
  readonly namedBy: string | undefined;
}

/**
 * Where each installer's kernel and initrd lie, best first. `{arch}` is the architecture, `{cpu}` its short name in d-i,
 * `*` the same version in both names. Text-mode initrds go before graphical ones, the release's kernel before newer ones.
 */
const PLACES: Readonly<Record<InstallerFamily, readonly (readonly [kernel: string, initrd: string])[]>> = {
  anaconda: [
    ['images/pxeboot/vmlinuz', 'images/pxeboot/initrd.img'],
    ['images/pxeboot/vmlinuz-*', 'images/pxeboot/initrd-*.img'],
    ['isolinux/vmlinuz', 'isolinux/initrd.img'],
  ],
  'debian-installer': [
    ['install.{cpu}/vmlinuz', 'install.{cpu}/initrd.gz'],
    ['install/vmlinuz', 'install/initrd.gz'],
    ['d-i/vmlinuz', 'd-i/initrd.gz'],
    ['install.{cpu}/gtk/vmlinuz', 'install.{cpu}/gtk/initrd.gz'],
    ['install/gtk/vmlinuz', 'install/gtk/initrd.gz'],
    ['install.{cpu}/vmlinuz', 'install.{cpu}/gtk/initrd.gz'],
  ],
  subiquity: [
    ['casper/vmlinuz', 'casper/initrd'],
    ['casper/vmlinuz', 'casper/initrd.gz'],
    ['casper/vmlinuz', 'casper/initrd.lz'],
    ['casper/hwe-vmlinuz', 'casper/hwe-initrd'],
  ],
  autoyast: [
    ['boot/{arch}/loader/linux', 'boot/{arch}/loader/initrd'],
    ['boot/{arch}/linux', 'boot/{arch}/initrd'],
  ],
  agama: [
    ['boot/{arch}/loader/linux', 'boot/{arch}/loader/initrd'],
    ['boot/{arch}/linux', 'boot/{arch}/initrd'],
  ],
};

const DEBIAN_CPU: Readonly<Record<Arch, string>> = { x86_64: 'amd', aarch64: 'a64' };

/** Finds the boot kernel and initrd: where `.treeinfo` says, which then must be true, else where the installer has them. */
export function findBootFiles(
  tree: MediumTree,
  family: InstallerFamily,
  arch: Arch,
  treeinfo: Treeinfo | undefined,
): BootFiles | MissingBootFiles {
  const named = treeinfo === undefined ? undefined : namedByTreeinfo(treeinfo, arch);
  if (named !== undefined) return findNamed(tree, named);
  const places = PLACES[family].map(([kernel, initrd]) => [expand(kernel, arch), expand(initrd, arch)] as const);
  for (const [kernel, initrd] of places) {
    const found = findPair(tree, kernel, initrd);
    if (found !== undefined) {
      return { ...found, why: `${found.kernelPath} and ${found.initrdPath} are where its installer keeps them.` };
    }
  }
  return { missing: [...new Set(places.flat())], namedBy: undefined };
}

interface Named {
  readonly kernel: string;
  readonly initrd: string;
}

function namedByTreeinfo(treeinfo: Treeinfo, arch: Arch): Named | undefined {
  for (const [platform, { kernel, initrd }] of treeinfo.images) {
    if (toArch(platform) === arch && kernel !== undefined && initrd !== undefined) return { kernel, initrd };
  }
  return undefined;
}

function findNamed(tree: MediumTree, { kernel, initrd }: Named): BootFiles | MissingBootFiles {
  const [kernelPath, initrdPath] = [tree.findFile(kernel), tree.findFile(initrd)];
  if (kernelPath !== undefined && initrdPath !== undefined) {
    return { kernelPath, initrdPath, why: `.treeinfo names ${kernelPath} and ${initrdPath}.` };
  }
  // Anolis OS 8.6 to 8.9 name vmlinuz and have vmlinuz-<version>.
  const versioned = findPair(tree, `${kernel}-*`, initrd.replace(/(\.[a-z]+)?$/, '-*$1'));
  if (versioned !== undefined) {
    const { kernelPath: found } = versioned;
    return {
      ...versioned,
      why: `.treeinfo names ${quoteUntrusted(kernel)}; on the medium it has a version: ${found}.`,
    };
  }
  const missing = [...(kernelPath === undefined ? [kernel] : []), ...(initrdPath === undefined ? [initrd] : [])];
  return { missing, namedBy: '.treeinfo' };
}

function findPair(
  tree: MediumTree,
  kernel: string,
  initrd: string,
): { kernelPath: string; initrdPath: string } | undefined {
  if (!kernel.includes('*')) {
    const [kernelPath, initrdPath] = [tree.findFile(kernel), tree.findFile(initrd)];
    return kernelPath === undefined || initrdPath === undefined ? undefined : { kernelPath, initrdPath };
  }
  const initrds = tree.glob(initrd);
  const pairs = tree
    .glob(kernel)
    .filter(({ star }) => !/rescue|debug|kdump/i.test(star))
    .sort((one, other) => other.star.localeCompare(one.star, 'en', { numeric: true }))
    .flatMap(({ path, star }) =>
      initrds.filter((candidate) => candidate.star === star).map((match) => [path, match.path]),
    );
  const [kernelPath, initrdPath] = pairs[0] ?? [];
  return kernelPath === undefined || initrdPath === undefined ? undefined : { kernelPath, initrdPath };
}

function expand(place: string, arch: Arch): string {
  return place.replace('{arch}', arch).replace('{cpu}', DEBIAN_CPU[arch]);
}
