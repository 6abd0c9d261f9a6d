/** Disk images that the tests of this directory make, and how they look at them. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import { openDisk } from '../../../src/build/tree-source.js';
import { applianceEnvironment } from '../../../src/tools/appliance.js';
import type { Engine } from '../../../src/tools/requirements.js';
import { run } from '../../../src/tools/run.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { streamTree } from '../../../src/tree/transform.js';

export async function sh(script: string): Promise<string> {
  return (await run('bash', ['-euc', script], { timeoutMs: 120_000 })).stdout;
}

/** What a test runs programs with; each in a directory of its own. */
export async function makeToolbox(directory: string, signal?: AbortSignal): Promise<Toolbox> {
  const logDirectory = path.join(await mkdtemp(path.join(directory, 'work-')), 'logs');
  await mkdir(logDirectory);
  return new Toolbox({
    logDirectory,
    environment: applianceEnvironment('tcg'),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Reads a disk as a conversion does. */
export async function readDisk(
  directory: string,
  diskPath: string,
  engine: Engine,
): Promise<{ readonly hash: string; readonly names: readonly string[] }> {
  const tools = await makeToolbox(directory);
  const source = await openDisk(tools, diskPath, path.dirname(tools.logDirectory), engine);
  const hash = createHash('sha256');
  const names: string[] = [];
  const tar = new Writable({
    write(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done();
    },
  });
  await streamTree(
    source.stream,
    { tar },
    { rewrite: source.adjust, onEntry: (entry) => names.push(entry.path.toString('latin1')) },
  );
  await Promise.all(source.programs.map(async ({ done }) => done));
  await source.close();
  return { hash: hash.digest('hex'), names };
}

/** Loop devices of files below a directory. */
export async function loopDevices(directory: string): Promise<string[]> {
  const { stdout } = await run('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE']);
  return stdout.split('\n').filter((line) => line.includes(directory));
}

/** Whether this host's kernel can mount a kind of file system. */
export async function knowsFileSystem(type: string): Promise<boolean> {
  const { exitStatus } = await run(
    'sh',
    ['-c', 'modprobe -q "$1" 2>/dev/null; grep -qw "$1" /proc/filesystems', 'sh', type],
    { allowedStatuses: [0, 1] },
  );
  return exitStatus === 0;
}
