import { createReadStream, createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Iso2RootfsError } from '../../errors.js';
import { chooseBootPair, type BootPair } from '../boot-files.js';
import { decompressKernel } from '../decompress-kernel.js';
import { judgeNetboot } from '../judge-netboot.js';
import type { Manifest } from '../manifest.js';
import type { Stage } from '../pipeline.js';
import type { TreesMade } from './trees.js';

export interface Paired {
  readonly boot: BootPair & { readonly kernelPath: string; readonly initrdPath: string };
  readonly netboot: Manifest['netboot'];
}

/**
 * What boots the outputs, and what it can do: the newest kernel and the initrd of its version, out of rootfs.tar.
 */
export const pair: Stage<TreesMade, Paired> = {
  name: 'pair',
  run: async ({ trees }, { tools, emit }) => {
    const files = new Map(
      trees.tree.bootFiles
        .map((file) => [file.path.toString('utf8').replace(/^boot\//, ''), file] as const)
        .filter(([name]) => !name.includes('/')),
    );
    const boot = chooseBootPair([...files.keys()]);
    const place = async (name: string, newName: string): Promise<string> => {
      const destination = path.join(path.dirname(trees.tar.path), newName);
      const file = files.get(name);
      if (file?.tarOffsetBytes === undefined)
        throw new Iso2RootfsError('INTERNAL', `boot/${name} is not in rootfs.tar`);
      const { tarOffsetBytes: start, sizeBytes } = file;
      if (sizeBytes === 0) throw new Iso2RootfsError('BUILD_FAILED', `boot/${name} is empty`);
      await pipeline(
        createReadStream(trees.tar.path, { start, end: start + sizeBytes - 1 }),
        createWriteStream(destination, { flags: 'wx', mode: 0o444 }),
      );
      return destination;
    };
    const placed = {
      ...boot,
      kernelPath: await decompressKernel(tools, await place(boot.kernel, 'vmlinuz')),
      initrdPath: await place(boot.initrd, 'initrd.img'),
    };
    return { boot: placed, netboot: await judgeNetboot({ tools, emit }, placed, trees.system) };
  },
};
