import { execa } from 'execa';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { hashOf } from '../../../src/store/canonical-json.js';
import { findLeftovers, removeLeftover } from '../../../src/store/leftovers.js';
import { Store } from '../../../src/store/store.js';
import { commitTree, readWhole } from './commit-tree.js';

const CHILD = path.join(import.meta.dirname, 'commit-child.ts');
const DIE_AT_STEP = path.join(import.meta.dirname, 'die-at-step.ts');
const key = hashOf({ name: 'crash' });

describe('a process that dies', function () {
  this.timeout(180_000);
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-crash-'));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  function startChild(cache: string, content: string, step: number) {
    return execa('node', ['--import', 'tsx', '--import', DIE_AT_STEP, CHILD, cache, key, content], {
      env: { DIE_AT_STEP: String(step), DIE_BELOW: cache },
      reject: false,
    });
  }

  /** What everybody who comes later must find. */
  async function checkAfterwards(cache: string, made: string): Promise<void> {
    const store = await Store.open(cache);
    const found = await readWhole(store, key);
    expect(found).to.be.oneOf([made, undefined]);
    // The lock has died with its holder: nobody waits.
    expect(await commitTree(cache, key, 'later')).to.equal(found === undefined ? 'made' : 'found');
    expect(await readWhole(store, key)).to.equal(found ?? 'later');
    for (const file of await findLeftovers(store, Date.now())) await removeLeftover(file);
    expect(await readdir(store.layout.staging)).to.deep.equal([]);
  }

  const startsWith: Readonly<Record<string, (cache: string) => Promise<unknown>>> = {
    'there was nothing': (cache) => Store.open(cache),
    'an object of the key is there, damaged': async (cache) => {
      await commitTree(cache, key, 'before');
      const store = await Store.open(cache);
      await rm(path.join(store.directoryOf('object', key), 'rootfs.tar'));
    },
  };
  for (const [what, prepare] of Object.entries(startsWith)) {
    it(`leaves no part of an object at any step of a commit when ${what}`, async () => {
      const template = path.join(directory, 'count');
      await prepare(template);
      const { stdout } = await startChild(template, 'made', 0);
      const count = Number(/^steps (\d+)$/m.exec(stdout)?.[1]);
      expect(stdout).to.match(/^made$/m);
      expect(count).to.be.greaterThan(10);

      const attempt = async (step: number): Promise<void> => {
        const cache = path.join(directory, `cache-${step}`);
        await prepare(cache);
        const { signal } = await startChild(cache, 'made', step);
        expect(signal, `step ${step}`).to.equal('SIGKILL');
        await checkAfterwards(cache, 'made');
      };
      const steps = Array.from({ length: count }, (_, index) => index + 1);
      const worker = async (): Promise<void> => {
        for (let step = steps.shift(); step !== undefined; step = steps.shift()) await attempt(step);
      };
      await Promise.all([worker(), worker(), worker()]);
    });
  }
});

describe('two processes on one key', function () {
  this.timeout(180_000);

  it('make it once, and both have it', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-two-'));
    try {
      const start = (content: string) =>
        execa('node', ['--import', 'tsx', CHILD, directory, key, content, '300'], { reject: false });
      const ended = await Promise.all(['one', 'two', 'three'].map(start));
      expect(ended.map(({ stdout }) => stdout.trim()).sort()).to.deep.equal(['found', 'found', 'made']);
      expect(await readWhole(await Store.open(directory), key)).to.be.oneOf(['one', 'two', 'three']);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
