/** Images made to hurt whoever reads them: each ends with NOT_INSTALL_MEDIA naming what is wrong, soon and in little memory. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { Iso2RootfsError } from '../../../src/errors.js';
import { readFileFromMedium, readMedium } from '../../../src/media/read-medium.js';
import { buildRawIso, directoryRecord, isoSectorsOf, SECTOR_BYTES } from './build-raw-iso.js';
import { expectRefusal } from './expect-refusal.js';
import { makeIso, makeScratch } from './make-iso.js';

const PVD = 16 * SECTOR_BYTES;
const ROOT_RECORD = PVD + 156;

describe('hostile images', () => {
  let scratch: Awaited<ReturnType<typeof makeScratch>>;
  let original: Buffer;

  before(async () => {
    scratch = await makeScratch();
    const iso = await makeIso(scratch.path, 'original', {
      '.treeinfo': '[general]\nfamily = openEuler\n',
      'images/pxeboot/vmlinuz': 'kernel',
      [`long${'g'.repeat(240)}`]: 'needs a continuation area',
      link: { linkTo: 'images' },
    });
    original = await readFile(iso);
  });
  after(() => scratch.remove());

  let count = 0;
  const written = async (image: Buffer): Promise<string> => {
    count += 1;
    const file = path.join(scratch.path, `hostile-${count}.iso`);
    await writeFile(file, image);
    return file;
  };
  const patched = async (change: (image: Buffer) => void): Promise<string> => {
    const image = Buffer.from(original);
    change(image);
    return written(image);
  };
  /** Where the record with an ISO 9660 name begins. */
  const recordOf = (image: Buffer, name: string): number => {
    const at = image.indexOf(name, 17 * SECTOR_BYTES, 'latin1') - 33;
    expect(at, name).to.be.greaterThan(0);
    return at;
  };
  const point = (image: Buffer, record: number, block: number, sizeBytes: number): void => {
    image.writeUInt32LE(block, record + 2);
    image.writeUInt32BE(block, record + 6);
    image.writeUInt32LE(sizeBytes, record + 10);
    image.writeUInt32BE(sizeBytes, record + 14);
  };

  it('a directory that contains itself', async () => {
    const iso = await patched((image) =>
      point(
        image,
        recordOf(image, 'IMAGES'),
        image.readUInt32LE(ROOT_RECORD + 2),
        image.readUInt32LE(ROOT_RECORD + 10),
      ),
    );
    await expectRefusal(readMedium(iso), 'NOT_INSTALL_MEDIA', /directory "images" contains itself/);
  });

  it('a file that lies outside of the image', async () => {
    const iso = await patched((image) => point(image, recordOf(image, 'VMLINUZ.;1'), 0x7fffffff, 0x7fffffff));
    await expectRefusal(
      readMedium(iso),
      'NOT_INSTALL_MEDIA',
      /"images\/pxeboot\/vmlinuz" should be at bytes .* outside/,
    );
    await expectRefusal(readFileFromMedium(iso, 'images/pxeboot/vmlinuz', 2 ** 40), 'NOT_INSTALL_MEDIA', /outside/);
  });

  it('a root directory of 4 GiB', async () => {
    const iso = await patched((image) => point(image, ROOT_RECORD, 20, 0xffffffff));
    await expectRefusal(readMedium(iso), 'NOT_INSTALL_MEDIA', /the root directory claims 4294967295 bytes of records/);
  });

  it('records of absurd lengths', async () => {
    for (const [length, message] of [
      [20, /"images" has a record of 20 bytes/],
      [255, /has (a record of 255 bytes|an entry|a name)/],
    ] as const) {
      const iso = await patched((image) => {
        const at = image.readUInt32LE(recordOf(image, 'IMAGES') + 2) * SECTOR_BYTES;
        // Behind the two records that every directory begins with.
        const first = at + image.readUInt8(at);
        const record = first + image.readUInt8(first);
        image.writeUInt8(length, record);
        if (length === 255) image.writeUInt8(255, record + 32);
      });
      await expectRefusal(readMedium(iso), 'NOT_INSTALL_MEDIA', message);
    }
  });

  it('a name that is a path', async () => {
    const iso = await patched((image) => {
      const at = image.indexOf('vmlinuz', 17 * SECTOR_BYTES, 'latin1');
      image.write('../../x', at, 'latin1');
    });
    await expectRefusal(readMedium(iso), 'NOT_INSTALL_MEDIA', /impossible name "\.\.\/\.\.\/x"/);
  });

  it('a chain of continuation areas without an end', async () => {
    const iso = await patched((image) => {
      const root = image.readUInt32LE(ROOT_RECORD + 2) * SECTOR_BYTES;
      const entry = image.indexOf('CE\x1c\x01', root, 'latin1');
      const area = image.readUInt32LE(entry + 4) * SECTOR_BYTES + image.readUInt32LE(entry + 12);
      image.copy(image, area, entry, entry + 28);
    });
    await expectRefusal(readMedium(iso), 'NOT_INSTALL_MEDIA', /an endless chain of Rock Ridge continuation areas/);
  });

  it('a continuation area of 4 GiB, and one outside of the image', async () => {
    const change = (at: number, value: number) => (image: Buffer) => {
      const root = image.readUInt32LE(ROOT_RECORD + 2) * SECTOR_BYTES;
      image.writeUInt32LE(value, image.indexOf('CE\x1c\x01', root, 'latin1') + at);
    };
    await expectRefusal(readMedium(await patched(change(20, 0xffffffff))), 'NOT_INSTALL_MEDIA', /4294967295 bytes/);
    await expectRefusal(readMedium(await patched(change(4, 0x7fffffff))), 'NOT_INSTALL_MEDIA', /outside/);
  });

  it('block sizes that do not exist', async () => {
    for (const size of [0, 1, 4096]) {
      const iso = await patched((image) => {
        image.writeUInt16LE(size, PVD + 128);
        image.writeUInt16BE(size, PVD + 130);
      });
      await expectRefusal(readMedium(iso), 'NOT_INSTALL_MEDIA', new RegExp(`block size is ${size} bytes`));
    }
  });

  it('an identity file of two megabytes', async () => {
    const iso = await makeIso(scratch.path, 'identity', { '.treeinfo': Buffer.alloc(2 * 1024 * 1024, 'x') });
    await expectRefusal(readMedium(iso), 'NOT_INSTALL_MEDIA', /"\.treeinfo" on .* has 2097152 bytes/);
  });

  it('more entries than any medium has', async () => {
    const record = directoryRecord('FILE.;1', { block: 0 });
    const files = Array.from({ length: 200_001 }, () => record);
    const iso = await written(buildRawIso([files]));
    await expectRefusal(readMedium(iso), 'NOT_INSTALL_MEDIA', /more than 200000 entries/);
  });

  it('directories that multiply: each level holds the next one a hundred times', async () => {
    const levels = 6;
    const childrenBytes = isoSectorsOf(
      Array.from({ length: 100 }, (_, i) => directoryRecord(`D${i}`, { block: 0 })),
    ).length;
    const tree = Array.from({ length: levels }, (_, level) =>
      Array.from({ length: 100 }, (_, index) =>
        directoryRecord(`D${index}`, {
          block: 18 + ((level + 1) % levels) * (childrenBytes / SECTOR_BYTES),
          sizeBytes: childrenBytes,
          isDirectory: true,
        }),
      ),
    );
    const iso = await written(buildRawIso(tree));
    await expectRefusal(readMedium(iso), 'NOT_INSTALL_MEDIA', /more than 200000 entries|contains itself/);
  });

  it('a thousand directories inside each other are not descended', async () => {
    const tree = Array.from({ length: 1000 }, (_, level) => [
      directoryRecord('D', { block: 18 + level + 1, sizeBytes: level === 999 ? 0 : SECTOR_BYTES, isDirectory: true }),
    ]);
    const { entries } = await readMedium(await written(buildRawIso(tree)));
    expect(entries.size).to.be.lessThan(10);
  });

  it('any bytes changed anywhere: an answer or our error, nothing else', async function () {
    this.timeout(10_000);
    const metadata = original.subarray(PVD, 64 * SECTOR_BYTES).length;
    const change = fc.record({ at: fc.nat(metadata - 1), value: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 40 }), async (changes) => {
        const iso = await patched((image) => {
          for (const { at, value } of changes) image.writeUInt8(value, PVD + at);
        });
        await readMedium(iso).catch((error: unknown) => {
          expect(error, String(error)).to.be.instanceOf(Iso2RootfsError);
          expect((error as Iso2RootfsError).code).to.equal('NOT_INSTALL_MEDIA');
        });
      }),
      { numRuns: 150 },
    );
  });
});
