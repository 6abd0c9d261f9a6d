import path from 'node:path';

/**
 * The store on disk. Whoever makes or removes an object holds the lock of its key exclusively, whoever reads it holds it shared.
 *
 *
 * ```
 * <cache>/v1/                     0711: QEMU's user must be able to pass through to the workspaces
 *   objects/<key>/                0700: complete conversions; nothing incomplete is ever visible here
 *     object.json                 written last: format, sizes and times of the files
 *     manifest.json rootfs.tar initramfs.cgz vmlinuz initrd.img logs/
 *     last-used                   its mtime is the last use
 *     damaged.json                in the place of object.json once `verify` has found damage
 *   disks/<disk key>/             0700: installed disks, before anything was removed from them
 *     object.json disk.raw
 *   isos/<sha256>/<key>           empty files: the objects that were made of an ISO, written before the object itself
 *   media/ downloads/             see media-shelf.ts
 *   file-hashes/<id>.json         SHA-256 of local files by device, inode, size and times
 *   locks/<name>.lock             flock(1); never removed, since somebody may be about to lock it
 *   slots/                        how many conversions run at once: see job-slots.ts
 *   staging/<build>/              what is being made; renamed into place when complete
 *           removed-<id>/         what is being removed
 *   workspaces/<build>/           see build/workspace.ts
 *   logs/<build>/                 logs of all builds, kept after a failure
 *   state/                        what was found out about this host
 * ```
 */
export const STORE_FORMAT = 1;

export interface StoreLayout {
  readonly root: string;
  readonly objects: string;
  readonly disks: string;
  readonly isos: string;
  readonly fileHashes: string;
  readonly locks: string;
  readonly slots: string;
  readonly staging: string;
  readonly workspaces: string;
  readonly logs: string;
  readonly state: string;
}

export function storeLayout(cacheDirectory: string): StoreLayout {
  const root = path.join(cacheDirectory, `v${STORE_FORMAT}`);
  const at = (name: string): string => path.join(root, name);
  return {
    root,
    objects: at('objects'),
    disks: at('disks'),
    isos: at('isos'),
    fileHashes: at('file-hashes'),
    locks: at('locks'),
    slots: at('slots'),
    staging: at('staging'),
    workspaces: at('workspaces'),
    logs: at('logs'),
    state: at('state'),
  };
}
