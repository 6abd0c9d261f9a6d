import { randomBytes, randomInt } from 'node:crypto';
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import { expect } from 'chai';
import { downloadFile, type DownloadedFile, type DownloadRequest } from '../../../src/download/download-file.js';
import { forgetDownload } from '../../../src/download/partial-state.js';
import { Iso2RootfsError } from '../../../src/errors.js';
import type { BuildEvent } from '../../../src/events.js';
import { closedPort, closeServers, sendFile, sha256, startServer } from './server.js';

const CHILD = fileURLToPath(new URL('download-child.ts', import.meta.url));
const MEBIBYTE = 1024 * 1024;
const content = randomBytes(4 * MEBIBYTE + 123);
const other = randomBytes(content.length);
const quick = {
  retry: { retries: 3, minDelayMs: 5, maxDelayMs: 20 },
  pace: { stallTimeoutMs: 150, windowMs: 300 },
} as const;

describe('downloadFile', () => {
  let directory: string;
  let partial: string;
  let events: BuildEvent[];

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-download-'));
    partial = path.join(directory, 'x.iso.partial');
    events = [];
  });

  afterEach(async () => {
    await closeServers();
    await rm(directory, { recursive: true, force: true });
  });

  function fetch(urls: string | string[], more: Partial<DownloadRequest> = {}): Promise<DownloadedFile> {
    return downloadFile({
      urls: [urls].flat(),
      destinationPartial: partial,
      emit: (event) => events.push(event),
      ...quick,
      ...more,
    });
  }

  async function failure(promise: Promise<unknown>): Promise<Iso2RootfsError> {
    const outcome = await promise.then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(outcome).to.be.instanceOf(Iso2RootfsError);
    return outcome as Iso2RootfsError;
  }

  async function expectContent(expected = content): Promise<void> {
    expect(sha256(await readFile(partial))).to.equal(sha256(expected));
  }

  it('fetches a file, hashes it and says how far it is', async () => {
    const server = await startServer((request, response) => sendFile(request, response, { content }));
    const result = await fetch(`${server.url}/x.iso`);
    expect(result).to.include({ sha256: sha256(content), sizeBytes: content.length, resumedFromBytes: 0 });
    expect(result.url).to.equal(`${server.url}/x.iso`);
    await expectContent();
    expect(events.at(-1)).to.deep.equal({
      type: 'progress',
      stage: 'fetch',
      unit: 'bytes',
      done: content.length,
      total: content.length,
    });
  });

  it('fetches an empty file and one without a Content-Length', async () => {
    const empty = await startServer((request, response) => sendFile(request, response, { content: Buffer.alloc(0) }));
    expect(await fetch(`${empty.url}/x.iso`)).to.include({ sizeBytes: 0, sha256: sha256(Buffer.alloc(0)) });
    const chunked = await startServer((_request, response) => response.end(content));
    expect(await fetch(`${chunked.url}/x.iso`)).to.include({ sha256: sha256(content) });
  });

  it('never decodes what came', async () => {
    const server = await startServer((request, response) =>
      sendFile(request, response, { content, headers: { 'content-encoding': 'gzip' } }),
    );
    expect(await fetch(`${server.url}/x.iso`)).to.include({ sha256: sha256(content) });
    expect(server.requests[0]?.headers['accept-encoding']).to.equal('identity');
  });

  it('is not troubled by a connection that is cut three times at random places', async () => {
    const server = await startServer((request, response, number) => {
      sendFile(request, response, {
        content,
        ...(number <= 3 ? { cutAfterBytes: randomInt(MEBIBYTE) } : {}),
      });
    });
    const result = await fetch(`${server.url}/x.iso`, { expectedSha256: sha256(content) });
    expect(result).to.include({ sha256: sha256(content), resumedFromBytes: 0 });
    await expectContent();
    expect(server.requests).to.have.length(4);
    expect(server.requests[3]?.headers.range).to.match(/^bytes=[1-9]/);
    expect(server.requests[3]?.headers['if-range']).to.match(/^"/);
  });

  it('does not count failures in a row when there is progress between them', async () => {
    const server = await startServer((request, response) =>
      sendFile(request, response, { content, cutAfterBytes: 128 * 1024 }),
    );
    const result = await fetch(`${server.url}/x.iso`, { retry: { retries: 1, minDelayMs: 1 } });
    expect(result.sha256).to.equal(sha256(content));
    expect(server.requests.length).to.be.greaterThan(20);
  });

  it('gives up on a server that cuts every connection at once', async () => {
    const server = await startServer((_request, response) => response.socket?.destroy());
    const error = await failure(fetch(`${server.url}/x.iso`));
    expect(error.code).to.equal('NETWORK');
    expect(server.requests).to.have.length(4);
  });

  it('takes a body that ends early for broken off, not for complete', async () => {
    const server = await startServer((_request, response, number) => {
      if (number > 1) return void response.socket?.destroy();
      response.writeHead(200, { 'content-length': content.length, connection: 'close' });
      response.write(content.subarray(0, 1000), () => response.socket?.end());
    });
    expect((await failure(fetch(`${server.url}/x.iso`))).code).to.equal('NETWORK');
  });

  describe('resuming', () => {
    /** Fetches the first mebibytes and is cut off. */
    async function begin(url: string, more: Partial<DownloadRequest> = {}): Promise<number> {
      await failure(fetch(url, { retry: { retries: 0 }, ...more }));
      return (await stat(partial)).size;
    }

    const cut = { content, cutAfterBytes: 3 * MEBIBYTE } as const;

    it('continues in a later run', async () => {
      const server = await startServer((request, response, number) =>
        number === 2 ? void response.socket?.destroy() : sendFile(request, response, number === 1 ? cut : { content }),
      );
      const have = await begin(`${server.url}/x.iso`);
      expect(have).to.be.within(1, cut.cutAfterBytes);
      const result = await fetch(`${server.url}/x.iso`);
      expect(result).to.include({ sha256: sha256(content), resumedFromBytes: have });
      expect(server.requests[2]?.headers).to.include({ range: `bytes=${have}-` });
      await expectContent();
    });

    it('continues with a Last-Modified where there is no ETag', async () => {
      const lastModified = 'Mon, 01 Jan 2024 00:00:00 GMT';
      const server = await startServer((request, response, number) =>
        number === 2
          ? void response.socket?.destroy()
          : sendFile(request, response, { ...(number === 1 ? cut : { content }), etag: null, lastModified }),
      );
      const have = await begin(`${server.url}/x.iso`);
      expect(await fetch(`${server.url}/x.iso`)).to.include({ sha256: sha256(content), resumedFromBytes: have });
      expect(server.requests[2]?.headers['if-range']).to.equal(lastModified);
    });

    it('does not trust a weak ETag, unless the hash is known', async () => {
      const server = await startServer((request, response, number) =>
        number === 2 || number === 5
          ? void response.socket?.destroy()
          : sendFile(request, response, { ...(number === 1 || number === 4 ? cut : { content }), etag: 'W/"1"' }),
      );
      await begin(`${server.url}/x.iso`);
      expect(await fetch(`${server.url}/x.iso`)).to.include({ sha256: sha256(content), resumedFromBytes: 0 });
      expect(server.requests[2]?.headers).not.to.have.property('range');
      await rm(partial);
      await forgetDownload(partial);

      const expectedSha256 = sha256(content);
      const have = await begin(`${server.url}/x.iso`, { expectedSha256 });
      const result = await fetch(`${server.url}/x.iso`, { expectedSha256 });
      expect(result).to.include({ sha256: expectedSha256, resumedFromBytes: have });
      expect(server.requests[5]?.headers).not.to.have.property('if-range');
    });

    it('starts over when the file has changed meanwhile (If-Range answered by 200)', async () => {
      const server = await startServer((request, response, number) =>
        number === 2
          ? void response.socket?.destroy()
          : sendFile(request, response, number === 1 ? cut : { content: other }),
      );
      await begin(`${server.url}/x.iso`);
      expect(await fetch(`${server.url}/x.iso`)).to.include({ sha256: sha256(other), resumedFromBytes: 0 });
      await expectContent(other);
    });

    it('starts over when a server that ignores If-Range sends a part of another file', async () => {
      const server = await startServer((request, response, number) => {
        if (number === 1) {
          sendFile(request, response, cut);
          return;
        }
        delete request.headers['if-range'];
        sendFile(request, response, { content: other });
      });
      expect(await fetch(`${server.url}/x.iso`)).to.include({ sha256: sha256(other) });
      await expectContent(other);
      expect(events.some((event) => event.type === 'notice' && event.message.includes('changed'))).to.equal(true);
    });

    it('fetches anew when the parts turn out not to belong together', async () => {
      // No ETag, no date, the same length: only the hash can tell.
      const server = await startServer((request, response, number) => {
        sendFile(request, response, { ...(number === 1 ? { ...cut, content: other } : { content }), etag: null });
      });
      const result = await fetch(`${server.url}/x.iso`, { expectedSha256: sha256(content) });
      expect(result).to.include({ sha256: sha256(content), resumedFromBytes: 0 });
      expect(server.requests).to.have.length(3);
      await expectContent();
    });

    it('keeps what it has when a server ignores Range and sends the same file again', async () => {
      const server = await startServer((request, response, number) => {
        sendFile(request, response, { ...(number === 1 ? cut : { content }), honoursRange: false });
      });
      expect((await fetch(`${server.url}/x.iso`)).sha256).to.equal(sha256(content));
      await expectContent();
    });

    it('starts over when a server sends another part than was asked for', async () => {
      const server = await startServer((request, response, number) => {
        if (number !== 2) {
          sendFile(request, response, number === 1 ? cut : { content });
          return;
        }
        response
          .writeHead(206, { 'content-range': `bytes 0-9/${content.length}`, 'content-length': 10 })
          .end(content.subarray(0, 10));
      });
      expect((await fetch(`${server.url}/x.iso`)).sha256).to.equal(sha256(content));
      expect(server.requests[2]?.headers).not.to.have.property('range');
      await expectContent();
    });

    it('starts over after a 416 when the file on the server is shorter now', async () => {
      const short = content.subarray(0, MEBIBYTE);
      const server = await startServer((request, response, number) => {
        delete request.headers['if-range'];
        sendFile(request, response, number === 1 ? cut : { content: short });
      });
      expect((await fetch(`${server.url}/x.iso`)).sha256).to.equal(sha256(short));
      await expectContent(short);
    });

    it('asks once more for a file that was complete, and needs not ask when the hash is known', async () => {
      const server = await startServer((request, response) => sendFile(request, response, { content }));
      await fetch(`${server.url}/x.iso`);
      const result = await fetch(`${server.url}/x.iso`);
      expect(result).to.include({ sha256: sha256(content), resumedFromBytes: content.length });
      expect(server.requests).to.have.length(2);
      await fetch(`${server.url}/x.iso`, { expectedSha256: sha256(content) });
      expect(server.requests).to.have.length(2);
    });

    it('does not continue what belongs to another checksum', async () => {
      const server = await startServer((request, response, number) => {
        if (number <= 2) {
          sendFile(request, response, { ...cut, cutAfterBytes: number === 1 ? 3 * MEBIBYTE : 0 });
          return;
        }
        sendFile(request, response, { content: other });
      });
      await begin(`${server.url}/x.iso`, { expectedSha256: sha256(content) });
      const result = await fetch(`${server.url}/x.iso`, { expectedSha256: sha256(other) });
      expect(result).to.include({ sha256: sha256(other), resumedFromBytes: 0 });
      expect(server.requests[2]?.headers).not.to.have.property('range');
    });

    it('trusts no more than what was synced when the machine has been restarted', async () => {
      const server = await startServer((request, response, number) =>
        number === 2 ? void response.socket?.destroy() : sendFile(request, response, number === 1 ? cut : { content }),
      );
      await begin(`${server.url}/x.iso`);
      const state = JSON.parse(await readFile(`${partial}.json`, 'utf8')) as Record<string, unknown>;
      await writeFile(`${partial}.json`, JSON.stringify({ ...state, bootId: 'an-earlier-boot', durableBytes: 4096 }));
      expect(await fetch(`${server.url}/x.iso`)).to.include({ sha256: sha256(content), resumedFromBytes: 4096 });
    });

    it('starts over when its notes are damaged', async () => {
      const server = await startServer((request, response, number) =>
        number === 2 ? void response.socket?.destroy() : sendFile(request, response, number === 1 ? cut : { content }),
      );
      await begin(`${server.url}/x.iso`);
      await writeFile(`${partial}.json`, '{"format": 1, "url"');
      expect(await fetch(`${server.url}/x.iso`)).to.include({ sha256: sha256(content), resumedFromBytes: 0 });
    });

    it('continues after kill -9, in another process', async function () {
      this.timeout(30_000);
      const server = await startServer((request, response, number) => {
        if (number > 1) {
          sendFile(request, response, { content });
          return;
        }
        sendFile(request, response, { content, stallAfterBytes: 0 });
        let sent = 0;
        const timer = setInterval(() => {
          response.write(content.subarray(sent, (sent += MEBIBYTE / 4)));
          if (sent > 3 * MEBIBYTE) clearInterval(timer);
        }, 40);
        response.on('close', () => clearInterval(timer));
      });
      const args = [`${server.url}/x.iso`, partial];
      const first = fork(CHILD, args, { execArgv: ['--import', 'tsx'] });
      first.on('message', (event: BuildEvent) => {
        if (event.type === 'progress' && event.done > 1.5 * MEBIBYTE) first.kill('SIGKILL');
      });
      await once(first, 'exit');
      expect(first.signalCode).to.equal('SIGKILL');
      const have = (await stat(partial)).size;
      expect(have).to.be.greaterThan(0);

      const second = fork(CHILD, args, { execArgv: ['--import', 'tsx'] });
      let result: DownloadedFile | undefined;
      second.on('message', (message: { type: string; result: DownloadedFile }) => {
        if (message.type === 'result') result = message.result;
      });
      await once(second, 'exit');
      expect(result).to.include({ sha256: sha256(content), resumedFromBytes: have });
      await expectContent();
    });
  });

  describe('mirrors', () => {
    it('leaves a dead one', async () => {
      const server = await startServer((request, response) => sendFile(request, response, { content }));
      const dead = `http://127.0.0.1:${await closedPort()}/x.iso`;
      const result = await fetch([dead, `${server.url}/x.iso`]);
      expect(result).to.include({ sha256: sha256(content), url: `${server.url}/x.iso` });
    });

    it('leaves one that stalls, and continues at the next when the hash is known', async () => {
      const stalling = await startServer((request, response) =>
        sendFile(request, response, { content, stallAfterBytes: 2 * MEBIBYTE }),
      );
      const server = await startServer((request, response) => sendFile(request, response, { content, etag: '"b"' }));
      // The first time it is asked again where it was; then it has got nowhere.
      const result = await fetch([`${stalling.url}/x.iso`, `${server.url}/x.iso`], {
        expectedSha256: sha256(content),
        retry: { retries: 0 },
        pace: { stallTimeoutMs: 100 },
      });
      expect(result.sha256).to.equal(sha256(content));
      expect(stalling.requests.length + server.requests.length).to.be.greaterThan(1);
      await expectContent();
    });

    it('does not splice files of two mirrors when the hash is not known', async () => {
      const first = await startServer((request, response, number) =>
        number === 1
          ? sendFile(request, response, { content: other, cutAfterBytes: 2 * MEBIBYTE })
          : void response.socket?.destroy(),
      );
      const second = await startServer((request, response) => sendFile(request, response, { content }));
      const result = await fetch([`${first.url}/x.iso`, `${second.url}/x.iso`]);
      expect(result.sha256).to.equal(sha256(content));
      expect(second.requests[0]?.headers).not.to.have.property('range');
      await expectContent();
    });

    it('leaves one that crawls while another may be faster', async () => {
      const crawling = await startServer((_request, response) => {
        response.writeHead(200, { 'content-length': content.length });
        const timer = setInterval(() => response.write(content.subarray(0, 10)), 20);
        response.on('close', () => clearInterval(timer));
      });
      const server = await startServer((request, response) => sendFile(request, response, { content }));
      const result = await fetch([`${crawling.url}/x.iso`, `${server.url}/x.iso`]);
      expect(result.url).to.equal(`${server.url}/x.iso`);
      expect(events.some((event) => event.type === 'notice' && event.message.includes('too slow'))).to.equal(true);
    });

    it('puts up with one that crawls when there is no other', async () => {
      const small = content.subarray(0, 200);
      const server = await startServer((_request, response) => {
        response.writeHead(200, { 'content-length': small.length });
        let sent = 0;
        const timer = setInterval(() => {
          response.write(small.subarray(sent, sent + 10));
          sent += 10;
          if (sent >= small.length) clearInterval(timer);
        }, 10);
      });
      const result = await fetch(`${server.url}/x.iso`, { pace: { stallTimeoutMs: 1000, windowMs: 50 } });
      expect(result.sha256).to.equal(sha256(small));
    });

    it('goes past those that do not have it, and says so when none has', async () => {
      const none = await startServer((_request, response) => response.writeHead(404).end('not here'));
      const gone = await startServer((_request, response) => response.writeHead(410).end());
      const server = await startServer((request, response) => sendFile(request, response, { content }));
      const urls = [`${none.url}/x.iso`, `${gone.url}/x.iso`];
      expect((await fetch([...urls, `${server.url}/x.iso`])).sha256).to.equal(sha256(content));
      const error = await failure(fetch(urls));
      expect(error.code).to.equal('HTTP_404');
      expect(error.message).to.include('404').and.to.include('410');
      expect(none.requests).to.have.length(2);
    });

    it('leaves one whose file has another size than what was published', async () => {
      const stale = await startServer((request, response) =>
        sendFile(request, response, { content: content.subarray(0, 1000) }),
      );
      const server = await startServer((request, response) => sendFile(request, response, { content }));
      const urls = [`${stale.url}/x.iso`, `${server.url}/x.iso`];
      const result = await fetch(urls, { expectedSizeBytes: content.length });
      expect(result.sizeBytes).to.equal(content.length);
      const error = await failure(fetch(urls[0]!, { expectedSizeBytes: content.length }));
      expect(error.code).to.equal('CHECKSUM_MISMATCH');
    });
  });

  describe('answers', () => {
    for (const status of [401, 403]) {
      it(`${status} is a matter of permission`, async () => {
        const server = await startServer((_request, response) => response.writeHead(status).end());
        expect((await failure(fetch(`${server.url}/x.iso`))).code).to.equal('PERMISSION');
      });
    }

    it('429 and 503 are waited for as long as Retry-After says', async () => {
      const at: number[] = [];
      const server = await startServer((request, response, number) => {
        at.push(performance.now());
        if (number === 1) return void response.writeHead(429, { 'retry-after': '1' }).end();
        if (number === 2) return void response.writeHead(503, { 'retry-after': new Date(0).toUTCString() }).end();
        sendFile(request, response, { content });
      });
      expect((await fetch(`${server.url}/x.iso`)).sha256).to.equal(sha256(content));
      expect(at[1]! - at[0]!).to.be.greaterThan(990);
      expect(at[2]! - at[1]!).to.be.lessThan(900);
    });

    it('a Retry-After of hours is not waited for', async () => {
      const server = await startServer((_request, response) =>
        response.writeHead(503, { 'retry-after': '7200' }).end(),
      );
      const error = await failure(fetch(`${server.url}/x.iso`));
      expect(error.code).to.equal('NETWORK');
      expect(error.message).to.include('120 minutes');
      expect(server.requests).to.have.length(1);
    });

    it('a web page is not an ISO', async () => {
      const server = await startServer((_request, response) =>
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>log in first</html>'),
      );
      const error = await failure(fetch(`${server.url}/x.iso`));
      expect(error.code).to.equal('NETWORK');
      expect(error.message).to.include('web page');
    });

    it('redirects are followed, but not in circles', async () => {
      const server = await startServer((request, response) => {
        if (request.url === '/x.iso') return void response.writeHead(302, { location: '/y.iso' }).end();
        if (request.url === '/y.iso') {
          sendFile(request, response, { content });
          return;
        }
        response.writeHead(301, { location: request.url ?? '' }).end();
      });
      expect(await fetch(`${server.url}/x.iso`)).to.include({ url: `${server.url}/y.iso` });
      const error = await failure(fetch(`${server.url}/loop.iso`));
      expect(error.code).to.equal('NETWORK');
      expect(error.message).to.include('edirect');
      expect(server.requests.length).to.be.lessThan(20);
    });

    it('redirects to anything but http and https are refused', async () => {
      const server = await startServer((_request, response) =>
        response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      );
      expect((await failure(fetch(`${server.url}/x.iso`))).code).to.equal('NETWORK');
    });

    it('a host that does not exist is a network failure', async () => {
      const error = await failure(fetch('http://no-such-host.invalid/x.iso'));
      expect(error.code).to.equal('NETWORK');
    });

    it('anything but http and https is refused at once', async () => {
      expect((await failure(fetch('file:///etc/passwd'))).code).to.equal('USAGE');
    });
  });

  it('sets a file with a wrong checksum aside', async () => {
    const server = await startServer((request, response) => sendFile(request, response, { content: other }));
    const error = await failure(fetch(`${server.url}/x.iso`, { expectedSha256: sha256(content) }));
    expect(error.code).to.equal('CHECKSUM_MISMATCH');
    expect(error.message).to.include(sha256(content)).and.to.include(sha256(other)).and.to.include(server.url);
    expect(server.requests).to.have.length(1);
    expect(await readdir(directory)).to.deep.equal([`x.iso.bad-${sha256(other).slice(0, 8)}`]);
  });

  it('stops when it is told to, and keeps what it has', async () => {
    const server = await startServer((request, response) =>
      sendFile(request, response, { content, stallAfterBytes: 3 * MEBIBYTE }),
    );
    const controller = new AbortController();
    const reason = new Iso2RootfsError('INTERRUPTED', 'stop');
    const promise = fetch(`${server.url}/x.iso`, {
      signal: controller.signal,
      pace: { stallTimeoutMs: 20_000 },
      emit: (event) => {
        if (event.type === 'progress') controller.abort(reason);
      },
    });
    expect(await failure(promise)).to.equal(reason);
    expect((await stat(partial)).size).to.be.greaterThan(0);
    expect(existsSync(`${partial}.json`)).to.equal(true);
  });

  it('keeps user name and password out of files and messages', async () => {
    const server = await startServer((request, response) =>
      request.headers.authorization === undefined
        ? void response.writeHead(401).end()
        : sendFile(request, response, { content }),
    );
    const url = server.url.replace('://', '://user:geheim@');
    const result = await fetch(`${url}/x.iso`);
    expect(JSON.stringify([result, events, await readFile(`${partial}.json`, 'utf8')])).not.to.include('geheim');
    const error = await failure(fetch(`${url}/x.iso`, { expectedSha256: 'a'.repeat(64) }));
    expect(JSON.stringify(error)).not.to.include('geheim');
  });

  it('does not write through a symbolic link', async () => {
    await writeFile(path.join(directory, 'target'), 'precious');
    await symlink('target', partial);
    const outcome = await fetch('http://127.0.0.1:1/x.iso').catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(Error);
    expect(await readFile(path.join(directory, 'target'), 'utf8')).to.equal('precious');
  });
});
