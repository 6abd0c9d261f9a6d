import { mkdir, open, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { listEntries } from '../../../src/store/inventory.js';
import type { Store, StoredObject } from '../../../src/store/store.js';
import { verifyEntries } from '../../../src/store/verify.js';
import { createStore, keyOf, put, sha256, type StoreFixture } from './store-fixture.js';

describe('verifyEntries', () => {
  let fixture: StoreFixture;
  let store: Store;

  beforeEach(async () => {
    fixture = await createStore();
    store = fixture.store;
  });

  afterEach(() => fixture.remove());

  const key = keyOf('one');
  const verify = async () => verifyEntries(store, await listEntries(store));

  async function putDisk(): Promise<StoredObject> {
    const staging = await store.createStagingDirectory('b');
    await writeFile(path.join(staging, 'disk.raw'), 'data');
    await truncate(path.join(staging, 'disk.raw'), 16 * 2 ** 20);
    return store.commit({ kind: 'disk', key, keyInputs: {}, isoSha256: sha256(''), stagingDirectory: staging });
  }

  async function writeAt(object: StoredObject, file: string, text: string, position: number): Promise<void> {
    const handle = await open(path.join(object.directory, file), 'r+');
    await handle.write(text, position);
    await handle.close();
  }

  it('finds nothing wrong with what was committed', async () => {
    await put(store, { key });
    await put(store, { kind: 'disk', key: keyOf('two') });
    let done = 0;
    const seen: string[] = [];
    const verifications = await verifyEntries(store, await listEntries(store), {
      onProgress: (bytes) => (done = bytes),
      onVerified: ({ outcome }) => seen.push(outcome),
    });
    expect(verifications.map(({ outcome }) => outcome)).to.deep.equal(['intact', 'intact']);
    expect(seen).to.have.length(2);
    expect(done).to.equal(8);
  });

  it('finds a changed byte far in the data of a sparse disk, and one where there was nothing', async () => {
    for (const position of [1, 9 * 2 ** 20 + 5]) {
      await writeAt(await putDisk(), 'disk.raw', 'X', position);
      expect((await verify())[0], String(position)).to.deep.include({
        kind: 'disk',
        outcome: 'damaged',
        problems: ['disk.raw has another content than when it was stored'],
      });
      await store.remove('disk', key);
    }
  });

  it('names every file that is wrong, and how', async () => {
    const { directory } = await put(store, { key, files: { a: 'a', b: 'b', c: 'c', d: 'd' } });
    await rm(path.join(directory, 'a'));
    await writeFile(path.join(directory, 'b'), 'longer');
    await writeFile(path.join(directory, 'c'), 'x');
    const [verification] = await verify();
    expect(verification?.problems).to.deep.equal([
      'a is missing',
      'b has another size than when it was stored',
      'c has another content than when it was stored',
    ]);
    // It stays known what was wrong.
    expect((await listEntries(store))[0]).to.deep.include({ state: 'damaged', problems: verification?.problems });
    expect((await verify())[0]).to.deep.include({ outcome: 'damaged', problems: verification?.problems });
  });

  it('mends an object whose files were only touched', async () => {
    const { directory } = await put(store, { key, files: { 'rootfs.tar': 'tree' } });
    await utimes(path.join(directory, 'rootfs.tar'), 1, 1);
    expect(await store.find('object', key)).to.equal(undefined);
    expect((await listEntries(store))[0]?.state).to.equal('changed');
    expect((await verify())[0]).to.include({ outcome: 'mended' });
    expect(await store.find('object', key)).not.to.equal(undefined);
    expect((await verify())[0]).to.include({ outcome: 'intact' });
  });

  it('does not look at what is being made, and does at what is being read', async () => {
    await put(store, { key });
    const making = await store.lockToMake(key);
    expect((await verify())[0]).to.include({ outcome: 'busy' });
    await making.release();
    const held = await store.hold('object', key);
    expect((await verify())[0]).to.include({ outcome: 'intact' });
    await held?.release();
  });

  it('takes an ISO off the shelf whose content is not what its name says', async () => {
    const media = path.join(store.layout.root, 'media');
    await mkdir(media);
    const [good, bad] = [sha256('good'), sha256('bad')];
    await writeFile(path.join(media, `${good}.iso`), 'good');
    await writeFile(path.join(media, `${bad}.iso`), 'baD');
    const outcomes = new Map((await verify()).map(({ key: of, outcome }) => [of, outcome]));
    expect([outcomes.get(good), outcomes.get(bad)]).to.deep.equal(['intact', 'damaged']);
    expect(await readdir(media)).to.deep.equal([`${good}.iso`]);
  });

  it('ends when it is aborted', async () => {
    await put(store, { key });
    const reason = new Error('enough');
    let failure: unknown;
    await verifyEntries(store, await listEntries(store), { signal: AbortSignal.abort(reason) }).catch(
      (error: unknown) => (failure = error),
    );
    expect(failure).to.be.instanceOf(Error);
  });
});
