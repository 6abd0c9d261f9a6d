import { link, mkdir, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { Store } from '../../../src/store/store.js';
import { failureOf } from '../tools/fake-programs.js';
import { createStore, keyOf, put, sha256, type StoreFixture } from './store-fixture.js';

describe('Store', () => {
  let fixture: StoreFixture;
  let store: Store;

  beforeEach(async () => {
    fixture = await createStore();
    store = fixture.store;
  });

  afterEach(() => fixture.remove());

  const key = keyOf('one');

  it('finds what was committed, with its record', async () => {
    await put(store, { key, files: { 'rootfs.tar': 'tree', 'a.log': 'log' }, keyInputs: { iso: 'x' } });
    const found = await store.find('object', key);
    expect(found?.record).to.include({ key, kind: 'object', isoSha256: sha256('iso') });
    expect(found?.record.files.map((file) => file.path)).to.deep.equal(['a.log', 'rootfs.tar']);
    expect(found?.record.files[1]).to.include({ sizeBytes: 4, sha256: sha256('tree') });
    expect(await readFile(path.join(found!.directory, 'rootfs.tar'), 'utf8')).to.equal('tree');
    expect(await store.find('disk', key)).to.equal(undefined);
    expect(await store.find('object', keyOf('other'))).to.equal(undefined);
    expect(await readdir(store.layout.staging)).to.deep.equal([]);
  });

  it('keeps files of subdirectories', async () => {
    const staging = await store.createStagingDirectory('b');
    await mkdir(path.join(staging, 'logs/deep'), { recursive: true });
    await writeFile(path.join(staging, 'logs/deep/x.log'), 'text');
    const { record } = await store.commit({
      kind: 'object',
      key,
      keyInputs: {},
      isoSha256: sha256(''),
      stagingDirectory: staging,
    });
    expect(record.files).to.have.length(1);
    expect(record.files[0]).to.include({ path: 'logs/deep/x.log', sha256: sha256('text') });
    expect(await store.find('object', key)).not.to.equal(undefined);
  });

  it('hashes a sparse file by its data', async () => {
    const staging = await store.createStagingDirectory('b');
    await writeFile(path.join(staging, 'disk.raw'), 'data');
    await truncate(path.join(staging, 'disk.raw'), 64 * 2 ** 20);
    const { record } = await store.commit({
      kind: 'disk',
      key,
      keyInputs: {},
      isoSha256: sha256(''),
      stagingDirectory: staging,
    });
    expect(record.files[0]).to.have.property('dataSha256').with.length(64);
    expect(record.files[0]).not.to.have.property('sha256');
  });

  const damage: Readonly<Record<string, (object: string) => Promise<unknown>>> = {
    'a file is gone': (object) => rm(path.join(object, 'rootfs.tar')),
    'a file became longer': (object) => writeFile(path.join(object, 'rootfs.tar'), 'tree2'),
    'a file was written to': (object) => utimes(path.join(object, 'rootfs.tar'), 1, 1),
    'a file became a directory': async (object) => {
      await rm(path.join(object, 'rootfs.tar'));
      await mkdir(path.join(object, 'rootfs.tar'));
    },
    'the record is gone': (object) => rm(path.join(object, 'object.json')),
    'the record is cut off': (object) => truncate(path.join(object, 'object.json'), 100),
    'the record is empty': (object) => truncate(path.join(object, 'object.json'), 0),
    'the record is of another format': async (object) => {
      const file = path.join(object, 'object.json');
      await writeFile(file, (await readFile(file, 'utf8')).replace('"format": 1', '"format": 2'));
    },
    'the record names files elsewhere': async (object) => {
      const file = path.join(object, 'object.json');
      await writeFile(file, (await readFile(file, 'utf8')).replace('rootfs.tar', '../../../x'));
    },
    'the object has the name of another': (object) => rename(object, path.join(path.dirname(object), keyOf('two'))),
  };
  for (const [what, doIt] of Object.entries(damage)) {
    it(`does not find an object when ${what}, and replaces it`, async () => {
      const { directory } = await put(store, { key });
      await doIt(directory);
      expect(await store.find('object', key)).to.equal(undefined);
      expect(await store.find('object', keyOf('two'))).to.equal(undefined);
      await put(store, { key, files: { 'rootfs.tar': 'new' } });
      expect((await store.find('object', key))?.record.files[0]).to.include({ sha256: sha256('new') });
      expect(await readdir(store.layout.staging)).to.deep.equal([]);
    });
  }

  it('notices when a file that an output shares with it was changed through the output', async () => {
    const { directory } = await put(store, { key });
    const output = path.join(fixture.directory, 'rootfs.tar');
    await link(path.join(directory, 'rootfs.tar'), output);
    await writeFile(output, 'EVIL');
    expect(await store.find('object', key)).to.equal(undefined);
  });

  it('indexes objects by their ISO, and tells of no object that is gone', async () => {
    const isoSha256 = sha256('some iso');
    await put(store, { key, isoSha256 });
    await put(store, { key: keyOf('two'), isoSha256 });
    await put(store, { kind: 'disk', key: keyOf('three'), isoSha256 });
    expect(await store.keysOfIso(isoSha256)).to.have.members([key, keyOf('two')]);
    await store.remove('object', key);
    expect(await store.keysOfIso(isoSha256)).to.deep.equal([keyOf('two')]);
    await store.remove('object', keyOf('two'));
    expect(await readdir(store.layout.isos)).to.deep.equal([]);
    expect(await store.keysOfIso(sha256('none'))).to.deep.equal([]);
  });

  it('refuses keys that are no hashes: they are names of directories', async () => {
    const stagingDirectory = await store.createStagingDirectory('b');
    const options = { kind: 'object', keyInputs: {}, stagingDirectory } as const;
    for (const wrong of ['../x', '', 'abc', `${key}/..`]) {
      let failure: unknown;
      await store
        .commit({ ...options, key: wrong, isoSha256: sha256('') })
        .catch((error: unknown) => (failure = error));
      expect(failure, wrong).to.be.instanceOf(TypeError);
      failure = undefined;
      await store.commit({ ...options, key, isoSha256: wrong }).catch((error: unknown) => (failure = error));
      expect(failure, wrong).to.be.instanceOf(TypeError);
    }
  });

  it('removes an object, and is content with one that is not there', async () => {
    await put(store, { key });
    await store.remove('object', key);
    await store.remove('object', key);
    expect(await store.find('object', key)).to.equal(undefined);
    expect(await readdir(store.layout.objects)).to.deep.equal([]);
    expect(await readdir(store.layout.staging)).to.deep.equal([]);
  });

  it('does not remove an object that is held, by however many', async () => {
    await put(store, { key });
    const [one, other] = [await store.hold('object', key), await store.hold('object', key)];
    expect((await failureOf(store.remove('object', key))).code).to.equal('LOCKED');
    await one?.release();
    expect((await failureOf(store.remove('object', key))).code).to.equal('LOCKED');
    await other?.release();
    await store.remove('object', key);
    expect(await store.hold('object', key)).to.equal(undefined);
    // Not to hold what is not there keeps nobody from making it.
    const lock = await store.lock(key, { wait: false });
    expect(lock).not.to.equal(undefined);
    await lock?.release();
  });

  it('waits for an object that is being made', async () => {
    const making = await store.lock(key, { wait: true });
    let hasWaited = false;
    const holding = store.hold('object', key, {
      onWait: () => {
        hasWaited = true;
        void put(store, { key }).then(() => making?.release());
      },
    });
    const held = await holding;
    expect(hasWaited).to.equal(true);
    expect(held?.record.key).to.equal(key);
    await held?.release();
  });

  it('gives up waiting when it is aborted', async () => {
    const making = await store.lock(key, { wait: true });
    const ending = new AbortController();
    const reason = new Error('enough');
    let failure: unknown;
    await store
      .hold('object', key, { signal: ending.signal, onWait: () => ending.abort(reason) })
      .catch((error: unknown) => (failure = error));
    expect(failure).to.equal(reason);
    await making?.release();
    await (await store.lock(key, { wait: false }))?.release();
  });

  it('survives two commits of one key at once: one of them is there, whole', async () => {
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => put(store, { key, files: { 'rootfs.tar': `tree ${index}` } })),
    );
    const found = await store.find('object', key);
    const content = await readFile(path.join(found!.directory, 'rootfs.tar'), 'utf8');
    expect(found?.record.files[0]?.sha256).to.equal(sha256(content));
    expect(await readdir(store.layout.staging)).to.deep.equal([]);
  });

  it('notes the last use', async () => {
    const object = await put(store, { key });
    await utimes(path.join(object.directory, 'last-used'), 1, 1);
    await store.touch(object);
    expect((await stat(path.join(object.directory, 'last-used'))).mtimeMs).to.be.greaterThan(1e12);
    await store.remove('object', key);
    await store.touch(object);
  });

  it('says what is wrong when the cache directory is a file', async () => {
    const file = path.join(fixture.directory, 'file');
    await writeFile(file, '');
    expect((await failureOf(Store.open(file))).code).to.equal('CONFIG_INVALID');
    expect((await failureOf(Store.open(path.join(file, 'below')))).code).to.equal('CONFIG_INVALID');
  });
});
