import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { downloadFile, type DownloadedFile, type DownloadRequest } from '../../../src/download/download-file.js';
import { Iso2RootfsError } from '../../../src/errors.js';
import { makeCertificate, type Certificate } from './certificates.js';
import { closeServers, listen, sendFile, sha256, shut, startServer } from './server.js';

const content = randomBytes(300_000);

describe('downloadFile through proxies and TLS', () => {
  let directory: string;
  let certificate: Certificate;
  const servers: http.Server[] = [];

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-proxy-'));
    certificate = await makeCertificate(directory);
  });

  afterEach(async () => {
    await closeServers();
    await Promise.all(servers.splice(0).map(shut));
    await rm(path.join(directory, 'x.partial'), { force: true });
    await rm(path.join(directory, 'x.partial.json'), { force: true });
  });

  after(() => rm(directory, { recursive: true, force: true }));

  function fetch(url: string, more: Partial<DownloadRequest> = {}): Promise<DownloadedFile> {
    return downloadFile({
      urls: [url],
      destinationPartial: path.join(directory, 'x.partial'),
      retry: { retries: 1, minDelayMs: 1 },
      ...more,
    });
  }

  async function startTlsServer(answer: http.RequestListener): Promise<string> {
    const server = https.createServer(certificate, answer);
    servers.push(server);
    return `https://127.0.0.1:${await listen(server)}`;
  }

  /** A forwarding proxy; it tells what it was asked for. */
  async function startProxy(): Promise<{ url: string; asked: string[]; credentials: (string | undefined)[] }> {
    const asked: string[] = [];
    const credentials: (string | undefined)[] = [];
    const proxy = http.createServer((request, response) => {
      asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
      credentials.push(request.headers['proxy-authorization']);
      const headers = { ...request.headers };
      delete headers['proxy-authorization'];
      const forwarded = http.get(request.url ?? '', { headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      forwarded.on('error', () => response.destroy());
    });
    proxy.on('connect', (request, socket: net.Socket) => {
      asked.push(`CONNECT ${request.url ?? ''}`);
      credentials.push(request.headers['proxy-authorization']);
      if (request.url?.startsWith('refused.')) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      const [host, port] = (request.url ?? '').split(':');
      const upstream = net.connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => undefined).on('close', () => socket.destroy());
      socket.on('error', () => undefined).on('close', () => upstream.destroy());
    });
    servers.push(proxy);
    return { url: `http://127.0.0.1:${await listen(proxy)}`, asked, credentials };
  }

  it('asks an http proxy for the whole URL', async () => {
    const server = await startServer((request, response) => sendFile(request, response, { content }));
    const proxy = await startProxy();
    const environment = { HTTP_PROXY: proxy.url.replace('://', '://user:p%40ss@') };
    const result = await fetch(`${server.url}/x.iso?a=b`, { network: { environment } });
    expect(result.sha256).to.equal(sha256(content));
    expect(proxy.asked).to.deep.equal([`GET ${server.url}/x.iso?a=b`]);
    expect(proxy.credentials).to.deep.equal([`Basic ${Buffer.from('user:p@ss').toString('base64')}`]);
    expect(server.requests[0]?.headers.host).to.equal(server.url.replace('http://', ''));
  });

  it('has a proxy open a tunnel for https', async () => {
    const url = await startTlsServer((request, response) => sendFile(request, response, { content }));
    const proxy = await startProxy();
    const network = { environment: { https_proxy: proxy.url }, certificateAuthority: certificate.cert.toString() };
    expect((await fetch(`${url}/x.iso`, { network })).sha256).to.equal(sha256(content));
    expect(proxy.asked).to.deep.equal([`CONNECT ${url.replace('https://', '')}`]);
  });

  it('checks the certificate inside the tunnel, too', async () => {
    const url = await startTlsServer((request, response) => sendFile(request, response, { content }));
    const proxy = await startProxy();
    const error = await fetch(`${url}/x.iso`, { network: { environment: { https_proxy: proxy.url } } }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(Iso2RootfsError).with.property('code', 'NETWORK');
    expect((error as Error).message).to.include('certificate');
  });

  it('says that the proxy refuses', async () => {
    const proxy = await startProxy();
    const network = { environment: { https_proxy: proxy.url } };
    const error = await fetch('https://refused.invalid/x.iso', { network }).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(Iso2RootfsError).with.property('code', 'NETWORK');
    expect((error as Error).message)
      .to.include('refuses to connect')
      .and.to.include('403');
  });

  it('goes past the proxy where no_proxy says so, also after a redirect', async () => {
    const direct = await startServer((request, response) => sendFile(request, response, { content }));
    const first = await startServer((_request, response) => {
      response.writeHead(302, { location: `${direct.url.replace('127.0.0.1', 'localhost')}/x.iso` }).end();
    });
    const proxy = await startProxy();
    const environment = { http_proxy: proxy.url, no_proxy: 'localhost' };
    expect((await fetch(`${first.url}/x.iso`, { network: { environment } })).sha256).to.equal(sha256(content));
    expect(proxy.asked).to.deep.equal([`GET ${first.url}/x.iso`]);
  });

  it('a proxy variable that makes no sense is a configuration error', async () => {
    const network = { environment: { http_proxy: 'socks5://127.0.0.1:1' } };
    const error = await fetch('http://127.0.0.1:1/x.iso', { network }).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(Iso2RootfsError).with.property('code', 'CONFIG_INVALID');
  });

  it('fetches over TLS from whom it trusts, and from nobody else', async () => {
    const url = await startTlsServer((request, response) => sendFile(request, response, { content }));
    const network = { certificateAuthority: certificate.cert.toString() };
    expect((await fetch(`${url}/x.iso`, { network })).sha256).to.equal(sha256(content));
    const error = await fetch(`${url}/y.iso`).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(Iso2RootfsError).with.property('code', 'NETWORK');
    expect((error as Error).message).to.include('the certificate is not trusted');
  });

  it('does not follow a redirect from https to http', async () => {
    const plain = await startServer((request, response) => sendFile(request, response, { content }));
    const url = await startTlsServer((_request, response) => {
      response.writeHead(302, { location: `${plain.url}/x.iso` }).end();
    });
    const network = { certificateAuthority: certificate.cert.toString() };
    const error = await fetch(`${url}/x.iso`, { network }).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(Iso2RootfsError).with.property('code', 'NETWORK');
    expect((error as Error).message).to.include('refused a redirect');
    expect(plain.requests).to.have.length(0);
  });
});
