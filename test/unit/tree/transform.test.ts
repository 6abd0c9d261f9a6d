import { expect } from 'chai';
import { PassThrough, Readable, Writable } from 'node:stream';
import { createEntry, createFile, type TreeEntry } from '../../../src/tree/entry.js';
import { streamTree, type StreamTreeOptions, type StreamedTree } from '../../../src/tree/transform.js';
import { ARCHIVE_END, ROOT, header, inChunks, padded, pax, readArchive } from './archive-pieces.js';
import { readNewc, type NewcEntry } from './newc-pieces.js';

function directory(name: string): Buffer {
  return header({ name: `./${name}/`, type: '5', mode: 0o755 });
}

function file(name: string, content: Buffer | string, mode = 0o644): Buffer {
  return Buffer.concat([header({ name: `./${name}`, size: content.length, mode }), padded(content)]);
}

function link(name: string, target: string): Buffer {
  return header({ name: `./${name}`, type: '1', linkName: `./${target}` });
}

class Collector extends Writable {
  readonly chunks: Buffer[] = [];
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    done();
  }
  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

interface Streamed extends StreamedTree {
  readonly tarArchive: Buffer;
  readonly names: readonly string[];
  readonly newcEntries: readonly NewcEntry[];
}

async function stream(pieces: readonly Buffer[], options: StreamTreeOptions = {}): Promise<Streamed> {
  const [tar, newc] = [new Collector(), new Collector()];
  const archive = Buffer.concat([ROOT, ...pieces, ARCHIVE_END]);
  const result = await streamTree(inChunks(archive, 1000), { tar, newc: [{ sink: newc }] }, options);
  const names = readArchive(tar.bytes).map(({ entry }) => entry.path.toString());
  return { ...result, tarArchive: tar.bytes, names, newcEntries: readNewc(newc.bytes) };
}

async function failure(streamed: Promise<unknown>): Promise<Error & { code?: string }> {
  return streamed.then(
    () => Promise.reject(new Error('it should have failed')),
    (error: unknown) => error as Error,
  );
}

