import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { BuildEvent } from '../../../src/events.js';
import { leaveToPeople } from '../../../src/install/leave-to-people.js';
import { SocketLog } from '../../../src/install/socket-log.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { Virsh } from '../../../src/tools/virsh.js';
import { FakePrograms } from '../tools/fake-programs.js';

describe('leaveToPeople', () => {
  let directory: string;
  let fakes: FakePrograms;
  let console: SocketLog;
  let abort: AbortController;
  let messages: string[];

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'people-'));
    fakes = await FakePrograms.create();
    console = await SocketLog.listen(path.join(directory, 'guest.sock'), path.join(directory, 'log'), () => undefined);
    abort = new AbortController();
    messages = [];
  });

  afterEach(async () => {
    await console.close();
    await fakes.remove();
    await rm(directory, { recursive: true, force: true });
  });

  function leave(): Promise<void> {
    const tools = new Toolbox({ logDirectory: directory, toolsPath: fakes.path, signal: abort.signal });
    const emit = (event: BuildEvent): void => {
      if ('message' in event) messages.push(event.message);
    };
    const machine = { emit, signal: abort.signal, virsh: new Virsh(tools, 'test:///x'), domain: 'd', console };
    return leaveToPeople({ ...machine, diskPath: '/d.raw', mediaDirectory: directory }, 'it failed');
  }

  it('says how to attach, and waits for the signal', async () => {
    await fakes.add('virsh', 'echo state.state=1');
    const left = leave();
    const guest = connect(path.join(directory, 'guest.sock'));
    while (messages.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(messages[0]).to.equal('it failed');
    expect(messages[1]).to.match(/The domain d is left running .*test:\/\/\/x.*\/d\.raw.*Ctrl-C/);
    const socketPath = /UNIX-CONNECT:(\S+)/.exec(messages[1] ?? '')?.[1] ?? '';
    const person = connect(socketPath);
    person.write('typed');
    const typed = await new Promise<Buffer>((resolve) => guest.once('data', resolve));
    expect(typed.toString()).to.equal('typed');
    abort.abort(new Error('interrupted'));
    await left;
    expect(messages).to.have.length(2);
    for (const socket of [guest, person]) socket.destroy();
  });

  it('does not wait for a machine that has ended by itself, at once or later', async () => {
    await fakes.add('virsh', 'exit 1');
    await leave();
    expect(messages).to.deep.equal([
      'it failed',
      'The machine has ended by itself: there is nothing to attach to. --keep-on-failure keeps its disk.',
    ]);
    messages = [];
    await fakes.add(
      'virsh',
      `[ -e '${directory}/seen' ] || { : >'${directory}/seen'; echo state.state=1; exit; }; exit 1`,
    );
    await leave();
    expect(messages).to.have.length(3);
    expect(messages[2]).to.match(/has ended by itself/);
  });
});
