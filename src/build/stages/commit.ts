import { chmod, cp, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { GUEST_RECORD_FILE } from '../../compare/guest-record.js';
import type { PackageList } from '../../packages/types.js';
import { hashFile } from '../../store/hash-file.js';
import type { StoredObject } from '../../store/store.js';
import { leastMemoryMiB } from '../../tree/least-memory.js';
import { formatManifest, MANIFEST_FORMAT, type Manifest } from '../manifest.js';
import type { Stage } from '../pipeline.js';
import { describeReproducibility } from '../reproducibility.js';
import { PROGRAM_VERSION } from '../version.js';
import type { Recipe } from '../recipe.js';
import type { Answered } from './answer.js';
import type { Fetched } from './fetch.js';
import type { Inspected } from './inspect.js';
import type { Installed } from './install.js';
import type { PackagesListed } from './packages.js';
import type { Paired } from './pair.js';
import type { Preflighted } from './preflight.js';
import type { TreesMade } from './trees.js';

export interface Committed {
  readonly object: StoredObject;
  readonly manifest: Manifest;
}

/** Of a root password that was made up; only for its owner. */
export const ROOT_PASSWORD_FILE = 'root-password';

/** Staging -> store object with its manifest, in one step. */
export const commit: Stage<
  Recipe & Fetched & Inspected & Answered & Preflighted & Installed & TreesMade & Paired & PackagesListed,
  Committed
> = {
  name: 'commit',
  run: async (build, { store, workspace, tools, timings, signal }) => {
    const { trees, boot } = build;
    const staging = path.dirname(trees.tar.path);
    const hashes = new Map([
      ['rootfs.tar', trees.tar.sha256],
      ...(trees.cgz === undefined ? [] : [['initramfs.cgz', trees.cgz.sha256] as const]),
    ]);
    for (const [name, file] of [
      ['vmlinuz', boot.kernelPath],
      ['initrd.img', boot.initrdPath],
    ] as const) {
      await chmod(file, 0o444);
      hashes.set(name, await hashFile(file, { signal }));
    }
    for (const list of ['census', 'specials']) await rm(path.join(staging, list), { force: true });
    for (const name of [...build.installed.files, GUEST_RECORD_FILE]) {
      hashes.set(name, await hashFile(path.join(staging, name), { signal }));
    }
    const artifacts: Manifest['artifacts'] = [];
    for (const [name, sha256] of hashes) {
      const { size: sizeBytes } = await stat(path.join(staging, name));
      artifacts.push({ name, type: 'file', sizeBytes, sha256 });
    }
    artifacts.push({ name: 'nfsroot', type: 'directory', entries: trees.tree.entryCount, tarSha256: trees.tar.sha256 });
    const [newc] = trees.tree.newc;
    const manifest: Manifest = {
      format: MANIFEST_FORMAT,
      program: { name: 'iso2rootfs', version: PROGRAM_VERSION },
      createdAt: new Date().toISOString(),
      key: build.keys.object.key,
      keyInputs: { ...build.keys.object.inputs },
      medium: {
        distro: build.medium.distro,
        release: build.medium.release,
        arch: build.medium.arch,
        variant: build.medium.variant,
        installer: build.medium.family,
        volumeId: build.medium.volumeId,
      },
      inputs: {
        iso: {
          source: build.iso.source,
          sha256: build.iso.sha256,
          signature: build.iso.signature,
          isChecksumPublished: build.iso.isChecksumKnown,
        },
        answerFile: {
          name: build.answer.fileName,
          dialect: build.answer.dialect,
          sha256: build.answerSha256,
          source: build.answerFilePath ?? 'generated',
        },
      },
      installation: {
        memoryMiB: build.disk.memoryMiB,
        vcpus: build.vcpus,
        diskSizeBytes: build.disk.sizeBytes,
        accelerator: build.machine.accelerator,
        engine: build.engine,
        ...(trees.latestTime === undefined ? {} : { latestTime: { ...trees.latestTime } }),
        ...(build.disk.attempts.length < 2 ? {} : { attempts: [...build.disk.attempts] }),
      },
      kernel: { version: boot.version, kernel: boot.kernel, initrd: boot.initrd },
      reproducibility: describeReproducibility(trees.latestTime),
      artifacts,
      ...(newc === undefined
        ? {}
        : {
            initramfs: {
              unpackedBytes: newc.unpackedBytes,
              largestFileBytes: newc.largestFileBytes,
              lostMetadata: newc.lostMetadata.map((lost) => ({ ...lost, xattrs: [...lost.xattrs] })),
              lostLabelCount: newc.lostLabelCount,
              inodeCount: newc.inodeCount,
              leastMemoryMiB: leastMemoryMiB([{ ...newc, compressedBytes: trees.cgz?.sizeBytes ?? 0 }]),
            },
          }),
      netboot: build.netboot,
      changes: [...trees.changes],
      ...describePackages(build.installed.list),
      tools: { ...build.machine.toolVersions },
      commands: tools.commands.map((command) => ({ ...command })),
      timings: timings.map((timing) => ({ ...timing })),
    };
    await writeFile(path.join(staging, 'manifest.json'), formatManifest(manifest), { mode: 0o444 });
    hashes.set('manifest.json', await hashFile(path.join(staging, 'manifest.json')));
    const { rootPassword } = build.disk;
    if (rootPassword !== undefined) {
      await writeFile(path.join(staging, ROOT_PASSWORD_FILE), `${rootPassword}\n`, { mode: 0o600 });
    }
    await cp(workspace.logDirectory, path.join(staging, 'logs'), { recursive: true });
    const object = await store.commit({
      kind: 'object',
      key: build.keys.object.key,
      keyInputs: build.keys.object.inputs,
      isoSha256: build.iso.sha256,
      facts: {
        distro: build.medium.distro,
        release: build.medium.release,
        arch: build.medium.arch,
        // Bytes as latin1: names need not be UTF-8.
        sparseFiles: trees.tree.sparseFiles.map((file) => file.path.toString('latin1')),
        parts: trees.tree.parts,
      },
      hashes,
      stagingDirectory: staging,
    });
    return { object, manifest };
  },
};

function describePackages(list: PackageList | undefined): Pick<Manifest, 'packageManager' | 'packages'> {
  if (list === undefined) return {};
  return {
    packageManager: list.manager,
    packages: list.packages.map(({ name, version, arch }) => ({ name, version, arch })),
  };
}
