import { once } from 'node:events';
import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { Iso2RootfsError } from '../../../src/errors.js';
import { failureOf } from './fake-programs.js';
import { findProgram, formatCommand, programEnvironment, run, shellQuote, start } from '../../../src/tools/run.js';

let directory: string;

/** A dead process that waits for its parent to notice does not count. */
const isAlive = (pid: number): boolean => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return false;
  }
};

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(10);
}

describe('tools/run', () => {
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'run-test-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  describe('outcome', () => {
    it('returns what the program printed on stdout, and not stderr', async () => {
      const result = await run('sh', ['-c', 'echo out; echo err >&2']);
      expect(result).to.include({ exitStatus: 0, stdout: 'out\n' });
      expect([...result.tail].sort()).to.deep.equal(['err', 'out']);
    });

    it('says what a missing program is needed for', async () => {
      const error = await failureOf(run('virt-nonesuch', [], { reason: 'read the disk' }));
      expect(error.code).to.equal('TOOL_MISSING');
      expect(error.message).to.equal('virt-nonesuch is not installed (needed to read the disk)');
      expect(error.hint).to.contain('doctor');
    });

    it('takes neither a directory nor a file without the execute bit for a program', async () => {
      await writeFile(path.join(directory, 'plain'), '');
      expect(await findProgram(path.basename(directory), path.dirname(directory))).to.equal(undefined);
      expect(await findProgram('plain', directory)).to.equal(undefined);
    });

    it('looks in the directories of PATH in their order, and in the given environment', async () => {
      await writeFile(path.join(directory, 'true'), '#!/bin/sh\necho fake\n', { mode: 0o755 });
      const result = await run('true', [], { env: { PATH: `${directory}:/usr/bin:/bin` } });
      expect(result.stdout).to.equal('fake\n');
    });

    it('finds a program of a relative PATH entry even when it runs elsewhere', async () => {
      await writeFile(path.join(directory, 'where'), '#!/bin/sh\npwd\n', { mode: 0o755 });
      const relative = path.relative(process.cwd(), directory);
      const result = await run('where', [], { env: { PATH: `${relative}:/usr/bin:/bin` }, cwd: '/usr' });
      expect(result.stdout).to.equal('/usr\n');
    });

    it('fails with the line that tells why, the command and the log', async () => {
      const logFile = path.join(directory, 'log');
      const script = 'echo starting; echo "error: disk is locked" >&2; sleep 0.05; echo it failed; exit 3';
      const error = await failureOf(run('sh', ['-c', script], { logFile }));
      expect(error.code).to.equal('TOOL_FAILED');
      expect(error.message).to.equal('sh failed (exit status 3): error: disk is locked');
      expect(error.log).to.equal(logFile);
      expect(error.data?.['command']).to.contain('disk is locked');
      expect(error.data?.['tail']).to.deep.equal(['starting', 'error: disk is locked', 'it failed']);
    });

    it('names the signal of a program that was killed', async () => {
      const error = await failureOf(run('sh', ['-c', 'kill -SEGV $$']));
      expect(error.message).to.equal('sh failed (was ended by SIGSEGV)');
    });

    it('accepts the exit statuses that the caller allows', async () => {
      expect((await run('sh', ['-c', 'exit 1'], { allowedStatuses: [0, 1] })).exitStatus).to.equal(1);
      expect((await failureOf(run('sh', ['-c', 'exit 2'], { allowedStatuses: [0, 1] }))).code).to.equal('TOOL_FAILED');
    });

    it('tells a full disk from other failures', async function () {
      if (!existsSync('/dev/full')) this.skip();
      const error = await failureOf(run('dd', ['if=/dev/zero', 'of=/dev/full', 'count=1']));
      expect(error.code).to.equal('NO_SPACE');
      expect(error.message).to.contain('No space left on device');
    });

    it('reports a program that cannot be started', async () => {
      const error = await failureOf(run('true', [], { cwd: path.join(directory, 'nowhere') }));
      expect(error.code).to.equal('TOOL_FAILED');
      expect(error.message).to.contain('could not be started');
      await writeFile(path.join(directory, 'odd'), '#!/nonexistent/interpreter\n', { mode: 0o755 });
      expect((await failureOf(run(path.join(directory, 'odd'), []))).code).to.equal('TOOL_FAILED');
    });
  });

  describe('input and environment', () => {
    it('closes stdin, so that nothing waits for an answer', async () => {
      expect((await run('cat', [])).stdout).to.equal('');
    });

    it('gives text on stdin', async () => {
      expect((await run('cat', [], { stdin: { text: 'root:ä\n' } })).stdout).to.equal('root:ä\n');
    });

    it('does not mind a program that does not read its stdin', async () => {
      expect((await run('true', [], { stdin: { text: 'x'.repeat(1024 * 1024) } })).exitStatus).to.equal(0);
    });

    it('lets the caller write stdin and read stdout', async () => {
      const program = await start('tr', ['a-z', 'A-Z'], { stdin: 'pipe', stdout: 'stream' });
      program.stdin?.end('stream');
      expect(await text(program.stdout!)).to.equal('STREAM');
      expect((await program.done).stdout).to.equal('');
    });

    it('passes arguments as they are', async () => {
      const args = ['$(id)', '`id`', '; id', '*', "it's", 'two\nlines', ''];
      const result = await run('printf', ['%s\\0', ...args]);
      expect(result.stdout).to.equal(args.map((argument) => `${argument}\0`).join(''));
    });

    it('passes on an allow-list of variables and a fixed locale', () => {
      const inherited = {
        PATH: '/bin',
        HOME: '/root',
        LIBVIRT_DEFAULT_URI: 'qemu:///system',
        https_proxy: 'http://proxy',
        AWS_SECRET_ACCESS_KEY: 'secret',
        NODE_OPTIONS: '--inspect',
        LD_PRELOAD: '/x.so',
        LANG: 'de_DE',
        LC_MESSAGES: 'de_DE',
        TZ: 'Asia/Shanghai',
      };
      expect(programEnvironment({ EXTRA: '1' }, inherited)).to.deep.equal({
        PATH: '/bin',
        HOME: '/root',
        LIBVIRT_DEFAULT_URI: 'qemu:///system',
        https_proxy: 'http://proxy',
        LC_ALL: 'C.UTF-8',
        EXTRA: '1',
      });
    });

    it('hides the rest of our environment from the program', async () => {
      process.env['RUN_TEST_SECRET'] = 'secret';
      try {
        expect((await run('env', [])).stdout)
          .to.contain('LC_ALL=C.UTF-8')
          .and.not.contain('RUN_TEST_SECRET');
      } finally {
        delete process.env['RUN_TEST_SECRET'];
      }
    });
  });

  describe('lines and log', () => {
    it('begins the log with the command, ready to paste', async () => {
      const logFile = path.join(directory, 'log');
      await run('printf', [String.raw`%s\n`, "it's", 'a b', '$HOME'], { logFile });
      const [first, ...rest] = (await readFile(logFile, 'utf8')).split('\n');
      expect(rest).to.deep.equal(["it's", 'a b', '$HOME', '']);
      const pasted = await run('sh', ['-c', first!.replace(/^\$ /, '')]);
      expect(pasted.stdout).to.equal("it's\na b\n$HOME\n");
    });

    it('keeps the log from other users, and appends to it', async () => {
      const logFile = path.join(directory, 'log');
      await run('echo', ['1'], { logFile });
      await run('echo', ['2'], { logFile });
      expect((await stat(logFile)).mode & 0o777).to.equal(0o600);
      expect(await readFile(logFile, 'utf8')).to.equal('$ echo 1\n1\n$ echo 2\n2\n');
    });

    it('does not fail because the log cannot be written', async () => {
      expect((await run('echo', ['1'], { logFile: path.join(directory, 'no/log') })).stdout).to.equal('1\n');
      if (!existsSync('/dev/full')) return;
      await symlink('/dev/full', path.join(directory, 'full'));
      const result = await run('seq', ['1000000'], { logFile: path.join(directory, 'full') });
      expect(result.tail.at(-1)).to.equal('1000000');
    });

    it('keeps characters whole that arrive in pieces', async () => {
      const lines: string[] = [];
      const script = String.raw`printf 'a\303'; sleep 0.05; printf '\244b\342\202'; sleep 0.05; printf '\254\n'`;
      const result = await run('sh', ['-c', script], { onLine: (line) => lines.push(line) });
      expect(lines).to.deep.equal(['aäb€']);
      expect(result.stdout).to.equal('aäb€\n');
    });

    it('splits at line feeds and carriage returns, also when they arrive apart', async () => {
      const lines: string[] = [];
      const script = String.raw`printf '10%%\r20%%\r'; sleep 0.05; printf '\nthe end'`;
      await run('sh', ['-c', script], { onLine: (line) => lines.push(line) });
      expect(lines).to.deep.equal(['10%', '20%', 'the end']);
    });

    it('needs little memory for much output', async function () {
      this.timeout(30_000);
      const logFile = path.join(directory, 'log');
      let peakBytes = 0;
      const watch = setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage().rss)), 20);
      const before = process.memoryUsage().rss;
      const result = await run('sh', ['-c', 'yes 0123456789abcdef | head -c 100000000; yes | head -c 300 >&2'], {
        logFile,
      });
      clearInterval(watch);
      expect(result.tail).to.have.lengthOf(50);
      expect(result.stdout.length).to.be.within(16 * 1024 * 1024, 17 * 1024 * 1024);
      expect((await stat(logFile)).size).to.be.greaterThan(100_000_000);
      expect(peakBytes - before).to.be.lessThan(150 * 1024 * 1024);
    });

    it('holds a program back while its stdout is not read', async () => {
      const counter = path.join(directory, 'counter');
      const script = `i=0; while [ $i -lt 64 ]; do head -c 262144 /dev/zero; i=$((i+1)); echo $i > ${counter}; done`;
      const program = await start('sh', ['-c', script], { stdout: 'stream', idleTimeoutMs: 200 });
      await pause(450);
      expect(Number(await readFile(counter, 'utf8'))).to.be.lessThan(16);
      let bytes = 0;
      for await (const chunk of program.stdout!) bytes += (chunk as Buffer).length;
      expect(bytes).to.equal(64 * 262144);
      await program.done;
    });

    it('ends a program whose output nobody wants any more, whether anything of it was read or not', async () => {
      for (const isRead of [true, false]) {
        const program = await start('yes', [], { stdout: 'stream' });
        if (isRead) await once(program.stdout!, 'data');
        program.stdout!.destroy();
        // By SIGPIPE; where that is ignored, as in some CI systems, by EPIPE or ECONNRESET.
        expect((await failureOf(program.done)).message).to.match(
          /^yes failed \((was ended by SIGPIPE|exit status 1)\)/,
        );
      }
    });

    it('quotes only what a shell would not take literally', () => {
      expect(shellQuote('a=b,c:/d-e.f_g@1%+')).to.equal('a=b,c:/d-e.f_g@1%+');
      expect(formatCommand('x', ['', "it's", '~', '#', '\n'])).to.equal(`x '' 'it'\\''s' '~' '#' '\n'`);
    });
  });

  describe('ending', () => {
    /** A program with a child, both deaf to SIGINT and SIGTERM; gives the child's number. */
    async function startDeafFamily(
      signal?: AbortSignal,
    ): Promise<{ program: Awaited<ReturnType<typeof start>>; child: number }> {
      const pidFile = path.join(directory, 'pid');
      // The child holds none of our pipes: they close before it is gone.
      const script = `trap '' INT TERM; sh -c 'trap "" INT TERM; echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; while :; do sleep 1; done' > /dev/null 2>&1 & wait; wait`;
      const program = await start('sh', ['-c', script], { signal, signalPauseMs: 100 });
      await waitFor(() => existsSync(pidFile));
      return { program, child: Number(await readFile(pidFile, 'utf8')) };
    }

    it('ends the whole process group, also what ignores SIGINT and SIGTERM, and throws the reason', async () => {
      const controller = new AbortController();
      const { program, child } = await startDeafFamily(controller.signal);
      expect(isAlive(child)).to.equal(true);
      const reason = new Iso2RootfsError('TERMINATED', 'SIGTERM');
      controller.abort(reason);
      expect(await failureOf(program.done)).to.equal(reason);
      expect(isAlive(child)).to.equal(false);
      expect(isAlive(program.pid)).to.equal(false);
    });

    it('stops on request', async () => {
      const { program, child } = await startDeafFamily();
      await program.stop();
      expect(isAlive(child)).to.equal(false);
      expect((await failureOf(program.done)).message).to.equal('sh was stopped');
      await program.stop();
    });

    it('gives the program the time to clean up after SIGINT', async () => {
      const controller = new AbortController();
      const mark = path.join(directory, 'cleaned');
      const script = `trap 'sleep 0.2; touch ${mark}; exit 0' INT; echo ready; while :; do sleep 0.02; done`;
      const program = await start('sh', ['-c', script], {
        signal: controller.signal,
        onLine: () => controller.abort(new Iso2RootfsError('INTERRUPTED', 'SIGINT')),
      });
      expect((await failureOf(program.done)).code).to.equal('INTERRUPTED');
      expect(existsSync(mark)).to.equal(true);
    });

    it('does not start when it was aborted before, or while it looked for the program', async () => {
      expect((await failureOf(run('sleep', ['60'], { signal: AbortSignal.abort() }))).code).to.equal('INTERRUPTED');
      const controller = new AbortController();
      const running = run('sleep', ['60'], { signal: controller.signal });
      controller.abort();
      expect((await failureOf(running)).code).to.equal('INTERRUPTED');
    });

    it('ends a program that takes too long', async () => {
      const error = await failureOf(run('sh', ['-c', 'while :; do echo x; sleep 0.01; done'], { timeoutMs: 200 }));
      expect(error.code).to.equal('TIMEOUT');
      expect(error.message).to.equal('sh did not finish within 0.2 s');
      expect(error.exitStatus).to.equal(124);
    });

    it('ends a program that is silent for too long, and not one that talks', async () => {
      expect((await failureOf(run('sleep', ['60'], { idleTimeoutMs: 200 }))).code).to.equal('STALLED');
      const talking = 'for i in 1 2 3 4 5 6; do echo $i >&2; sleep 0.05; done';
      expect((await run('sh', ['-c', talking], { idleTimeoutMs: 300 })).tail).to.have.lengthOf(6);
    });

    it('takes a limit of many days for what it says', async () => {
      expect((await run('sleep', ['0.1'], { timeoutMs: 1e12 })).exitStatus).to.equal(0);
    });

    it('does not wait for children that a program leaves behind: it ends them', async () => {
      const result = await run('sh', ['-c', 'sleep 60 & echo $!']);
      await waitFor(() => !isAlive(Number(result.stdout)));
      expect(result.elapsedMs).to.be.lessThan(5000);
    });

    it('does not wait for a daemon that keeps a pipe open, and leaves it alone', async () => {
      const result = await run('sh', ['-c', 'setsid sleep 60 & sleep 0.1; echo $!']);
      const daemon = Number(result.stdout);
      expect(result.elapsedMs).to.be.lessThan(5000);
      expect(isAlive(daemon)).to.equal(true);
      process.kill(daemon, 'SIGKILL');
    });

    it('keeps all output of a program that ended, however late it is read', async () => {
      const program = await start('head', ['-c', '1500000', '/dev/zero'], { stdout: 'stream' });
      await pause(1300);
      let bytes = 0;
      for await (const chunk of program.stdout!) bytes += (chunk as Buffer).length;
      expect(bytes).to.equal(1_500_000);
      await program.done;
    });
  });
});
