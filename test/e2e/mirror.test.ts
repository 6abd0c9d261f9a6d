/** The story that the program exists for, against a server that plays an openEuler mirror with the test medium under the real path names. */
import { createReadStream } from 'node:fs';
import { appendFile, copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { hashFile } from '../../src/store/hash-file.js';
import { iso2rootfs, readFailure, type Ended } from '../contract/cli/program.js';
import { convertOnce, GUEST, type SharedConversion } from './conversion.js';

const ISO = '/openEuler-22.03-LTS/ISO/x86_64/openEuler-22.03-LTS-x86_64-dvd.iso';

interface Served {
  readonly path: string;
  readonly bytes: number;
}

/** A mirror that says what it has sent, and breaks the connection in the middle of the ISO as often as it is told. */
class Mirror {
  readonly #server: Server;
  served: Served[] = [];
  cuts = 0;

  constructor(private readonly root: string) {
    this.#server = createServer((request, response) => {
      void this.#answer(request.url ?? '/', request.headers.range, response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get isoBytes(): number {
    return this.served.filter(({ path: served }) => served === ISO).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async #answer(url: string, range: string | undefined, response: import('node:http').ServerResponse): Promise<void> {
    const file = path.join(this.root, path.normalize(url));
    const status = await stat(file).catch(() => undefined);
    if (status === undefined) {
      response.writeHead(404).end();
      return;
    }
    const start = Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': status.size - start,
      etag: `"${status.mtimeMs}-${status.size}"`,
      ...(start > 0 ? { 'content-range': `bytes ${start}-${status.size - 1}/${status.size}` } : {}),
    });
    const willCut = url === ISO && this.cuts > 0;
    if (willCut) this.cuts -= 1;
    const limit = willCut ? Math.floor(Math.random() * (status.size - start)) : Infinity;
    let bytes = 0;
    const source = createReadStream(file, { start });
    source.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes <= limit) return;
      source.destroy();
      response.destroy();
    });
    response.on('close', () => {
      source.destroy();
      this.served.push({ path: url, bytes });
    });
    source.pipe(response);
  }
}

describe('a mirror of openEuler', function () {
  this.timeout(40 * 60_000);
  let conversion: SharedConversion;
  let mirror: Mirror;
  let root: string;
  let url: string;

  const publish = async (source: string): Promise<void> => {
    const iso = path.join(root, ISO);
    await mkdir(path.dirname(iso), { recursive: true });
    await rm(iso, { force: true });
    await copyFile(source, iso);
    await writeFile(`${iso}.sha256sum`, `${await hashFile(iso)}  ${path.basename(iso)}\n`);
  };
  const ask = async (command: string, args: readonly string[], cache = conversion.cacheDirectory): Promise<Ended> => {
    mirror.served = [];
    const release = ['-d', 'openeuler', '-r', '22.03-lts'];
    return iso2rootfs([command, ...release, '--cache-dir', cache, ...args], {
      cwd: conversion.directory,
      env: { XDG_CONFIG_HOME: path.join(conversion.directory, 'config') },
    });
  };

  before(async () => {
    conversion = await convertOnce();
    root = path.join(conversion.directory, 'mirror');
    mirror = new Mirror(root);
    url = await mirror.listen();
    const catalogue = path.join(conversion.directory, 'config', 'iso2rootfs', 'distros.d');
    await mkdir(catalogue, { recursive: true });
    await writeFile(path.join(catalogue, 'mirror.yaml'), `format: 1\nid: openeuler\nmirrors: ['${url}']\n`);
    await publish(conversion.medium);
  });

  after(async () => {
    await mirror.close();
  });

  it('is asked for the sidecar only, since the medium has been converted before', async () => {
    const output = path.join(conversion.directory, 'from-mirror');
    const result = await ask('build', ['-o', output, '--outputs', 'kernel', ...GUEST]);
    expect(result.status, result.stderr).to.equal(0);
    expect(result.stderr).to.match(/nothing is installed/);
    expect(mirror.served.map(({ path: served }) => served)).to.deep.equal([`${ISO}.sha256sum`]);
    expect(await readdir(output)).to.include('vmlinuz');
  });

  it('serves fetch without a byte of the ISO, and need not be there at all', async () => {
    const output = path.join(conversion.directory, 'fetched');
    const online = await ask('fetch', ['-o', output, '--outputs', 'kernel']);
    expect(online.status, online.stderr).to.equal(0);
    expect(mirror.isoBytes).to.equal(0);
    const offline = await ask('fetch', ['-o', output, '--outputs', 'kernel', '--offline']);
    expect(offline.status, offline.stderr).to.equal(0);
    expect(mirror.served).to.deep.equal([]);
  });

  it('has nothing for fetch in an empty cache', async () => {
    const result = await ask('fetch', [], path.join(conversion.directory, 'empty-cache'));
    expect(result.status, result.stderr).to.equal(66);
    expect(readFailure(result).code).to.equal('NOT_CACHED');
    expect(mirror.isoBytes).to.equal(0);
  });

  it('may cut the connection three times: nothing changes but the time', async () => {
    mirror.cuts = 3;
    const cache = path.join(conversion.directory, 'other-cache');
    const result = await iso2rootfs(['inspect', `${url}${ISO}`, '--json', '--cache-dir', cache], {
      cwd: conversion.directory,
    });
    expect(result.status, result.stderr).to.equal(0);
    expect(mirror.cuts).to.equal(0);
    const { sha256, medium } = JSON.parse(result.stdout) as { sha256: string; medium: Record<string, unknown> };
    expect(sha256).to.equal(await hashFile(conversion.medium));
    expect(medium).to.include({ distro: 'openeuler', release: '22.03-lts', arch: 'x86_64' });
    expect(await readdir(path.join(cache, 'v1', 'media'))).to.deep.equal([`${sha256}.iso`]);
  });

  it('is not believed when the file is not the published one', async () => {
    const sidecar = path.join(root, `${ISO}.sha256sum`);
    await writeFile(sidecar, `${'0'.repeat(64)}  ${path.basename(ISO)}\n`);
    const result = await ask('build', [...GUEST], path.join(conversion.directory, 'third-cache'));
    expect(result.status, result.stderr).to.equal(65);
    expect(readFailure(result).code).to.equal('CHECKSUM_MISMATCH');
  });

  it('may publish a respin under the same name: that one is not in the cache', async () => {
    const respin = path.join(conversion.directory, 'respin.iso');
    await copyFile(conversion.medium, respin);
    await appendFile(respin, Buffer.alloc(2048));
    await publish(respin);
    const result = await ask('fetch', []);
    expect(result.status, result.stderr).to.equal(66);
    expect(readFailure(result).code).to.equal('NOT_CACHED');
  });
});
