/** The NFS server and the namespace that it runs in, without a machine. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { PrivateNamespace } from '../../../src/tools/private-namespace.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { mountScratchCopy, startNfsServer } from '../../../src/verify/nfs-server.js';

describe('an nfsroot on its server', function () {
  this.timeout(60_000);
  let directory: string;
  let tools: Toolbox;
  let namespace: PrivateNamespace;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'nfs-server-'));
    for (const name of ['logs', 'tree/etc', 'scratch']) await mkdir(path.join(directory, name), { recursive: true });
    await writeFile(path.join(directory, 'tree/etc/hostname'), 'as it was\n');
    tools = new Toolbox({ logDirectory: path.join(directory, 'logs') });
    namespace = await PrivateNamespace.create(tools);
  });

  afterEach(async () => {
    await namespace.dispose();
    await rm(directory, { recursive: true, force: true });
  });

  const at = (name: string): string => path.join(directory, name);

  /** Processes that have a word on their command line. */
  async function countProcesses(word: string): Promise<number> {
    let count = 0;
    for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const line = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
      if (line.includes(word)) count++;
    }
    return count;
  }

  it('serves versions 3 and 4 in a network of its own, and changes nothing', async () => {
    await namespace.run('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
    const exported = await mountScratchCopy(namespace, at('tree'), at('scratch/layers'));
    for (const access of ['RO', 'RW'] as const) {
      const server = await startNfsServer(namespace, exported, { access, scratch: at(`scratch/${access}`) });
      for (const version of ['3', '4']) await namespace.query('rpcinfo', ['-T', 'tcp', '127.0.0.1', 'nfs', version]);
      await namespace.query('rpcinfo', ['-T', 'tcp', '127.0.0.1', 'mountd', '3']);
      await server.stop();
    }
    await namespace.run('sh', ['-c', 'echo changed > "$1/etc/hostname"; touch "$1/new"', 'sh', exported]);
    expect((await namespace.query('cat', [path.join(exported, 'etc/hostname')])).stdout).to.equal('changed\n');
    expect(await readFile(at('tree/etc/hostname'), 'utf8')).to.equal('as it was\n');
    expect(await readdir(at('tree'))).to.deep.equal(['etc']);
    expect(await readFile('/proc/self/mounts', 'utf8')).to.not.include(directory);
  });

  it('has no way out: the only interface is the loopback', async () => {
    const { stdout } = await namespace.query('ip', ['-o', 'link', 'show', 'up']);
    expect(stdout.trim().split('\n')).to.have.length(1);
    expect(stdout).to.match(/^1: lo: /);
  });

  it('ends with the namespace, whatever it was doing', async () => {
    await namespace.run('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
    const exported = await mountScratchCopy(namespace, at('tree'), at('scratch/layers'));
    await startNfsServer(namespace, exported, { access: 'RO', scratch: at('scratch/RO') });
    expect(await countProcesses(at('scratch/RO'))).to.be.above(0);
    await namespace.dispose();
    expect(await countProcesses(at('scratch/RO'))).to.equal(0);
  });

  it('tells what is wrong when the server does not start', async () => {
    let message = '';
    try {
      await namespace.run('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
      await startNfsServer(namespace, at('not-there'), { access: 'RO', scratch: at('scratch/RO') });
    } catch (error) {
      message = String(error);
    }
    expect(message).to.match(/ganesha/i);
  });
});
