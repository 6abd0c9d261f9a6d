import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { pruneCache, removeEntry } from '../../../src/build/prune-cache.js';
import { Workspace } from '../../../src/build/workspace.js';
import { listEntries, type StoreEntry } from '../../../src/store/inventory.js';
import { resolveKey } from '../../../src/store/resolve-key.js';
import { findLeftovers, findOldDownloads } from '../../../src/store/leftovers.js';
import { planPrune, type PrunePolicy } from '../../../src/store/prune-plan.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { FakePrograms, failureOf } from '../tools/fake-programs.js';
import { createStore, keyOf, put, sha256, type StoreFixture } from './store-fixture.js';

const DAY_MS = 24 * 3600_000;
const NOW = Date.parse('2026-06-30T12:00:00Z');
const NO_BOUNDS: PrunePolicy = { maxSizeBytes: Infinity, maxAgeMs: Infinity, keepLast: Infinity };

function entry(name: string, more: Partial<StoreEntry> & { daysAgo?: number } = {}): StoreEntry {
  const time = new Date(NOW - (more.daysAgo ?? 0) * DAY_MS).toISOString();
  return {
    kind: 'object',
    key: name,
    state: 'complete',
    problems: [],
    distro: 'openeuler',
    release: '22.03-lts',
    arch: 'x86_64',
    isoSha256: '',
    committedAt: time,
    lastUsedAt: time,
    allocatedBytes: 100,
    freeableBytes: 100,
    directory: '',
    ...more,
  };
}

describe('planPrune', () => {
  const plan = (entries: readonly StoreEntry[], policy: Partial<PrunePolicy>): string[] =>
    planPrune(entries, { ...NO_BOUNDS, ...policy }, NOW).map(({ entry: { key } }) => key);

  it('removes nothing that is good where there are no bounds', () => {
    const entries = [entry('a'), entry('b', { state: 'damaged' }), entry('c', { state: 'changed' })];
    expect(plan(entries, {})).to.deep.equal(['b', 'c']);
  });

  it('goes by the last use', () => {
    const entries = [entry('old', { daysAgo: 31 }), entry('young', { daysAgo: 29 })];
    expect(plan(entries, { maxAgeMs: 30 * DAY_MS })).to.deep.equal(['old']);
  });

  it('keeps the last made of each release, architecture and kind', () => {
    const entries = [
      entry('one', { daysAgo: 3 }),
      entry('two', { daysAgo: 2, lastUsedAt: new Date(NOW - 5 * DAY_MS).toISOString() }),
      entry('three', { daysAgo: 1 }),
      entry('disk', { daysAgo: 9, kind: 'disk' }),
      entry('arm', { daysAgo: 9, arch: 'aarch64' }),
      entry('other', { daysAgo: 9, release: '24.03-lts' }),
      entry('unknown', { daysAgo: 9, release: undefined }),
    ];
    expect(plan(entries, { keepLast: 2 })).to.deep.equal(['one']);
    expect(plan(entries, { keepLast: 1 })).to.have.members(['one', 'two']);
  });

  it('removes the least recently used until the rest fits, and no more', () => {
    const entries = [entry('c', { daysAgo: 1 }), entry('a', { daysAgo: 3 }), entry('b', { daysAgo: 2 })];
    expect(plan(entries, { maxSizeBytes: 300 })).to.deep.equal([]);
    expect(plan(entries, { maxSizeBytes: 299 })).to.deep.equal(['a']);
    expect(plan(entries, { maxSizeBytes: 100 })).to.deep.equal(['a', 'b']);
    expect(plan(entries, { maxSizeBytes: 0 })).to.deep.equal(['a', 'b', 'c']);
  });

  it('does not remove for its size what would give nothing back, and counts what other bounds remove', () => {
    const shared = entry('shared', { daysAgo: 9, freeableBytes: 0 });
    expect(plan([shared, entry('a', { daysAgo: 1 })], { maxSizeBytes: 50 })).to.deep.equal(['a']);
    const entries = [entry('old', { daysAgo: 40 }), entry('a', { daysAgo: 2 }), entry('b', { daysAgo: 1 })];
    expect(plan(entries, { maxAgeMs: 30 * DAY_MS, maxSizeBytes: 200 })).to.deep.equal(['old']);
  });

  it('prefers what is made again cheaply', () => {
    const entries = [entry('object'), entry('disk', { kind: 'disk' }), entry('iso', { kind: 'iso' })];
    expect(plan(entries, { maxSizeBytes: 100 })).to.deep.equal(['iso', 'disk']);
  });
});

describe('resolveKey', () => {
  const entries = [entry('abcd01'), entry('abce02'), entry('ab', { kind: 'iso' })];

  it('takes a beginning that only one has, whatever its case', () => {
    expect(resolveKey(entries, 'ABCD')).to.equal(entries[0]);
    expect(resolveKey(entries, 'ab')).to.equal(entries[2]);
  });

  it('refuses what none or several begin with', async () => {
    for (const [prefix, code] of [
      ['abc', 'USAGE'],
      ['x', 'NOT_CACHED'],
      ['', 'NOT_CACHED'],
      ['../', 'NOT_CACHED'],
    ] as const) {
      const failure = await failureOf(Promise.resolve().then(() => resolveKey(entries, prefix)));
      expect(failure.code, prefix).to.equal(code);
    }
  });
});

