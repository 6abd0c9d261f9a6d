/**
 * The genuine installer of Debian 12, for this machine and emulated for another one, on a medium that has its kernel and initrd and nothing else (test/medium-di), with a mirror that has
 * none of its components: it starts, takes our preseed file, and comes as far as that. What then stops it must be reported by name.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { iso2rootfs, readFailure, RunningIso2Rootfs, type Ended } from '../contract/cli/program.js';
import { hostArch } from '../../src/tools/host.js';
import { findProgram, run } from '../../src/tools/run.js';
import { listUnfinished, newOnHost, surveyHost } from './host-state.js';

const SCRIPT = path.resolve(import.meta.dirname, '../medium-di/build-medium.sh');
/** Where a guest on QEMU's user network reaches this machine's loopback. */
const HOST_IN_GUEST = '10.0.2.2';
/** The script's exit status where the installer's package cannot be had: this is not Debian 12. */
const UNAVAILABLE = 69;
const MOST_MS_TO_REPORT = 10_000;

type DebianArch = 'amd64' | 'arm64';
const ARCHES: Readonly<Record<DebianArch, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

/** An unsigned Debian mirror whose only component of the installer is of no use to anybody. */
async function startEmptyMirror(arch: DebianArch): Promise<Server> {
  const packages = [
    'Package: iso2rootfs-none',
    'Version: 1',
    'Architecture: all',
    'Description: no component of the installer',
    'Size: 1',
    `SHA256: ${'0'.repeat(64)}`,
    'Filename: pool/none.udeb',
    '',
    '',
  ].join('\n');
  const index = `main/debian-installer/binary-${arch}/Packages`;
  const sha256 = createHash('sha256').update(packages).digest('hex');
  const release = [
    'Origin: Debian',
    'Suite: oldstable',
    'Codename: bookworm',
    `Architectures: ${arch}`,
    'Components: main',
    'SHA256:',
    ` ${sha256} ${packages.length} ${index}`,
    '',
  ].join('\n');
  const files = new Map([
    ['Release', release],
    [index, packages],
    // By this choose-mirror sees that the mirror knows the architecture.
    [`main/binary-${arch}/Release`, `Architecture: ${arch}\n`],
  ]);
  const server = createServer((request, response) => {
    // By the suite's name and its code name; choose-mirror calls a mirror broken that answers for another suite with this one.
    const content = files.get(/^\/debian\/dists\/(?:bookworm|oldstable)\/(.*)$/.exec(request.url ?? '')?.[1] ?? '');
    response.writeHead(content === undefined ? 404 : 200).end(request.method === 'HEAD' ? '' : content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

interface Watched extends Ended {
  /** From the appearance of the dialog on the console to the end of the program. */
  readonly reportedAfterMs: number;
}

for (const arch of ['amd64', 'arm64'] as const) describeInstaller(arch);

function describeInstaller(arch: DebianArch): void {
  describe(`the installer of Debian 12 for ${arch}`, function () {
    this.timeout(20 * 60_000);
    let directory = '';
    let medium = '';
    let preseed = '';
    let mirror: Server | undefined;
    let host: ReadonlySet<string> = new Set();

    before(async function () {
      const emulator = `qemu-system-${ARCHES[arch]}`;
      const isForeign = ARCHES[arch] !== hostArch();
      if (isForeign && (await findProgram(emulator, process.env['PATH'] ?? '')) === undefined) {
        process.stderr.write(`skipped: ${emulator} is not installed\n`);
        this.skip();
      }
      directory = await mkdtemp('/var/tmp/e2e-di-');
      medium = path.join(directory, 'di.iso');
      const { exitStatus, tail } = await run('bash', [SCRIPT, '--arch', arch, '--output', medium], {
        allowedStatuses: [0, UNAVAILABLE],
        timeoutMs: 10 * 60_000,
      });
      if (exitStatus === UNAVAILABLE) {
        process.stderr.write(`skipped: ${tail.join('\n')}\n`);
        this.skip();
      }
      mirror = await startEmptyMirror(arch);
      const { port } = mirror.address() as AddressInfo;
      const rendered = await iso2rootfs(['answer', 'render', '-f', medium]);
      expect(rendered.status, rendered.stderr).to.equal(0);
      preseed = rendered.stdout.replace(
        /^(d-i mirror\/http\/hostname string) .*$/m,
        `$1 ${HOST_IN_GUEST}:${port}\nd-i debian-installer/allow_unauthenticated boolean true`,
      );
      expect(preseed).to.not.equal(rendered.stdout);
      host = await surveyHost();
    });

    after(async () => {
      mirror?.close();
      if (directory !== '') await rm(directory, { recursive: true, force: true });
    });

    /** Builds until the dialog is on the console, and on until the program ends. */
    async function buildUntil(dialog: string, answerFile: string): Promise<Watched> {
      const answerPath = path.join(directory, 'own.preseed');
      await writeFile(answerPath, answerFile);
      const cacheDirectory = await mkdtemp(path.join(directory, 'cache-'));
      const program = new RunningIso2Rootfs(
        ['-f', medium, '-o', path.join(directory, 'out'), '--answer-file', answerPath, '--memory', '1G'],
        { env: { ISO2ROOTFS_CACHE_DIR: cacheDirectory } },
      );
      const logs = path.join(cacheDirectory, 'v1', 'logs');
      let shownAt: number | undefined;
      while (!program.hasEnded && shownAt === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        if ((await readConsole(logs)).includes(dialog)) shownAt = performance.now();
      }
      const ended = await program.done;
      const reportedAfterMs = performance.now() - (shownAt ?? performance.now());
      expect(await readConsole(logs), ended.stderr).to.include(dialog);
      expect(await newOnHost(host, cacheDirectory)).to.deep.equal([]);
      expect(await listUnfinished(cacheDirectory)).to.deep.equal([]);
      return { ...ended, reportedAfterMs };
    }

    it('takes our preseed file through language, keyboard and host name, and is reported when its components are missing', async () => {
      const { status, stderr, reportedAfterMs, ...ended } = await buildUntil('No kernel modules were found', preseed);
      expect(status).to.equal(1);
      const phases = [...stderr.matchAll(/^install: (.*)$/gm)].map((match) => match[1]);
      expect(phases).to.include.members([
        'setting the language',
        'setting the keyboard',
        'detecting network hardware',
        'configuring the network',
        'setting the host name',
        'choosing a mirror',
        'downloading installer components',
      ]);
      const failure = readFailure({ status, stderr, ...ended });
      expect(failure).to.include({ code: 'BUILD_FAILED', stage: 'install' });
      expect(failure.error).to.match(/Download installer components: No kernel modules were found/);
      expect(failure.hint).to.match(/did not get its own components/);
      expect(await readFile(failure.log, 'utf8')).to.include('No kernel modules were found');
      expect(reportedAfterMs).to.be.lessThan(MOST_MS_TO_REPORT);
      // What is another machine than this one says that it is slow.
      if (arch === 'arm64' && hostArch() === 'x86_64')
        expect(stderr).to.match(/^.*the guest is aarch64.*software emulation.*many times longer/m);
    });

    // The same program with the same words: once is enough.
    if (arch === 'amd64')
      it('is reported with the title of its question when the preseed file leaves one open', async () => {
        const incomplete = preseed.replace(
          /^d-i (debian-installer\/(locale|language|country)|localechooser\/).*\n/gm,
          '',
        );
        const { status, stderr, reportedAfterMs, ...ended } = await buildUntil('Select a language', incomplete);
        expect(status).to.equal(124);
        expect(stderr).to.match(/^Warning: .*the language is not given/m);
        const failure = readFailure({ status, stderr, ...ended });
        expect(failure).to.include({ code: 'STALLED', stage: 'install' });
        expect(failure.error).to.match(/waits for an answer: Select a language: /);
        expect(reportedAfterMs).to.be.lessThan(MOST_MS_TO_REPORT);
      });
  });
}

/** Everything that the consoles in a directory of logs have said. */
async function readConsole(logs: string): Promise<string> {
  const builds = await readdir(logs).catch(() => []);
  const texts = builds.map((id) => readFile(path.join(logs, id, 'console.log'), 'utf8').catch(() => ''));
  return (await Promise.all(texts)).join('');
}
