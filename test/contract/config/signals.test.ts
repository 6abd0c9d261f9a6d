import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import type { Readable } from 'node:stream';
import { ended, environment, ROOT, start } from './run-program.js';

const SCRIPT = 'test/contract/config/slow-command.ts';

/** What a stream says until something matches. */
async function until(stream: Readable, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const [part] of on(stream.setEncoding('utf8'), 'data', { close: ['end'] })) {
    text += String(part);
    if (pattern.test(text)) return text;
  }
  throw new Error(`ended without ${String(pattern)}: ${text}`);
}

describe('a command that is interrupted', function () {
  this.timeout(20_000);

  it('cleans up and ends with 143 on SIGTERM', async () => {
    const program = start(SCRIPT);
    await until(program.stdout, /running/);
    const end = ended(program);
    program.kill('SIGTERM');
    program.stdin.end();
    const { status, stdout, stderr } = await end;
    expect({ status, stdout }).to.deep.equal({ status: 143, stdout: 'cleaned up\n' });
    expect(stderr).to.include('SIGTERM: cleaning up...\n').and.to.include('(TERMINATED)');
  });

  it('says on the second Ctrl-C that it cleans up, and leaves on the third', async () => {
    const program = start(SCRIPT);
    await until(program.stdout, /running/);
    program.kill('SIGINT');
    await until(program.stderr, /SIGINT: cleaning up/);
    // Two signals at once are one key press: the program's own notices tell how time passes.
    await until(program.stderr, /(still here\n[^]*){8}/);
    program.kill('SIGINT');
    await until(program.stderr, /Once more ends at once/);
    await until(program.stderr, /(still here\n[^]*){8}/);
    const exit = once(program, 'exit');
    program.kill('SIGINT');
    expect(await exit).to.deep.equal([130, null]);
  });

  it('goes on when nobody reads its messages any more, and cleans up when it is told to', async () => {
    const program = start(SCRIPT);
    await until(program.stdout, /running/);
    program.stderr.destroy();
    const end = ended(program);
    program.kill('SIGHUP');
    program.stdin.end();
    expect(await end).to.include({ status: 130, stdout: 'cleaned up\n' });
  });

  it('shows one line on a narrow terminal and changes no mode of it', async () => {
    const command = `stty cols 24; ${process.execPath} --import tsx ${SCRIPT} < /dev/null`;
    const terminal = spawn('script', ['-qefc', command, '/dev/null'], {
      cwd: ROOT,
      env: environment({ TERM: 'xterm' }),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const shown = await until(terminal.stdout, /install: [^]*still here/);
    const rest = ended(terminal);
    // Ctrl-C as the terminal's own line discipline sees it.
    terminal.stdin.write('\u0003');
    const { status, stdout } = await rest;
    terminal.stdin.end();
    expect(status).to.equal(130);
    // eslint-disable-next-line no-control-regex -- the sequences that switch a mode
    expect(shown + stdout).to.not.match(/\u001b\[\?\d+[hl]/);
    expect(shown + stdout).to.include('install: 0 s, instal...');
    expect(stdout).to.include('SIGINT: cleaning up...').and.to.include('cleaned up').and.to.include('(INTERRUPTED)');
  });
});
