import { mkdir, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError } from '../../errors.js';
import { NetbootRewriter } from '../../distro/netboot.js';
import { freeBytes, requireSpace } from '../../tools/space.js';
import { digHoles } from '../../tools/tar.js';
import type { StreamedTree } from '../../tree/transform.js';
import type { Stage } from '../pipeline.js';
import { GUEST_RECORD_FILE } from '../../compare/guest-record.js';
import { isPackageDatabase } from '../../packages/read-packages.js';
import { ChangeRecorder } from '../change-recorder.js';
import type { Manifest } from '../manifest.js';
import { isUsualCgz, USUAL_CGZ } from '../artifacts/plan.js';
import { openDisk } from '../tree-source.js';
import { writeTrees, type HashedFile } from '../write-trees.js';
import type { Claimed } from './claim.js';
import type { Recipe } from '../recipe.js';
import type { Installed } from './install.js';

export interface TreesMade {
  readonly trees: {
    readonly tar: HashedFile;
    /** Undefined when it was not asked for. */
    readonly cgz: HashedFile | undefined;
    readonly tree: StreamedTree;
    /** What was learnt of the system while its entries passed. */
    readonly system: Pick<NetbootRewriter, 'kernelFacts' | 'selinuxMode'>;
    /** What was changed on the way out of the disk. */
    readonly changes: NonNullable<Manifest['changes']>;
    /** When the installation ended, where something tells it. */
    readonly latestTime: { readonly seconds: number; readonly nanoseconds: number } | undefined;
    /** Where nfsroot was unpacked: in the output that is being made. Undefined when it was not asked for. */
    readonly nfsroot: string | undefined;
  };
}

/** Installed disk -> rootfs.tar, nfsroot/ and initramfs.cgz. The disk is read once. */
export const trees: Stage<Recipe & Installed & Claimed, TreesMade> = {
  name: 'rootfs+nfsroot+initramfs',
  run: async ({ disk, output, outputs, engine, cgz: cgzRecipe, selinux }, context) => {
    const { store, workspace, tools } = context;
    await requireSpace(store.layout.root, disk.allocatedBytes * 1.5, 'rootfs.tar and initramfs.cgz');
    const directory = await store.createStagingDirectory(workspace.id);
    const nfsroot = output.wantsNfsroot ? path.join(output.staging, 'nfsroot') : undefined;
    if (nfsroot !== undefined) {
      await requireSpace(path.dirname(output.directory), disk.allocatedBytes, 'nfsroot');
      await mkdir(nfsroot, { recursive: true });
    }
    const source = await openDisk(tools, disk.path, directory, engine);
    const rewriter = new NetbootRewriter({ selinux });
    const recorder = new ChangeRecorder(rewriter);
    const { compression } = USUAL_CGZ;
    const cgz = { path: path.join(directory, 'initramfs.cgz'), compression, append: recorder.appendToInitramfs };
    // Every other kind is made of rootfs.tar.
    const isNow = outputs.includes('cgz') && isUsualCgz(cgzRecipe);
    const written = await writeTrees(
      source,
      { tarPath: path.join(directory, 'rootfs.tar'), nfsroot, initramfs: isNow ? [cgz] : [] },
      // A sparse file of terabytes comes as zeros: refused by name, before it fills the disk.
      {
        rewrite: recorder.rewrite,
        append: recorder.append,
        remembers: isPackageDatabase,
        maxContentBytes: await freeBytes(directory),
      },
      context,
    );
    await source.close();
    checkToken(rewriter, disk.token);
    const { tree, tar } = written;
    if (nfsroot !== undefined) await digHoles(tools, await existingFiles(nfsroot, tree));
    await writeFile(path.join(directory, GUEST_RECORD_FILE), source.record, { mode: 0o444 });
    // It may be made later, of rootfs.tar: what it has more than the others is known now.
    if (!isNow) recorder.appendToInitramfs();
    const { changes } = recorder;
    const { endedAt: latestTime } = source;
    const [made] = written.initramfs;
    return { trees: { tar, tree, cgz: made, changes, latestTime, nfsroot, system: rewriter } };
  },
};

function checkToken(rewriter: NetbootRewriter, expected: string): void {
  if (rewriter.token === expected) return;
  throw new Iso2RootfsError(
    'BUILD_FAILED',
    rewriter.token === undefined
      ? 'the installed system does not have the success token of this build: the installation did not come to its end'
      : 'the installed system has the success token of another build',
    { hint: 'Read the console log: it ends with what the installer did last.' },
  );
}

/** Files with holes worth digging, whose paths can be named and lead nowhere else. */
async function existingFiles(nfsroot: string, tree: StreamedTree): Promise<string[]> {
  const root = await realpath(nfsroot);
  const files: string[] = [];
  for (const { path: raw } of tree.sparseFiles) {
    const name = raw.toString('utf8');
    if (!Buffer.from(name).equals(raw)) continue;
    const file = path.join(root, name);
    if ((await realpath(file).catch(() => undefined)) === file) files.push(file);
  }
  return files;
}
