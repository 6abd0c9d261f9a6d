import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { Store } from '../../../src/store/store.js';
import { writeCgz, writeRecord, writeTar } from './large-system.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const GIB = 1024 ** 3;
/** With what loads the sources here, which an installed program does without. */
const MOST_BYTES = 200e6;

describe('memory', function () {
  this.timeout(300_000);
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(path.join(tmpdir(), 'memory-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  /** Runs a script of ours, and says what it had resident at most. */
  async function peakBytes(args: readonly string[], expected = 0): Promise<number> {
    const hook = pathToFileURL(path.join(import.meta.dirname, 'report-peak.ts')).href;
    const child = spawn(process.execPath, ['--import', 'tsx', '--import', hook, ...args], {
      cwd: ROOT,
      env: { ...process.env, ISO2ROOTFS_CACHE_DIR: path.join(directory, 'cache') },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    let [errors, peak] = ['', ''];
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    (child.stdio[3] as Readable).on('data', (chunk: Buffer) => (peak += chunk.toString()));
    const [status] = (await once(child, 'close')) as [number];
    expect(status, errors).to.equal(expected);
    expect(peak).to.match(/^\d+\n$/);
    return Number(peak) * 1024;
  }

  const work = (...args: string[]): Promise<number> => peakBytes([path.join(import.meta.dirname, 'work.ts'), ...args]);

  function sparseFile(name: string, sizeBytes: number): string {
    const file = path.join(directory, name);
    writeFileSync(file, '');
    truncateSync(file, sizeBytes);
    return file;
  }

  it('stays small while a large file is hashed', async () => {
    expect(await work('hash', sparseFile('large.iso', 2 * GIB))).to.be.below(MOST_BYTES);
  });

  it('stays small while a tree of many entries and large files becomes tar and newc', async () => {
    expect(await work('transform')).to.be.below(MOST_BYTES);
  });

  it('stays small while a large file is downloaded', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 7);
    const server = http.createServer((_request, response) => {
      response.writeHead(200, { 'content-length': 2 * GIB, 'content-type': 'application/octet-stream' });
      let left = 2 * GIB;
      const send = (): void => {
        while (left > 0) {
          left -= chunk.length;
          if (!response.write(chunk)) return void response.once('drain', send);
        }
        response.end();
      };
      send();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/large.iso`;
    try {
      expect(await work('download', url, path.join(directory, 'partial'))).to.be.below(MOST_BYTES);
    } finally {
      server.close();
    }
  });

  it('stays small while a file is copied to another file system', async () => {
    const destination = mkdtempSync('/dev/shm/memory-');
    try {
      const peak = await work('copy', sparseFile('rootfs.tar', GIB), path.join(destination, 'rootfs.tar'));
      expect(peak).to.be.below(MOST_BYTES);
    } finally {
      rmSync(destination, { recursive: true });
    }
  });

  it('stays small while the commands audit and diff read systems of 200 000 names and a gigabyte', async () => {
    const [one, other] = [path.join(directory, 'one'), path.join(directory, 'other')];
    const system = { entries: 200_000, largeFileBytes: GIB };
    for (const name of [one, other]) mkdirSync(name);
    writeTar(path.join(one, 'rootfs.tar'), system);
    writeCgz(path.join(one, 'initramfs.cgz'), system);
    await writeRecord(path.join(one, 'guest-record.gz'), system);
    expect(await peakBytes(['bin/dev.js', 'audit', one])).to.be.below(MOST_BYTES);
    writeTar(path.join(other, 'rootfs.tar'), { ...system, words: 'something else' });
    // 1: they differ.
    expect(await peakBytes(['bin/dev.js', 'diff', one, other, '--exit-code'], 1)).to.be.below(MOST_BYTES);
  });

  it('stays small while the command cache verify reads large objects', async () => {
    const store = await Store.open(path.join(directory, 'cache'));
    const staging = await store.createStagingDirectory('memory');
    mkdirSync(staging, { recursive: true });
    writeFileSync(path.join(staging, 'rootfs.tar'), '');
    truncateSync(path.join(staging, 'rootfs.tar'), 2 * GIB);
    await store.commit({
      kind: 'object',
      key: 'a'.repeat(64),
      keyInputs: {},
      isoSha256: 'b'.repeat(64),
      stagingDirectory: staging,
      // As of a file that has been hashed whole: it is read whole.
      hashes: new Map([['rootfs.tar', 'c'.repeat(64)]]),
    });
    // The hash is not that of zeros: it is read to its end to find that out.
    expect(await peakBytes(['bin/dev.js', 'cache', 'verify'], 74)).to.be.below(MOST_BYTES);
  });
});
