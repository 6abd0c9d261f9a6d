import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { downloadFile } from '../../../src/download/download-file.js';
import { Iso2RootfsError } from '../../../src/errors.js';
import { closeServers, sendFile, sha256, startServer } from './server.js';

const MEBIBYTE = 1024 * 1024;
const content = randomBytes(8 * MEBIBYTE);

describe('downloadFile on a small file system', () => {
  let directory: string;

  before(async function () {
    if (process.getuid?.() !== 0) this.skip();
    directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-small-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory]);
  });

  afterEach(closeServers);

  after(async () => {
    if (process.getuid?.() !== 0) return;
    execFileSync('umount', [directory]);
    await rm(directory, { recursive: true });
  });

  async function attempt(url: string, name: string): Promise<Iso2RootfsError> {
    const outcome: unknown = await downloadFile({
      urls: [url],
      destinationPartial: path.join(directory, name),
    }).catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(Iso2RootfsError).with.property('code', 'NO_SPACE');
    return outcome as Iso2RootfsError;
  }

  it('says beforehand what is needed and what there is', async () => {
    const server = await startServer((request, response) => sendFile(request, response, { content }));
    const error = await attempt(`${server.url}/x.iso`, 'a.partial');
    expect(error.data).to.include({ neededBytes: content.length }).and.to.have.property('availableBytes');
    expect((await stat(path.join(directory, 'a.partial'))).size).to.equal(0);
  });

  it('keeps what fits when the size was not said, and goes on when there is room', async () => {
    const server = await startServer((request, response, number) => {
      if (number > 1) {
        sendFile(request, response, { content });
        return;
      }
      response.writeHead(200, { etag: `"${sha256(content).slice(0, 16)}"` }).end(content);
    });
    const url = `${server.url}/x.iso`;
    await attempt(url, 'b.partial');
    const have = (await stat(path.join(directory, 'b.partial'))).size;
    expect(have).to.be.greaterThan(3 * MEBIBYTE);
    execFileSync('mount', ['-o', 'remount,size=16m', directory]);
    const result = await downloadFile({ urls: [url], destinationPartial: path.join(directory, 'b.partial') });
    expect(result).to.include({ sha256: sha256(content), resumedFromBytes: have });
  });
});
