import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { build } from '../../../src/build/build.js';
import { toRecipe } from '../../../src/cli/to-recipe.js';
import { loadConfig } from '../../../src/config/load-config.js';
import { Iso2RootfsError } from '../../../src/errors.js';
import { takeJobSlot } from '../../../src/store/job-slots.js';
import { Store } from '../../../src/store/store.js';
import { makeIso, type IsoTree } from '../../unit/media/make-iso.js';

const FIXTURES = path.resolve(import.meta.dirname, '../../fixtures/media');

async function openEuler(): Promise<IsoTree> {
  return {
    '.treeinfo': await readFile(path.join(FIXTURES, 'openEuler-22.03-LTS-x86_64-dvd/.treeinfo'), 'utf8'),
    'images/pxeboot/vmlinuz': 'not a kernel',
    'images/pxeboot/initrd.img': 'not an initrd',
    'images/install.img': 'not an installer',
  };
}

describe('a conversion beyond --jobs', () => {
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'turn-'))));
  afterEach(async () => rm(directory, { recursive: true, force: true }));

  it('says that it waits, starts nothing meanwhile, and leaves nothing when it gives up', async () => {
    const cacheDirectory = path.join(directory, 'cache');
    const store = await Store.open(cacheDirectory);
    const other = await takeJobSlot(store.layout.slots, { limit: 1, memoryBytes: 1, memoryLimitBytes: 2 ** 40 });
    const iso = await makeIso(directory, 'good', await openEuler(), { volumeId: 'openEuler-22.03-LTS-x86_64' });
    const { values } = await loadConfig({ files: [], environment: {}, flags: { jobs: 1, outputs: 'tar' } });
    const impatience = new AbortController();
    const stages: string[] = [];
    const failure: unknown = await build(toRecipe({ iso, output: path.join(directory, 'out') }, 'use', values), {
      cacheDirectory,
      signal: impatience.signal,
      emit: (event) => {
        if (event.type === 'stage-start') stages.push(event.stage);
        if (event.type === 'notice' && event.message.startsWith('Waiting for a turn: 1 conversion')) {
          impatience.abort(new Iso2RootfsError('INTERRUPTED', 'enough'));
        }
      },
    }).catch((error: unknown) => error);
    expect(failure).to.have.property('message', 'enough');
    expect(stages).to.deep.equal(['fetch', 'inspect', 'claim', 'answer']);
    expect(await readdir(path.join(store.layout.slots, 'queue'))).to.deep.equal([]);
    expect(await readdir(path.join(store.layout.slots, 'running'))).to.have.length(1);
    expect(await readdir(store.layout.workspaces)).to.deep.equal([]);
    expect((await readdir(directory)).filter((name) => name.includes('out'))).to.deep.equal([]);
    await other.release();
  });
});
