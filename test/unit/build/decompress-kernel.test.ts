import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { decompressKernel } from '../../../src/build/decompress-kernel.js';
import { findProgram } from '../../../src/tools/run.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { failureOf } from '../tools/fake-programs.js';

/** The head of an arm64 Image (`ARM\x64` at 0x38), and something that compresses. */
const IMAGE = Buffer.concat([
  Buffer.alloc(0x38),
  Buffer.from('ARM\x64'),
  Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * index) >> 7)),
]);

interface Zboot {
  readonly compression: string;
  readonly payload: Buffer;
  readonly offsetBytes?: number;
  readonly sizeBytes?: number;
}

/** As the kernel's zboot-header.S lays it out; behind the payload follow four bytes and the PE sections' padding. */
function zboot({ compression, payload, offsetBytes = 0x1000, sizeBytes = payload.length }: Zboot): Buffer {
  const header = Buffer.alloc(0x1000);
  header.write('MZ\0\0zimg', 0, 'latin1');
  header.writeUInt32LE(offsetBytes, 8);
  header.writeUInt32LE(sizeBytes, 12);
  header.write(`${compression}\0`, 0x18, 'latin1');
  header.writeUInt32LE(0x818223cd, 0x38);
  return Buffer.concat([header, payload, Buffer.from([1, 2, 3, 4]), Buffer.alloc(500)]);
}

describe('decompressKernel', () => {
  let directory: string;
  let file: string;
  let tools: Toolbox;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kernel-'));
    file = path.join(directory, 'vmlinuz');
    tools = new Toolbox({ logDirectory: directory });
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function unpack(kernel: Buffer): Promise<Buffer> {
    await writeFile(file, kernel);
    expect(await decompressKernel(tools, file)).to.equal(file);
    expect((await readdir(directory)).filter((name) => !name.endsWith('.log'))).to.deep.equal(['vmlinuz']);
    return readFile(file);
  }

  it('unpacks Image.gz', async () => {
    expect((await unpack(gzipSync(IMAGE))).equals(IMAGE)).to.equal(true);
    expect((await stat(file)).mode & 0o777).to.equal(0o444);
  });

  const compressors: readonly (readonly [name: string, program: string, ...args: string[]])[] = [
    ['gzip', 'gzip', '-n9'],
    ['zstd22', 'zstd', '-19'],
    ['zstd', 'zstd', '-3'],
    ['xzkern', 'xz', '--check=crc32'],
    ['lzma', 'xz', '--format=lzma'],
    ['lz4', 'lz4', '-l'],
    ['lzo', 'lzop'],
  ];
  for (const [compression, program, ...args] of compressors) {
    it(`unpacks an EFI zboot image: ${compression}`, async function () {
      if ((await findProgram(program, process.env['PATH'] ?? '')) === undefined) {
        process.stderr.write(`    skipped: ${program} is not installed\n`);
        this.skip();
      }
      const payload = execFileSync(program, [...args, '-c'], { input: IMAGE, maxBuffer: 1e9 });
      expect((await unpack(zboot({ compression, payload }))).equals(IMAGE)).to.equal(true);
    });
  }

  it('leaves everything else as it is', async () => {
    const x86 = Buffer.alloc(4096, 7);
    x86.write('MZ', 0, 'latin1');
    x86.write('HdrS', 0x202, 'latin1');
    for (const kernel of [IMAGE, x86, Buffer.from('short'), Buffer.alloc(0)]) {
      expect((await unpack(kernel)).equals(kernel)).to.equal(true);
    }
  });

  it('names what is damaged, and keeps the file as it was', async () => {
    const good = gzipSync(IMAGE);
    const broken: readonly (readonly [Buffer, RegExp])[] = [
      [good.subarray(0, good.length >> 1), /kernel \(gzip\) cannot be decompressed: unexpected end of file/],
      [
        zboot({ compression: 'gzip', payload: IMAGE }),
        /kernel \(gzip\) cannot be decompressed: incorrect header check/,
      ],
      [zboot({ compression: 'zstd', payload: IMAGE }), /kernel \(zstd\) cannot be decompressed: zstd failed/],
      [zboot({ compression: 'rot13', payload: IMAGE }), /compression 'rot13' is not known/],
      [zboot({ compression: 'gzip', payload: good, sizeBytes: good.length + 5000 }), /points out of the file/],
      [zboot({ compression: 'gzip', payload: good, offsetBytes: 8 }), /points out of the file/],
      [zboot({ compression: 'gzip', payload: good, sizeBytes: 0 }), /points out of the file/],
    ];
    for (const [kernel, problem] of broken) {
      await writeFile(file, kernel);
      const failure = await failureOf(decompressKernel(tools, file));
      expect(failure.code).to.equal('BUILD_FAILED');
      expect(failure.message).to.match(problem);
      expect((await readFile(file)).equals(kernel)).to.equal(true);
      expect(await readdir(directory)).to.not.include('vmlinuz.unpacked');
    }
  });
});
