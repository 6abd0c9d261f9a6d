import { iniValue, parseIni } from './parse-ini.js';

/** Boot files that `.treeinfo` names for a platform (`x86_64`, `xen`...). Paths are as written: untrusted. */
export interface TreeinfoImages {
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
}

/** What `.treeinfo` says; undefined where it says nothing. */
export interface Treeinfo {
  readonly format: 'productmd' | 'pre-productmd';
  /** Name of the product without its version: `Rocky Linux`, `openEuler`. */
  readonly family: string | undefined;
  /** Name of the product with its version: `Rocky Linux 9.6`. */
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly arch: string | undefined;
  readonly variant: string | undefined;
  /** The installer's main image. */
  readonly mainImage: string | undefined;
  /** By platform, in lower case. */
  readonly images: ReadonlyMap<string, TreeinfoImages>;
  /** Places of package repositories relative to the medium's root, `.` being the root itself. */
  readonly repositories: readonly string[];
}

/** Reads both forms: `[general]` alone (pre-productmd), and productmd 1.x, which says the same in `[release]` and `[tree]`. */
export function parseTreeinfo(text: string): Treeinfo {
  const file = parseIni(text);
  const first = (...places: readonly (readonly [string, string])[]): string | undefined => {
    for (const [section, option] of places) {
      const value = iniValue(file, section, option);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const images = new Map<string, TreeinfoImages>();
  const repositories = new Set<string>();
  for (const section of file.keys()) {
    const platform = /^images-(.+)$/.exec(section)?.[1];
    if (platform !== undefined) {
      images.set(platform, { kernel: iniValue(file, section, 'kernel'), initrd: iniValue(file, section, 'initrd') });
    }
    const repository = section.startsWith('variant-') ? iniValue(file, section, 'repository') : undefined;
    if (repository !== undefined) repositories.add(repository);
  }
  const repository = iniValue(file, 'general', 'repository');
  if (repository !== undefined) repositories.add(repository);
  return {
    format: file.has('release') ? 'productmd' : 'pre-productmd',
    family: first(['release', 'name'], ['general', 'family']),
    name: first(['general', 'name'], ['release', 'name']),
    version: first(['release', 'version'], ['general', 'version']),
    arch: first(['tree', 'arch'], ['general', 'arch']),
    variant: first(['general', 'variant'], ['tree', 'variants']),
    mainImage: first(['stage2', 'mainimage'], ['stage2', 'instimage']),
    images,
    repositories: [...repositories],
  };
}
