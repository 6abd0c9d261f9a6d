import type { CgzExclude, CgzKind, Output } from '../../config/outputs.js';
import { compressionOf, type Compression, type Compressor } from '../../config/compression.js';
import { Iso2RootfsError } from '../../errors.js';
import type { StoredObject } from '../../store/store.js';

/** How initramfs.cgz and squashfs images are made. It is no part of an object's key: one object holds them all. */
export interface CgzRecipe {
  readonly kind: CgzKind;
  /** Of a `tree`. */
  readonly excludes: readonly CgzExclude[];
  readonly compression: Compression;
}

export const USUAL_CGZ: CgzRecipe = { kind: 'tree', excludes: [], compression: compressionOf('gzip') };

/** @throws Iso2RootfsError USAGE for what cannot be together */
export function cgzRecipeOf(options: {
  readonly kind: CgzKind;
  readonly excludes: readonly CgzExclude[];
  readonly compressor: Compressor;
  readonly level?: number | undefined;
}): CgzRecipe {
  const { kind, excludes, compressor, level } = options;
  if (kind === 'squashfs' && excludes.length > 0) {
    throw new Iso2RootfsError('USAGE', '--cgz-exclude leaves something out of a tree, but --cgz-kind is squashfs', {
      hint: 'What is in a squashfs image takes memory only compressed: leave --cgz-exclude out, or take --cgz-kind tree.',
    });
  }
  if (kind === 'squashfs' && compressor === 'xz' && level !== undefined) {
    throw new Iso2RootfsError('USAGE', 'a squashfs image that is compressed with xz has no level', {
      hint: 'Leave --compress-level out.',
    });
  }
  return { kind, excludes, compression: compressionOf(compressor, level) };
}

/** How a file is made. */
export type Making =
  /** While the disk is read. */
  | { readonly by: 'conversion' }
  | {
      readonly by: 'cgz-tree';
      readonly part: 'system' | 'modules';
      readonly excludes: readonly CgzExclude[];
      readonly compression: Compression;
    }
  | { readonly by: 'cgz-squashfs'; readonly compression: Compression }
  | { readonly by: 'squashfs'; readonly compression: Compression }
  | { readonly by: 'compressed-tar'; readonly compression: Compression }
  | { readonly by: 'container-image'; readonly format: 'oci' | 'docker' }
  | { readonly by: 'disk-image'; readonly format: 'raw' | 'qcow2' };

export interface PlannedFile {
  readonly output: Output;
  /** In the output directory. */
  readonly name: string;
  /** In the object, where variants of one file lie beside each other. */
  readonly stored: string;
  readonly making: Making;
}

/** The files of the outputs that are asked for; nfsroot is none. */
export function planFiles(outputs: readonly Output[], cgz: CgzRecipe): PlannedFile[] {
  return outputs.flatMap((output) => filesOf(output, cgz));
}

function filesOf(output: Output, cgz: CgzRecipe): PlannedFile[] {
  const file = (name: string, making: Making, stored = name): PlannedFile => ({ output, name, stored, making });
  const { compression } = cgz;
  switch (output) {
    case 'tar':
      return [file('rootfs.tar', { by: 'conversion' })];
    case 'nfsroot':
      return [];
    case 'kernel':
      return ['vmlinuz', 'initrd.img'].map((name) => file(name, { by: 'conversion' }));
    case 'cgz':
      return cgzFiles(cgz);
    case 'squashfs':
      return [file('rootfs.squashfs', { by: 'squashfs', compression }, `rootfs.${words(compression)}.squashfs`)];
    case 'oci':
    case 'docker':
      return [file(`rootfs.${output}.tar`, { by: 'container-image', format: output })];
    case 'raw':
    case 'qcow2':
      return [file(`disk.${output}`, { by: 'disk-image', format: output })];
    case 'tar.gz':
      return [file('rootfs.tar.gz', { by: 'compressed-tar', compression: compressionOf('gzip') })];
    case 'tar.xz':
      return [file('rootfs.tar.xz', { by: 'compressed-tar', compression: compressionOf('xz') })];
    case 'tar.zst':
      return [file('rootfs.tar.zst', { by: 'compressed-tar', compression: compressionOf('zstd') })];
  }
}

function cgzFiles({ kind, excludes, compression }: CgzRecipe): PlannedFile[] {
  const name = 'initramfs.cgz';
  if (kind === 'squashfs') {
    const stored = `initramfs.squashfs-${words(compression)}.cgz`;
    return [{ output: 'cgz', name, stored, making: { by: 'cgz-squashfs', compression } }];
  }
  const without = excludes.length === 0 ? '' : `-without-${excludes.join('-')}`;
  const suffix = `${words(compression)}${without}`;
  const stored = suffix === words(USUAL_CGZ.compression) ? name : `initramfs.${suffix}.cgz`;
  const making = { by: 'cgz-tree', excludes, compression } as const;
  const system: PlannedFile = { output: 'cgz', name, stored, making: { ...making, part: 'system' } };
  if (!excludes.includes('modules')) return [system];
  const modules: PlannedFile = {
    output: 'cgz',
    name: 'modules.cgz',
    stored: `modules.${words(compression)}.cgz`,
    making: { ...making, excludes: [], part: 'modules' },
  };
  return [system, modules];
}

function words({ compressor, level }: Compression): string {
  return `${compressor}-${level}`;
}

/** Whether the conversion writes initramfs.cgz while it reads the disk. All other kinds are made of rootfs.tar. */
export function isUsualCgz(cgz: CgzRecipe): boolean {
  return planFiles(['cgz'], cgz).every(({ name, stored }) => name === stored);
}

/** The planned files that an object does not have yet. */
export function missingFiles(
  object: StoredObject,
  recipe: { readonly outputs: readonly Output[]; readonly cgz: CgzRecipe },
): PlannedFile[] {
  const stored = new Set(object.record.files.map((file) => file.path));
  return planFiles(recipe.outputs, recipe.cgz).filter((file) => !stored.has(file.stored));
}
