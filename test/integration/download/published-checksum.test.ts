import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import {
  fetchPublishedChecksum,
  guessChecksumSources,
  type ChecksumSource,
  type PublishedChecksum,
} from '../../../src/download/published-checksum.js';
import { Iso2RootfsError, type ErrorCode } from '../../../src/errors.js';
import type { BuildEvent } from '../../../src/events.js';
import type { PublicKey } from '../../../src/tools/gpg.js';
import { closedPort, closeServers, startServer } from './server.js';

const A = 'a07952feb2f9f0239143daf6cc061a396e09bbb3e26d8fbf38eeb21d0251bde0';
const B = '29f143ddbe888be489d3147c3c0f11e8c6a6fb57cb19be93516b7926bdf0fd81';

describe('fetchPublishedChecksum', () => {
  let base: string;
  let requested: readonly { readonly path: string }[];
  let files: Record<string, string | Buffer>;
  let events: BuildEvent[];

  beforeEach(async () => {
    files = {};
    events = [];
    const server = await startServer((request, response) => {
      const file = files[request.url ?? ''];
      if (file === undefined) response.writeHead(404, { 'content-type': 'text/html' }).end('<html>404</html>');
      else response.end(file);
    });
    base = server.url;
    requested = server.requests;
  });

  afterEach(closeServers);

  function fetch(
    sources: readonly (string | ChecksumSource)[],
    more: { signingKey?: PublicKey } = {},
  ): Promise<PublishedChecksum | undefined> {
    return fetchPublishedChecksum({
      sources: sources.map((source) => (typeof source === 'string' ? { url: `${base}${source}` } : source)),
      isoUrl: `${base}/x.iso`,
      emit: (event) => events.push(event),
      retry: { retries: 1, minDelayMs: 1 },
      ...more,
    });
  }

  async function code(promise: Promise<unknown>): Promise<ErrorCode | undefined> {
    const error: unknown = await promise.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error !== undefined && !(error instanceof Iso2RootfsError)) throw error as Error;
    return error?.code;
  }

  it('reads a sidecar', async () => {
    files['/x.iso.sha256sum'] = `${A}  x.iso\n`;
    expect(await fetch(['/x.iso.sha256sum'])).to.deep.equal({
      sha256: A,
      sizeBytes: undefined,
      fromUrl: `${base}/x.iso.sha256sum`,
      dialect: 'gnu',
      signature: 'none',
      signedBy: undefined,
    });
  });

  it('takes the next source when one does not have it, does not list it, or knows SHA-512 only', async () => {
    files['/b'] = `${B}  other.iso\n`;
    files['/c'] = `${A}${B}  x.iso\n`;
    files['/d'] = `SHA256 (x.iso) = ${A}\n`;
    expect(await fetch(['/a', '/b', '/c', '/d'])).to.include({ sha256: A, fromUrl: `${base}/d` });
    expect(await fetch(['/a', '/b', '/c'])).to.equal(undefined);
    const [warning] = events;
    expect(warning?.type).to.equal('warning');
    for (const word of ['/a: not there', 'does not list x.iso', 'SHA512']) {
      expect(JSON.stringify(warning)).to.include(word);
    }
  });

  it('does not go on without when a source cannot be asked, or sends a web page', async () => {
    const dead = `http://127.0.0.1:${await closedPort()}/x.iso.sha256`;
    expect(await code(fetch([{ url: dead }, '/a']))).to.equal('NETWORK');
    files['/page'] = '<!doctype html><title>Log in</title>';
    expect(await code(fetch(['/page']))).to.equal('NETWORK');
    files['/x.iso.sha256'] = A;
    expect(await fetch([{ url: dead }, '/page', '/x.iso.sha256'])).to.include({ sha256: A, dialect: 'bare' });
  });

  it('does not choose between contradicting sums', async () => {
    files['/a'] = `${A}  x.iso\n${B}  x.iso\n`;
    files['/b'] = `${A}  x.iso\n`;
    expect(await code(fetch(['/a', '/b']))).to.equal('CHECKSUM_MISMATCH');
  });

  it('does not read on forever', async () => {
    files['/a'] = Buffer.alloc(5 * 1024 * 1024, `${B}  other.iso\n`);
    expect(await code(fetch(['/a']))).to.equal('NETWORK');
    expect(requested).to.have.length(1);
  });

  it('guesses where a checksum may lie', async () => {
    files['/SHA256SUMS'] = `${A} *x.iso\n`;
    const sources = guessChecksumSources(`${base}/x.iso?token=1`);
    expect(sources[0]).to.deep.equal({ url: `${base}/x.iso.sha256sum` });
    expect(await fetch(sources)).to.include({ sha256: A, fromUrl: `${base}/SHA256SUMS` });
  });

  describe('signatures', function () {
    this.timeout(30_000);
    const keys: Record<string, PublicKey> = {};
    let home: string;
    let directory: string;
    const list = `${B}  other.iso\n- -- \n${A}  x.iso\n`;

    const gpg = (...args: string[]): Promise<{ stdout: string }> =>
      promisify(execFile)('gpg', ['--homedir', home, '--batch', '--quiet', '--no-tty', ...args]);

    async function sign(key: PublicKey, kind: string, text = list): Promise<Buffer> {
      const [input, output] = [path.join(directory, 'input'), path.join(directory, 'output')];
      await writeFile(input, text);
      await rm(output, { force: true });
      await gpg('--local-user', key.fingerprint, '--output', output, kind, input);
      return readFile(output);
    }

    before(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-keys-'));
      home = path.join(directory, 'home');
      await mkdir(home, { mode: 0o700 });
      for (const name of ['publisher', 'stranger']) {
        await gpg(
          '--passphrase',
          '',
          '--quick-generate-key',
          `${name} <${name}@example.org>`,
          'ed25519',
          'sign',
          'never',
        );
        const { stdout } = await gpg('--with-colons', '--list-keys', `${name}@example.org`);
        const fingerprint = /^fpr:+([0-9A-F]+):/m.exec(stdout)?.[1] ?? '';
        const file = path.join(directory, `${name}.asc`);
        await gpg('--armor', '--output', file, '--export', fingerprint);
        keys[name] = { fingerprint, file };
      }
    });

    after(async () => {
      await promisify(execFile)('gpgconf', ['--homedir', home, '--kill', 'all']);
      await rm(directory, { recursive: true, force: true });
    });

    const detached = (): ChecksumSource[] => [{ url: `${base}/SHA256SUMS`, signatureUrl: `${base}/SHA256SUMS.sign` }];

    it('verifies a detached one, armoured or not', async () => {
      const publisher = keys['publisher']!;
      files['/SHA256SUMS'] = list;
      for (const kind of [['--detach-sign'], ['--armor', '--detach-sign']]) {
        files['/SHA256SUMS.sign'] = await sign(publisher, kind.at(-1)!);
        expect(await fetch(detached(), { signingKey: publisher })).to.include({
          sha256: A,
          signature: 'verified',
          signedBy: publisher.fingerprint,
        });
      }
    });

    it('verifies a clear-signed file, and a clear-signed copy', async () => {
      const publisher = keys['publisher']!;
      files['/CHECKSUM'] = await sign(publisher, '--clear-sign');
      expect(await fetch(['/CHECKSUM'], { signingKey: publisher })).to.include({ sha256: A, signature: 'verified' });
      // The unsigned file beside a clear-signed copy may say what it likes.
      files['/SHA256SUMS'] = `${B}  x.iso\n`;
      files['/SHA256SUMS.sign'] = files['/CHECKSUM'];
      expect(await fetch(detached(), { signingKey: publisher })).to.include({ sha256: A, signature: 'verified' });
    });

    it('says that it is signed when no key is known', async () => {
      files['/CHECKSUM'] = await sign(keys['publisher']!, '--clear-sign');
      expect(await fetch(['/CHECKSUM'])).to.include({ sha256: A, signature: 'unverified', signedBy: undefined });
    });

    it('refuses what was changed, what somebody else signed, and what is not signed', async () => {
      const publisher = keys['publisher']!;
      const stranger = keys['stranger']!;
      const attempt = (sources: readonly (string | ChecksumSource)[], signingKey = publisher) =>
        code(fetch(sources, { signingKey }));

      files['/SHA256SUMS'] = list.replace(A, B);
      files['/SHA256SUMS.sign'] = await sign(publisher, '--detach-sign');
      expect(await attempt(detached())).to.equal('CHECKSUM_MISMATCH');

      files['/SHA256SUMS'] = list;
      expect(await attempt(detached())).to.equal(undefined);
      expect(await attempt(detached(), stranger)).to.equal('CHECKSUM_MISMATCH');
      expect(await attempt(detached(), { ...stranger, fingerprint: publisher.fingerprint })).to.equal('CONFIG_INVALID');
      expect(await attempt(detached(), { ...publisher, file: '/does/not/exist' })).to.equal('CONFIG_INVALID');

      files['/SHA256SUMS.sign'] = 'not a signature';
      expect(await attempt(detached())).to.equal('CHECKSUM_MISMATCH');
      delete files['/SHA256SUMS.sign'];
      expect(await attempt(detached())).to.equal('CHECKSUM_MISMATCH');
      expect(await attempt(['/SHA256SUMS'])).to.equal('CHECKSUM_MISMATCH');

      const signed = (await sign(publisher, '--clear-sign')).toString();
      files['/CHECKSUM'] = signed.replace(A, B);
      expect(await attempt(['/CHECKSUM'])).to.equal('CHECKSUM_MISMATCH');
      files['/CHECKSUM'] = `${B}  x.iso\n${signed}`;
      expect(await fetch(['/CHECKSUM'], { signingKey: publisher })).to.include({ sha256: A });
    });

    it('accepts one good signature among others', async () => {
      const publisher = keys['publisher']!;
      files['/SHA256SUMS'] = list;
      files['/SHA256SUMS.sign'] = Buffer.concat([
        await sign(keys['stranger']!, '--detach-sign'),
        await sign(publisher, '--detach-sign'),
      ]);
      expect(await fetch(detached(), { signingKey: publisher })).to.include({ signature: 'verified' });
    });

    it('leaves nothing behind', async () => {
      const temporary = path.join(directory, 'tmp');
      await mkdir(temporary);
      const before = process.env['TMPDIR'];
      process.env['TMPDIR'] = temporary;
      try {
        files['/CHECKSUM'] = await sign(keys['publisher']!, '--clear-sign');
        await fetch(['/CHECKSUM'], { signingKey: keys['publisher']! });
        expect(await code(fetch(['/CHECKSUM'], { signingKey: keys['stranger']! }))).to.equal('CHECKSUM_MISMATCH');
      } finally {
        if (before === undefined) delete process.env['TMPDIR'];
        else process.env['TMPDIR'] = before;
      }
      expect(await readdir(temporary)).to.deep.equal([]);
    });
  });
});
