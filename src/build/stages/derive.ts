import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { StoredObject } from '../../store/store.js';
import type { FileLock } from '../../tools/flock.js';
import { requireSpace } from '../../tools/space.js';
import { compareVersions } from '../../tools/requirements.js';
import { amendObject, type AddedFile } from '../amend-object.js';
import { makeFile } from '../artifacts/make.js';
import type { MakingContext } from '../artifacts/making.js';
import { missingFiles, type Making, type PlannedFile } from '../artifacts/plan.js';
import type { Artifact, Manifest } from '../manifest.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';

export interface Derivable {
  readonly object: StoredObject;
  readonly manifest: Manifest;
  /** The exclusive lock of the object's key. */
  readonly lock: FileLock;
  /** The prepared disk: from the conversion, or made again from the installed one. */
  readonly preparedDisk: () => Promise<string>;
}

export type Derived = Pick<Derivable, 'object' | 'manifest'>;

/** Makes what is asked for and not in the object yet, of what is there: rootfs.tar, or the disk; and adds it to the object. */
export const derive: Stage<Recipe & Derivable, Derived> = {
  name: 'artifacts',
  run: async (build, context) => {
    const { object, manifest } = build;
    const missing = missingFiles(object, build);
    if (missing.length === 0) return { object, manifest };
    const tar = object.record.files.find((file) => file.path === 'rootfs.tar');
    const tarPath = path.join(object.directory, 'rootfs.tar');
    const directory = await context.store.createStagingDirectory(context.workspace.id);
    const preparedDisk = once(build.preparedDisk);
    const neededBytes = await estimateBytes(missing, tar?.sizeBytes ?? 0, preparedDisk);
    await requireSpace(directory, neededBytes, missing.map(({ name }) => name).join(', '));
    const making: MakingContext = { context, manifest, tarPath, tarSha256: tar?.sha256 ?? '', preparedDisk };
    const added = new Map<string, AddedFile>();
    const artifacts: Artifact[] = [];
    for (const file of missing) {
      context.emit({ type: 'notice', message: `Making ${file.name} of what is in the cache.` });
      if (needsNewerKernel(file.making, manifest)) {
        context.emit({
          type: 'warning',
          message: `Linux ${manifest.kernel.version} cannot unpack an initramfs that is compressed with zstd: that came with 5.9.`,
        });
      }
      const made = await makeFile(making, file.making, path.join(directory, file.stored));
      added.set(file.stored, made);
      const { sizeBytes, sha256, initramfs } = made;
      artifacts.push({
        name: file.stored,
        type: 'file',
        sizeBytes,
        sha256,
        ...describeMaking(file.making),
        ...(initramfs === undefined ? {} : { initramfs }),
      });
    }
    const names = new Set(added.keys());
    const amend = (current: Manifest): Manifest => ({
      ...current,
      artifacts: [...current.artifacts.filter(({ name }) => !names.has(name)), ...artifacts],
    });
    return amendObject(context, object.record.key, { addFiles: added, manifest: amend }, build.lock);
  },
};

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return async () => (made ??= make());
}

/** The most that the files can need together with what is thrown away again; compression is not counted on. */
async function estimateBytes(
  files: readonly PlannedFile[],
  tarBytes: number,
  preparedDisk: () => Promise<string>,
): Promise<number> {
  let bytes = 0;
  for (const { making } of files) {
    if (making.by === 'disk-image') bytes += (await stat(await preparedDisk())).blocks * 512;
    else bytes += tarBytes;
  }
  return bytes;
}

/** lib/decompress_unzstd.c is in Linux since 5.9. */
function needsNewerKernel(making: Making, { kernel }: Manifest): boolean {
  return (
    making.by === 'cgz-tree' && making.compression.compressor === 'zstd' && compareVersions(kernel.version, '5.9') < 0
  );
}

function describeMaking(making: Making): Pick<Extract<Artifact, { type: 'file' }>, 'making'> {
  switch (making.by) {
    case 'cgz-tree':
      return { making: { kind: 'tree', excludes: [...making.excludes], ...making.compression } };
    case 'cgz-squashfs':
      return { making: { kind: 'squashfs', ...making.compression } };
    case 'squashfs':
    case 'compressed-tar':
      return { making: { ...making.compression } };
    default:
      return {};
  }
}
