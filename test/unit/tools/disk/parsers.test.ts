import { expect } from 'chai';
import { parseFstab } from '../../../../src/tools/disk/fstab-lines.js';
import { parseLvmMetadata } from '../../../../src/tools/disk/lvm-metadata.js';
import { parsePartitionTable } from '../../../../src/tools/disk/volumes.js';
import { quoteWord } from '../../../../src/tools/guestfish-session.js';

describe('what is read of an installed disk', () => {
  it('is its partitions, by the names that an fstab may have for them', () => {
    const table = (fields: object, partition: object): string =>
      JSON.stringify({ partitiontable: { unit: 'sectors', ...fields, partitions: [partition] } });
    const mbr = table(
      { label: 'dos', id: '0xc0f0961e', sectorsize: 512 },
      { node: '/a/disk.raw5', start: 2048, size: 8 },
    );
    expect(parsePartitionTable(mbr, '/a/disk.raw')[0]).to.deep.include({
      number: 5,
      offsetBytes: 2 ** 20,
      sizeBytes: 4096,
    });
    expect(parsePartitionTable(mbr, '/a/disk.raw')[0]?.names).to.include.members(['PARTUUID=c0f0961e-05', '/dev/vda5']);
    const gpt = table(
      { label: 'gpt', id: 'X', sectorsize: 4096 },
      { node: 'disk1p2', start: 256, size: 2, uuid: '0FC63DAF', name: 'root fs' },
    );
    expect(parsePartitionTable(gpt, 'disk1')[0]).to.deep.include({ number: 2, offsetBytes: 2 ** 20, sizeBytes: 8192 });
    expect(parsePartitionTable(gpt, 'disk1')[0]?.names).to.include.members(['PARTUUID=0fc63daf', 'PARTLABEL=root fs']);
  });

  it('is its fstab, parents first, and nothing that leads out of the tree', () => {
    const lines = parseFstab(
      [
        '# /dev/sda9 /comment ext4',
        'UUID=2 /boot/efi/ vfat umask=0077 0 2',
        'LABEL="a\\040b" /with\\040space ext4 defaults,nofail',
        'UUID=1 / btrfs rw,subvol=@,compress 0 0',
        'UUID=3 /boot xfs defaults',
        'UUID=4 /../../etc ext4 defaults',
        'UUID=5 none swap sw',
      ].join('\n'),
    );
    expect(lines.map(({ mountPoint }) => mountPoint)).to.deep.equal(['/', '/with space', '/boot', '/boot/efi']);
    expect(lines[0]).to.include({ subvolume: '@', isOptional: false });
    expect(lines[1]).to.include({ isOptional: true });
  });

  it('is where logical volumes lie, when each is one piece', () => {
    const volumes = parseLvmMetadata(`# made by hand
vg-0 { id = "x" seqno = 3 format = "lvm2" status = ["RESIZEABLE", "READ", "WRITE"] flags = [] extent_size = 8192 # 4 MiB
 physical_volumes { pv0 { device = "/dev/[a]{b}\\"c" pe_start = 2048 pe_count = 100 } }
 logical_volumes {
  root { segment_count = 1 segment1 { start_extent = 0 extent_count = 10 type = "striped" stripe_count = 1 stripes = [ "pv0", 5 ] } }
  two { segment_count = 2 segment1 { extent_count = 1 type = "striped" stripe_count = 1 stripes = ["pv0", 20] } segment2 { } }
  thin { segment_count = 1 segment1 { extent_count = 1 type = "thin" } }
 } }
contents = "Text Format Volume Group"
version = 1
description = "Write from lvcreate # \\"a\\"."
creation_time = 1795797938	# Fri Nov 27 16:45:38 2026
`);
    expect(volumes).to.deep.equal([
      { group: 'vg-0', name: 'root', place: { offsetBytes: 2 ** 20 + 5 * 4 * 2 ** 20, sizeBytes: 40 * 2 ** 20 } },
      { group: 'vg-0', name: 'two', place: undefined },
      { group: 'vg-0', name: 'thin', place: undefined },
    ]);
    expect(() => parseLvmMetadata('vg { extent_size = ')).to.throw(/logical volumes/);
  });

  it('is asked of guestfish in words that it reads as they are', () => {
    expect(quoteWord('/a/b-c.raw')).to.equal('/a/b-c.raw');
    expect(quoteWord('a "b" | \\c')).to.equal('"a \\x22b\\x22 | \\x5cc"');
    expect(quoteWord('-x')).to.equal('"-x"');
  });
});
