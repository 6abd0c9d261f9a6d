import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createEntry, createFile, writeWhole } from '../../../src/tree/entry.js';
import { countHardLinks } from '../../../src/tree/hard-link-census.js';
import { scanTar } from '../../../src/tree/scan-tar.js';
import { TarWriter, type TarDialect } from '../../../src/tree/tar-writer.js';

const contents = new Map(
  [0, 1, 511, 512, 513, 65_535, 65_536, 200_000, 1_000_001].map((size) => [`f${size}`, randomBytes(size)]),
);

function archive(dialect: TarDialect = 'canonical'): Buffer {
  const chunks: Buffer[] = [];
  const writer = new TarWriter((chunk) => chunks.push(chunk), dialect);
  writer.writeEntry(createEntry({ path: Buffer.alloc(0), type: 'directory', mtimeSeconds: 5 }));
  for (const [name, content] of contents) {
    writeWhole(writer, createFile(Buffer.from(name), content, { mtimeSeconds: content.length }));
  }
  for (const name of ['again', 'once-more']) {
    writer.writeEntry(createEntry({ path: Buffer.from(name), type: 'hardlink', linkTarget: Buffer.from('f513') }));
  }
  writer.writeEntry(
    createEntry({ path: Buffer.from('s'), type: 'symlink', linkTarget: Buffer.from(`/${'t'.repeat(300)}`) }),
  );
  writer.finish();
  return Buffer.concat(chunks);
}

describe('scanTar', () => {
  let directory: string;
  let file: string;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'scan-'));
    file = path.join(directory, 'x.tar');
    await writeFile(file, archive());
  });
  after(async () => rm(directory, { recursive: true }));

  it('finds where the content of every file lies, without reading it', async () => {
    const places = new Map<string, number>();
    const scanned = await scanTar(file, { onEntry: ({ path: name }, offset) => places.set(name.toString(), offset) });
    const handle = await open(file);
    for (const [name, content] of contents) {
      const { buffer } = await handle.read(Buffer.alloc(content.length), 0, content.length, places.get(name));
      expect(buffer.equals(content), name).to.equal(true);
    }
    await handle.close();
    expect(scanned).to.deep.include({ entryCount: contents.size + 4, newestSeconds: 1_000_001 });
    expect(scanned.contentBytes).to.equal([...contents.values()].reduce((sum, { length }) => sum + length, 0));
  });

  it('counts the names of files as one does who reads all', async () => {
    const { census } = await scanTar(file);
    expect(census).to.deep.equal(await countHardLinks(createReadStream(file)));
    expect(census.get('once-more')).to.equal(3);
  });

  it('counts only the names that are wanted', async () => {
    const { census } = await scanTar(file, { counts: ({ path: name }) => name.toString() !== 'again' });
    expect(census.get('f513')).to.equal(2);
  });

  it('reads the other dialect as well', async () => {
    const bare = path.join(directory, 'bare.tar');
    await writeFile(bare, archive('bare'));
    const targets: string[] = [];
    await scanTar(bare, { onEntry: ({ linkTarget }) => targets.push(linkTarget.toString()) });
    expect(targets).to.include.members(['f513', `/${'t'.repeat(300)}`]);
  });

  it('refuses an archive that is cut off, also within a content', async () => {
    const whole = archive();
    for (const length of [512, 70_000, whole.length - 10_240]) {
      await writeFile(path.join(directory, 'cut.tar'), whole.subarray(0, length));
      const failure = await scanTar(path.join(directory, 'cut.tar')).catch((error: unknown) => error);
      expect(failure, String(length)).to.have.property('code', 'INTEGRITY');
    }
  });
});