describe('streamTree', () => {
  it('writes the tree to all outputs and says what is in it', async () => {
    const kernel = Buffer.from('kernel '.repeat(1000));
    const sparse = Buffer.alloc(2 * 1024 * 1024);
    sparse.write('x', 100_000);
    const dense = Buffer.alloc(2 * 1024 * 1024, 'x');
    const census = new Map([
      ['lib/vmlinuz', 2],
      ['boot/vmlinuz-2', 2],
    ]);
    const seen: string[] = [];
    const streamed = await stream(
      [
        directory('lib'),
        file('lib/vmlinuz', kernel),
        directory('boot'),
        file('boot/vmlinuz-1', kernel),
        link('boot/vmlinuz-2', 'lib/vmlinuz'),
        file('su', '', 0o4755),
        file('sparse', sparse),
        file('dense', dense),
      ],
      { census, onEntry: ({ path }) => seen.push(path.toString()) },
    );
    expect(seen).to.deep.equal([
      '',
      'lib',
      'lib/vmlinuz',
      'boot',
      'boot/vmlinuz-1',
      'boot/vmlinuz-2',
      'su',
      'sparse',
      'dense',
    ]);
    expect(streamed.names).to.deep.equal(seen);
    expect(streamed.newcEntries.map(({ name }) => name)).to.deep.equal(['.', ...seen.slice(1)]);
    expect(streamed).to.include({
      entryCount: 9,
      largestFileBytes: sparse.length,
      contentBytes: 2 * kernel.length + 2 * sparse.length,
    });
    expect(streamed.tarBytes).to.equal(streamed.tarArchive.length);
    expect(streamed.bootFiles.map(({ path }) => path.toString())).to.deep.equal(['boot/vmlinuz-1', 'boot/vmlinuz-2']);
    for (const { tarOffsetBytes, sizeBytes } of streamed.bootFiles) {
      expect(streamed.tarArchive.subarray(tarOffsetBytes, tarOffsetBytes! + sizeBytes).equals(kernel)).to.equal(true);
    }
    expect(streamed.setuidFiles).to.deep.equal([{ path: Buffer.from('su'), mode: 0o4755 }]);
    expect(streamed.sparseFiles).to.deep.equal([
      { path: Buffer.from('sparse'), sizeBytes: sparse.length, zeroBytes: 31 * 65536 },
    ]);
  });

  it('gives the same bytes however the archive arrives', async () => {
    const archive = Buffer.concat([
      ROOT,
      pax({ mtime: '1.5' }),
      file('a', 'x'.repeat(100_000)),
      file('b', ''),
      ARCHIVE_END,
    ]);
    const outputs = await Promise.all(
      [1, 513, 65536, archive.length].map(async (chunkBytes) => {
        const [tar, sink] = [new Collector(), new Collector()];
        await streamTree(inChunks(archive, chunkBytes), { tar, newc: [{ sink }] });
        return Buffer.concat([tar.bytes, sink.bytes]).toString('latin1');
      }),
    );
    expect(new Set(outputs).size).to.equal(1);
  });

  describe('with a rewriter', () => {
    it('changes the content of a file and puts another beside it', async () => {
      const rewrite = (entry: TreeEntry): ReturnType<NonNullable<StreamTreeOptions['rewrite']>> =>
        entry.path.toString() !== 'etc/fstab'
          ? entry
          : {
              withContent: (content) => [
                createFile(entry.path, Buffer.from(content.toString().replace(/^/gm, '#')), entry),
                createFile(Buffer.from('etc/fstab.installed'), content, entry),
              ],
            };
      const streamed = await stream(
        [directory('etc'), file('etc/fstab', '/dev/vda1 / ext4\nswap', 0o600), file('etc/group', 'g')],
        { rewrite },
      );
      const contents = readArchive(streamed.tarArchive).slice(2);
      expect(
        contents.map(({ entry, content }) => [entry.path.toString(), entry.mode, content?.toString()]),
      ).to.deep.equal([
        ['etc/fstab', 0o600, '#/dev/vda1 / ext4\n#swap'],
        ['etc/fstab.installed', 0o600, '/dev/vda1 / ext4\nswap'],
        ['etc/group', 0o644, 'g'],
      ]);
      expect(streamed.newcEntries.find(({ name }) => name === 'etc/fstab')?.content).to.equal(
        '#/dev/vda1 / ext4\n#swap',
      );
    });

    it('drops entries, replaces them, and changes what is said of them', async () => {
      const streamed = await stream(
        [file('drop', 'x'.repeat(5000)), file('replace', 'old'), file('chmod', 'same'), file('unlink', 'x')],
        {
          rewrite: (entry) => {
            switch (entry.path.toString()) {
              case 'drop':
                return undefined;
              case 'replace':
                return [createFile(entry.path, Buffer.from('new'))];
              case 'chmod':
                return { ...entry, mode: 0 };
              case 'unlink':
                return createEntry({ path: entry.path, type: 'symlink', linkTarget: Buffer.from('y') });
              default:
                return entry;
            }
          },
        },
      );
      expect(
        readArchive(streamed.tarArchive)
          .slice(1)
          .map(({ entry, content }) => [entry.path.toString(), entry.mode, content?.toString()]),
      ).to.deep.equal([
        ['replace', 0o644, 'new'],
        ['chmod', 0, 'same'],
        ['unlink', 0o777, undefined],
      ]);
    });

    it('refuses to leave a hard link without its file, and to hold a large file', async () => {
      const census = new Map([
        ['a', 2],
        ['b', 2],
      ]);
      const dropped = await failure(
        stream([file('a', 'x'), link('b', 'a')], {
          census,
          rewrite: (entry) => (entry.path.toString() === 'a' ? undefined : entry),
        }),
      );
      expect(dropped).to.include({
        code: 'TREE_NOT_REPRESENTABLE',
        message: 'b is a hard link to a, which is left out',
      });
      const large = await failure(
        stream([file('a', Buffer.alloc(1024 * 1024 + 1))], {
          rewrite: (entry) => (entry.type === 'file' ? { withContent: () => [] } : entry),
        }),
      );
      expect(large).to.include({ code: 'TREE_NOT_REPRESENTABLE' });
      const resized = await failure(stream([file('a', 'x')], { rewrite: (entry) => ({ ...entry, sizeBytes: 2 }) }));
      expect(resized).to.include({ code: 'INTERNAL' });
    });
  });

  it('appends entries to all outputs or to one, when all others are known', async () => {
    const [tar, first, second] = [new Collector(), new Collector(), new Collector()];
    let hasInit = false;
    const init = createEntry({ path: Buffer.from('init'), type: 'symlink', linkTarget: Buffer.from('sbin/init') });
    const result = await streamTree(
      inChunks(Buffer.concat([ROOT, directory('lib'), file('lib/m.ko', 'm'), file('x', 'x'), ARCHIVE_END]), 512),
      {
        tar,
        newc: [
          {
            sink: first,
            accepts: ({ path }) => !path.toString().startsWith('lib/'),
            append: () => (hasInit ? [] : [{ entry: init, content: Buffer.alloc(0) }]),
          },
          { sink: second, accepts: ({ path }) => /^(lib(\/.*)?)?$/.test(path.toString()) },
        ],
      },
      {
        onEntry: ({ path }) => (hasInit ||= path.toString() === 'init'),
        append: () => [createFile(Buffer.from('built'), Buffer.from('1'))],
      },
    );
    expect(readArchive(tar.bytes).map(({ entry }) => entry.path.toString())).to.deep.equal([
      '',
      'lib',
      'lib/m.ko',
      'x',
      'built',
    ]);
    expect(readNewc(first.bytes).map(({ name }) => name)).to.deep.equal(['.', 'lib', 'x', 'built', 'init']);
    expect(readNewc(second.bytes).map(({ name }) => name)).to.deep.equal(['.', 'lib', 'lib/m.ko']);
    expect(result.newc.map(({ contentBytes }) => contentBytes)).to.deep.equal([2, 1]);
  });

  for (const [what, pieces] of [
    ['an entry below a symlink', [header({ name: 'a', type: '2', linkName: '/etc' }), file('a/passwd', 'x')]],
    ['an entry before its directory', [file('a/b', 'x')]],
    ['a symlink in the place of a directory', [directory('a'), header({ name: 'a', type: '2', linkName: '/etc' })]],
  ] as const) {
    it(`refuses ${what}`, async () => {
      expect(await failure(stream(pieces))).to.have.property('code', 'INTEGRITY');
    });
  }

  it('names the file that is too much, before its content', async () => {
    const archive = Buffer.concat([ROOT, file('a', 'abc'), header({ name: 'huge', size: 8_000_000_000 })]);
    const error = await failure(streamTree(inChunks(archive, 512), {}, { maxContentBytes: 8_000_000_002 }));
    expect(error).to.include({ code: 'TREE_NOT_REPRESENTABLE' });
    expect(error.message).to.contain('huge has 8000000000 bytes: with it the files have 8000000003');
  });

  it('reads no more than the slowest output takes', async () => {
    let readBytes = 0;
    const chunk = Buffer.alloc(1024 * 1024);
    const big = header({ name: './big', size: 2 ** 32 - 1 });
    function* generate(): Generator<Buffer> {
      yield Buffer.concat([ROOT, big]);
      for (;;) {
        readBytes += chunk.length;
        yield chunk;
      }
    }
    const [tar, stuck] = [new Collector(), new Writable({ highWaterMark: 1, write: () => undefined })];
    const controller = new AbortController();
    const streaming = failure(
      streamTree(Readable.from(generate()), { tar, newc: [{ sink: stuck }] }, { signal: controller.signal }),
    );
    let before = -1;
    while (readBytes !== before) {
      before = readBytes;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(readBytes).to.be.lessThan(24 * 1024 * 1024);
    controller.abort();
    expect(await streaming).to.have.property('name', 'AbortError');
    expect(stuck.destroyed).to.equal(true);
  });

  it('ends when an output fails, with its error, and ends the source and the other outputs', async () => {
    const [source, tar] = [new PassThrough(), new Collector()];
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(full) });
    source.write(Buffer.concat([ROOT, header({ name: './a', size: 100_000 }), Buffer.alloc(50_000)]));
    // The source stays open: the failure alone must end it.
    expect(await failure(streamTree(source, { tar, newc: [{ sink: broken }] }))).to.equal(full);
    expect([source.destroyed, tar.destroyed]).to.deep.equal([true, true]);
  });

  it('fails when an output is closed early', async () => {
    const [source, sink] = [new PassThrough(), new PassThrough()];
    source.write(ROOT);
    sink.destroy();
    expect((await failure(streamTree(source, { tar: sink }))).message).to.contain('closed before its end');
  });

  it('destroys the outputs when the archive is cut', async () => {
    const tar = new Collector();
    const cut = failure(streamTree(inChunks(Buffer.concat([ROOT, file('a', 'x')]), 512), { tar }));
    expect(await cut).to.have.property('code', 'INTEGRITY');
    expect(tar.destroyed).to.equal(true);
  });
});