describe('pruneCache', () => {
  let fixture: StoreFixture;
  let fakes: FakePrograms;

  beforeEach(async () => {
    fixture = await createStore();
    fakes = await FakePrograms.create();
    await fakes.add('virsh', 'exit 0');
  });

  afterEach(async () => {
    await fakes.remove();
    await fixture.remove();
  });

  const prune = (policy: Partial<PrunePolicy>, isDryRun = false) =>
    pruneCache(fixture.store, {
      policy: { ...NO_BOUNDS, ...policy },
      isDryRun,
      libvirtUri: 'test:///default',
      toolsPath: fakes.path,
    });

  it('says in a dry run what it would do, and does that in the next', async () => {
    const { store } = fixture;
    await put(store, { key: keyOf('one') });
    await put(store, { kind: 'disk', key: keyOf('two') });
    await mkdir(path.join(store.layout.staging, 'removed-x'));
    await mkdir(path.join(store.layout.workspaces, '0123456789ab'));
    const would = await prune({ maxSizeBytes: 0 }, true);
    expect(await listEntries(store)).to.have.length(2);
    const did = await prune({ maxSizeBytes: 0 });
    expect({ ...did, isDryRun: true }).to.deep.equal(would);
    expect(did.removed.map(({ key }) => key)).to.have.members([keyOf('one'), keyOf('two')]);
    expect(did.deadBuilds).to.deep.equal(['0123456789ab']);
    expect(did.leftovers).to.deep.equal([path.join(store.layout.staging, 'removed-x')]);
    expect(did.freedBytes).to.be.greaterThan(0);
    expect(did.leftBytes).to.equal(0);
    expect(await listEntries(store)).to.deep.equal([]);
  });

  it('leaves what is in use, and what belongs to live builds', async () => {
    const { store } = fixture;
    await put(store, { key: keyOf('one') });
    const held = await store.hold('object', keyOf('one'));
    const workspace = await Workspace.create(store, 'test:///default');
    await store.createStagingDirectory(workspace.id);
    await mkdir(path.join(store.layout.root, 'media'));
    await writeFile(path.join(store.layout.root, 'media', `${sha256('x')}.iso`), 'x');
    const report = await prune({ maxSizeBytes: 0 });
    expect(report.removed).to.deep.equal([]);
    expect(report.inUse).to.have.deep.members([
      { kind: 'iso', key: sha256('x') },
      { kind: 'object', key: keyOf('one') },
    ]);
    expect(await readdir(store.layout.staging)).to.deep.equal([workspace.id]);
    await held?.release();
    await workspace.dispose(new Toolbox({ logDirectory: store.layout.logs }));
    expect((await prune({ maxSizeBytes: 0 })).removed).to.have.length(2);
    expect(await listEntries(store)).to.deep.equal([]);
  });

  it('does without libvirt', async () => {
    await fakes.add('virsh', 'echo no libvirt >&2; exit 1');
    const { store } = fixture;
    await put(store, { key: keyOf('one') });
    expect((await prune({ maxSizeBytes: 0 })).removed).to.have.length(1);
  });

  it('removes an entry of the cache unless it is in use', async () => {
    const { store } = fixture;
    await put(store, { key: keyOf('one') });
    const [only] = await listEntries(store);
    const making = await store.lockToMake(keyOf('one'));
    expect(await removeEntry(store, only!)).to.equal(false);
    await making.release();
    expect(await removeEntry(store, only!)).to.equal(true);
    expect(await listEntries(store)).to.deep.equal([]);
  });

  it('finds old logs, downloads, hashes and index entries, and no young ones', async () => {
    const { layout } = fixture.store;
    const old = new Date(Date.now() - 200 * DAY_MS);
    const make = async (file: string, isOld: boolean): Promise<string> => {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, '');
      if (isOld) await utimes(file, old, old);
      return file;
    };
    const log = path.join(layout.logs, 'aaaaaaaaaaaa');
    await make(path.join(log, 'x.log'), true);
    await utimes(log, old, old);
    await make(path.join(layout.logs, 'bbbbbbbbbbbb', 'x.log'), false);
    const gone = await make(path.join(layout.isos, sha256('i'), keyOf('gone')), true);
    await make(path.join(layout.isos, sha256('i'), keyOf('being made')), false);
    const hash = await make(path.join(layout.fileHashes, 'old.json'), true);
    await make(path.join(layout.fileHashes, 'young.json'), false);
    const downloads = path.join(layout.root, 'downloads');
    const partial = await make(path.join(downloads, 'abc.partial'), true);
    const state = await make(path.join(downloads, 'abc.partial.json'), true);
    await make(path.join(downloads, 'def.partial'), true);
    await make(path.join(downloads, 'def.partial.json'), false);
    expect(await findLeftovers(fixture.store, Date.now())).to.have.members([log, gone, hash]);
    expect(await findOldDownloads(fixture.store, Date.now())).to.deep.equal([
      { lock: 'download-abc', files: [partial, state] },
    ]);
  });
});
