/** Large work for memory.test.ts, in a process of its own: `work.ts NAME ARGUMENT...`. */
import { randomFillSync } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { downloadFile } from '../../../src/download/download-file.js';
import { hashFile } from '../../../src/store/hash-file.js';
import { placeFile } from '../../../src/store/link.js';
import { streamTree } from '../../../src/tree/transform.js';

const BLOCK = 512;
const CHUNK = randomFillSync(Buffer.allocUnsafe(1024 * 1024));

function header(name: string, type: '0' | '5', sizeBytes: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');
  block.write(name, 0);
  block.write(octal(type === '5' ? 0o755 : 0o644, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(sizeBytes, 11), 124);
  block.write(octal(1_700_000_000, 11), 136);
  block.write('        ', 148);
  block.write(type, 156);
  block.write('ustar\u000000', 257);
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  );
  return block;
}

/** The archive of a tree with many entries and a few files that are large. */
function* archive(entries: number, largeFiles: number, largeBytes: number): Generator<Buffer> {
  yield header('./', '5', 0);
  for (let directory = 0; directory < entries / 1000; directory += 1) {
    yield header(`./${directory}/`, '5', 0);
    const members: Buffer[] = [];
    for (let file = 0; file < 1000; file += 1) {
      members.push(header(`./${directory}/some-file-of-a-package-${file}.conf`, '0', BLOCK), CHUNK.subarray(0, BLOCK));
    }
    yield Buffer.concat(members);
  }
  for (let large = 0; large < largeFiles; large += 1) {
    yield header(`./large-${large}`, '0', largeBytes);
    for (let done = 0; done < largeBytes; done += CHUNK.length) yield CHUNK;
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** Takes a chunk only after a turn of the event loop, so that whoever does not wait for it fills the memory. */
function slowSink(): Writable {
  return new Writable({
    highWaterMark: 1024 * 1024,
    write: (_chunk, _encoding, callback) => void setImmediate(callback),
  });
}

const [, , work, ...args] = process.argv;
const [first = '', second = ''] = args;
switch (work) {
  case 'hash':
    await hashFile(first);
    break;
  case 'transform':
    await streamTree(Readable.from(archive(200_000, 3, 1024 ** 3)), {
      tar: slowSink(),
      newc: [{ sink: slowSink() }],
    });
    break;
  case 'download':
    await downloadFile({ urls: [first], destinationPartial: second });
    break;
  case 'copy':
    if ((await placeFile(first, second)) !== 'copy') throw new Error('linked instead of copied');
    break;
  default:
    throw new Error(`there is no work ${work ?? ''}`);
}
