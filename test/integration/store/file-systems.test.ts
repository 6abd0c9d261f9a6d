import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { toIso2RootfsError, type Iso2RootfsError } from '../../../src/errors.js';
import { Workspace } from '../../../src/build/workspace.js';
import { hashOf } from '../../../src/store/canonical-json.js';
import { hashFile } from '../../../src/store/hash-file.js';
import { listEntries } from '../../../src/store/inventory.js';
import { placeFile } from '../../../src/store/link.js';
import { Store } from '../../../src/store/store.js';
import { verifyEntries } from '../../../src/store/verify.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { commitTree, readWhole } from './commit-tree.js';

const key = hashOf({ name: 'file systems' });

async function failureOf(promise: Promise<unknown>): Promise<Iso2RootfsError> {
  try {
    await promise;
  } catch (error) {
    return toIso2RootfsError(error);
  }
  throw new Error('it should have failed');
}

describe('the store on other file systems', () => {
  let directory: string;
  const mounted: string[] = [];

  function mount(...args: readonly string[]): void {
    execFileSync('mount', args);
    mounted.push(args.at(-1) ?? '');
  }

  beforeEach(async function () {
    if (process.getuid?.() !== 0) this.skip();
    directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-mounts-'));
  });

  afterEach(async () => {
    for (const place of mounted.splice(0).reverse()) execFileSync('umount', [place]);
    await rm(directory, { recursive: true, force: true });
  });

  it('keeps nothing half-made on a full one, and works again when there is room', async () => {
    mount('-t', 'tmpfs', '-o', 'size=700k', 'tmpfs', directory);
    const store = await Store.open(directory);
    // Three files of 256 KiB do not fit; with less and less room something else of the commit does not.
    expect((await failureOf(commitTree(directory, key, 'made'))).code).to.equal('NO_SPACE');
    for (let roomKiB = 0; roomKiB <= 64; roomKiB += 4) {
      await rm(store.layout.staging, { recursive: true });
      await rm(store.directoryOf('object', key), { recursive: true, force: true });
      execFileSync('mount', ['-o', `remount,size=${768 + 16 + roomKiB}k`, directory]);
      const outcome = await commitTree(directory, key, 'made').catch(toIso2RootfsError);
      const found = await readWhole(store, key).catch(toIso2RootfsError);
      if (typeof outcome === 'string') expect(found).to.equal('made');
      else {
        expect(outcome.code).to.equal('NO_SPACE');
        expect(found).to.equal(undefined);
      }
    }
    await rm(store.layout.staging, { recursive: true });
    execFileSync('mount', ['-o', 'remount,size=4m', directory]);
    await commitTree(directory, key, 'made');
    expect(await readWhole(store, key)).to.equal('made');
  });

  it('leaves no part of a file that does not fit into an output', async () => {
    const cache = path.join(directory, 'cache');
    const output = path.join(directory, 'output');
    await commitTree(cache, key, 'made');
    await mkdir(output);
    mount('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', output);
    const source = path.join((await Store.open(cache)).directoryOf('object', key), 'rootfs.tar');
    expect((await failureOf(placeFile(source, path.join(output, 'rootfs.tar')))).code).to.equal('NO_SPACE');
    expect(await readdir(output)).to.deep.equal([]);
  });

  it('copies where an output is on another file system', async () => {
    const cache = path.join(directory, 'cache');
    const output = path.join(directory, 'output');
    await commitTree(cache, key, 'made');
    await mkdir(output);
    mount('-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', output);
    const source = path.join((await Store.open(cache)).directoryOf('object', key), 'rootfs.tar');
    const destination = path.join(output, 'rootfs.tar');
    let progress = 0;
    expect(await placeFile(source, destination, { onProgress: (done) => (progress = done) })).to.equal('copy');
    expect(await hashFile(destination)).to.equal(await hashFile(source));
    expect(progress).to.equal((await stat(source)).size);
  });

  it('is read when it is mounted read-only, and nothing else', async () => {
    const [cache, view] = [path.join(directory, 'cache'), path.join(directory, 'view')];
    await commitTree(cache, key, 'made');
    await mkdir(view);
    mount('--bind', cache, view);
    execFileSync('mount', ['-o', 'remount,bind,ro', view]);
    const store = await Store.open(view);
    expect(store.isReadOnly).to.equal(true);
    expect(await readWhole(store, key)).to.equal('made');
    const held = await store.hold('object', key);
    expect(held?.record.key).to.equal(key);
    await store.touch(held!);
    // The lock of a reader is seen by who may write.
    expect((await failureOf((await Store.open(cache)).remove('object', key))).code).to.equal('LOCKED');
    await placeFile(path.join(held!.directory, 'rootfs.tar'), path.join(directory, 'rootfs.tar'));
    await held?.release();
    // A file of which nothing is remembered is hashed, and that is all.
    const file = path.join(directory, 'rootfs.tar');
    expect((await store.fileHashes.sha256(file)).sha256).to.equal(await hashFile(file));
    expect(await listEntries(store)).to.have.length(1);
    expect((await verifyEntries(store, await listEntries(store)))[0]).to.include({ outcome: 'intact' });
    for (const denied of [
      () => store.remove('object', key),
      () => commitTree(view, hashOf({ name: 'new' }), 'x'),
      () => Promise.resolve().then(() => store.requireWritable()),
    ]) {
      expect((await failureOf(denied())).code).to.equal('PERMISSION');
    }
    // A build has a workspace all the same.
    const workspace = await Workspace.create(store, 'test:///default');
    expect(path.relative(view, workspace.directory)).to.match(/^\.\./);
    await workspace.dispose(new Toolbox({ logDirectory: workspace.logDirectory }));
  });

  it('says that an empty read-only place is no good', async () => {
    const view = path.join(directory, 'view');
    await mkdir(view);
    mount('-t', 'tmpfs', '-o', 'ro', 'tmpfs', view);
    expect((await failureOf(Store.open(view))).code).to.equal('PERMISSION');
  });

  it('finds a flipped bit below it, whatever the times say', async () => {
    await commitTree(directory, key, 'made');
    const store = await Store.open(directory);
    const file = path.join(store.directoryOf('object', key), 'initramfs.cgz');
    const bytes = await readFile(file);
    bytes[1000]! ^= 1;
    const { mtimeNs } = await stat(file, { bigint: true });
    await writeFile(file, bytes);
    const time = `@${mtimeNs / 1_000_000_000n}.${String(mtimeNs % 1_000_000_000n).padStart(9, '0')}`;
    execFileSync('touch', ['-d', time, file]);
    expect(await store.find('object', key)).not.to.equal(undefined);
    const [verification] = await verifyEntries(store, await listEntries(store));
    expect(verification).to.deep.include({
      outcome: 'damaged',
      problems: ['initramfs.cgz has another content than when it was stored'],
    });
    expect(await store.find('object', key)).to.equal(undefined);
    expect((await listEntries(store))[0]).to.include({ state: 'damaged' });
    expect(await commitTree(directory, key, 'again')).to.equal('made');
    expect(await readWhole(store, key)).to.equal('again');
    expect((await listEntries(store))[0]).to.include({ state: 'complete' });
  });

  it('counts what a hard link elsewhere keeps as not to be freed', async () => {
    await commitTree(path.join(directory, 'cache'), key, 'made');
    const store = await Store.open(path.join(directory, 'cache'));
    const [before] = await listEntries(store);
    const file = path.join(store.directoryOf('object', key), 'rootfs.tar');
    await link(file, path.join(directory, 'rootfs.tar'));
    const [after] = await listEntries(store);
    expect(after?.allocatedBytes).to.equal(before?.allocatedBytes);
    expect(before!.freeableBytes - after!.freeableBytes).to.equal((await stat(file)).blocks * 512);
  });
});
