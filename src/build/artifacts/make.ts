import type { MadeFile, MakingContext } from './making.js';
import type { Making } from './plan.js';

/** Makes one file, of what the object has. */
export async function makeFile(context: MakingContext, making: Making, path: string): Promise<MadeFile> {
  switch (making.by) {
    case 'conversion':
      throw new TypeError('what a conversion makes is not made of what it has made');
    case 'cgz-tree':
      return (await import('./cgz-tree.js')).makeCgzTree(context, making, path);
    case 'cgz-squashfs':
      return (await import('./cgz-squashfs.js')).makeCgzSquashfs(context, making.compression, path);
    case 'squashfs':
      return (await import('./squashfs.js')).makeSquashfs(context, making.compression, path);
    case 'compressed-tar':
      return (await import('./compressed-tar.js')).makeCompressedTar(context, making.compression, path);
    case 'container-image':
      return (await import('./container-image.js')).makeContainerImage(context, making.format, path);
    case 'disk-image':
      return (await import('./disk-image.js')).makeDiskImage(context, making.format, path);
  }
}
