import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { amendObject } from '../../../src/build/amend-object.js';
import { formatManifest, type Manifest } from '../../../src/build/manifest.js';
import { createStore, keyOf, put, sha256, type StoreFixture } from '../store/store-fixture.js';

const MANIFEST: Manifest = {
  format: 1,
  program: { name: 'iso2rootfs', version: '0.0.0' },
  createdAt: '2026-01-01T00:00:00.000Z',
  key: keyOf('one'),
  keyInputs: {},
  medium: { distro: 'd', release: 'r', arch: 'x86_64', variant: 'dvd', installer: 'anaconda', volumeId: 'V' },
  inputs: {
    iso: { source: 's', sha256: sha256('iso'), signature: 'local', isChecksumPublished: false },
    answerFile: { name: 'a', dialect: 'd', sha256: sha256('a'), source: 'generated' },
  },
  installation: { memoryMiB: 1, vcpus: 1, diskSizeBytes: 1, accelerator: 'tcg' },
  kernel: { version: '1', kernel: 'k', initrd: 'i' },
  artifacts: [],
  tools: {},
  commands: [],
  timings: [],
};

describe('amendObject', () => {
  let fixture: StoreFixture;
  const context = () => ({
    store: fixture.store,
    workspace: { id: '0123456789ab' } as never,
    signal: new AbortController().signal,
  });
  beforeEach(async () => {
    fixture = await createStore();
  });
  afterEach(async () => fixture.remove());

  const putObject = async (manifest: object = MANIFEST) =>
    put(fixture.store, {
      key: keyOf('one'),
      keyInputs: { a: 1 },
      facts: { distro: 'x' },
      files: { 'rootfs.tar': 'tree', 'manifest.json': formatManifest(manifest as Manifest) },
    });
  const stage = async (name: string, content: string): Promise<string> => {
    const file = path.join(await fixture.store.createStagingDirectory('0123456789ab'), name);
    await writeFile(file, content);
    return file;
  };

  it('adds a file and changes the manifest; the other files are the same ones', async () => {
    const before = await putObject();
    const inode = (await stat(path.join(before.directory, 'rootfs.tar'))).ino;
    const { object } = await amendObject(context(), keyOf('one'), {
      addFiles: new Map([['rootfs.squashfs', { path: await stage('x', 'image') }]]),
      manifest: (current) => ({ ...current, createdAt: 'changed' }),
    });
    expect((await stat(path.join(object.directory, 'rootfs.tar'))).ino).to.equal(inode);
    const found = await fixture.store.find('object', keyOf('one'));
    expect(found?.record.files.map((file) => [file.path, file.sha256])).to.deep.include.members([
      ['rootfs.squashfs', sha256('image')],
      ['rootfs.tar', sha256('tree')],
    ]);
    expect(found?.record).to.deep.include({ keyInputs: { a: 1 }, facts: { distro: 'x' }, isoSha256: sha256('iso') });
    expect(await readFile(path.join(object.directory, 'manifest.json'), 'utf8')).to.contain('"changed"');
  });

  it('lets two amendments at the same time both stay', async () => {
    await putObject();
    const add = async (name: string): Promise<void> => {
      await amendObject(context(), keyOf('one'), {
        addFiles: new Map([[name, { path: await stage(name, name) }]]),
        manifest: (current) => ({ ...current, tools: { ...current.tools, [name]: '1' } }),
      });
    };
    await Promise.all([add('a'), add('b'), add('c')]);
    const found = await fixture.store.find('object', keyOf('one'));
    expect(found?.record.files.map((file) => file.path)).to.include.members(['a', 'b', 'c']);
    const text = await readFile(path.join(found?.directory ?? '', 'manifest.json'), 'utf8');
    expect((JSON.parse(text) as Manifest).tools).to.deep.equal({ a: '1', b: '1', c: '1' });
  });

  it('keeps what a newer version has written into the manifest', async () => {
    await putObject({ ...MANIFEST, novelty: 7 });
    const { object } = await amendObject(context(), keyOf('one'), { manifest: (current) => current });
    expect(await readFile(path.join(object.directory, 'manifest.json'), 'utf8')).to.contain('"novelty": 7');
  });

  it('replaces a file; who has the old one open reads on', async () => {
    const before = await putObject();
    const { open } = await import('node:fs/promises');
    const reader = await open(path.join(before.directory, 'rootfs.tar'));
    await amendObject(context(), keyOf('one'), {
      addFiles: new Map([['rootfs.tar', { path: await stage('x', 'other') }]]),
      manifest: (current) => current,
    });
    expect(String(await reader.readFile())).to.equal('tree');
    await reader.close();
    const found = await fixture.store.find('object', keyOf('one'));
    expect(await readFile(path.join(found?.directory ?? '', 'rootfs.tar'), 'utf8')).to.equal('other');
  });

  it('says so when the object is gone', async () => {
    const failure = await amendObject(context(), keyOf('none'), { manifest: (current) => current }).catch(
      (error: unknown) => error,
    );
    expect(failure).to.have.property('code', 'NOT_CACHED');
  });
});
