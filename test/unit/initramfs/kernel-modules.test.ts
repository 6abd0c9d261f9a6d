import { expect } from 'chai';
import { orderModules } from '../../../src/initramfs/kernel-modules.js';

const DEPENDENCIES = `kernel/drivers/block/loop.ko.xz:
kernel/fs/squashfs/squashfs.ko.xz: kernel/lib/zstd/zstd_decompress.ko.xz kernel/lib/xxhash.ko.xz
kernel/lib/zstd/zstd_decompress.ko.xz: kernel/lib/xxhash.ko.xz
kernel/lib/xxhash.ko.xz:
kernel/fs/over-lay.ko.zst: kernel/fs/over-lay.ko.zst
`;

describe('orderModules', () => {
  it('loads what a module needs before it, each once', () => {
    expect(orderModules(['squashfs', 'loop'], DEPENDENCIES, '')).to.deep.equal([
      'kernel/lib/xxhash.ko.xz',
      'kernel/lib/zstd/zstd_decompress.ko.xz',
      'kernel/fs/squashfs/squashfs.ko.xz',
      'kernel/drivers/block/loop.ko.xz',
    ]);
  });

  it('loads nothing for what is built in', () => {
    expect(orderModules(['loop', 'overlay'], DEPENDENCIES, 'kernel/fs/overlayfs/overlay.ko\n')).to.deep.equal([
      'kernel/drivers/block/loop.ko.xz',
    ]);
  });

  it('takes dashes and underscores for the same, and a loop for what it is', () => {
    expect(orderModules(['over_lay'], DEPENDENCIES, '')).to.deep.equal(['kernel/fs/over-lay.ko.zst']);
  });

  it('says which one there is not', () => {
    expect(() => orderModules(['overlay'], DEPENDENCIES, ''))
      .to.throw(/no overlay/)
      .with.property('code', 'TREE_NOT_REPRESENTABLE');
  });
});
