import { execa } from 'execa';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { hashOf } from '../../../src/store/canonical-json.js';
import { Store } from '../../../src/store/store.js';
import { commitTree } from './commit-tree.js';

const PROGRAM = path.resolve(import.meta.dirname, '../../../bin/dev.js');

describe('iso2rootfs cache', function () {
  this.timeout(60_000);
  let cache: string;
  const [one, two] = [hashOf({ name: 'one' }), hashOf({ name: 'two' })];

  beforeEach(async () => {
    cache = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-cache-'));
    await commitTree(cache, one, 'one');
    await commitTree(cache, two, 'two');
  });

  afterEach(() => rm(cache, { recursive: true, force: true }));

  const run = async (...args: readonly string[]) => {
    const { exitCode, stdout, stderr } = await execa(PROGRAM, ['cache', ...args, '--cache-dir', cache], {
      reject: false,
    });
    return { exitCode, stdout, stderr };
  };

  it('lists, shows and removes by the beginning of a key', async () => {
    const table = (await run('list')).stdout.split('\n');
    expect(table[0]).to.match(/^KEY +KIND +RELEASE +SIZE +FREES +LAST USED \(UTC\) +STATE$/);
    expect(table).to.have.length(3);
    const shown = await run('show', one.slice(0, 8), '--json');
    expect(JSON.parse(shown.stdout)).to.include({ key: one, kind: 'object', state: 'complete' });
    expect((await run('remove', one.slice(0, 8))).stdout).to.contain(`removed object ${one.slice(0, 12)}`);
    const listed = JSON.parse((await run('list', '--json')).stdout) as { key: string }[];
    expect(listed.map(({ key }) => key)).to.deep.equal([two]);
    const missing = await run('show', one, '--json');
    expect(missing.exitCode).to.equal(66);
    expect(JSON.parse(missing.stdout)).to.have.nested.property('error.code', 'NOT_CACHED');
  });

  it('says which object and which file is damaged, and removes it when it is pruned', async () => {
    const store = await Store.open(cache);
    expect((await run('verify')).exitCode).to.equal(0);
    await writeFile(path.join(store.directoryOf('object', one), 'rootfs.tar'), 'short');
    const damaged = await run('verify', '--json');
    expect(damaged.exitCode).to.equal(74);
    expect(JSON.parse(damaged.stdout)).to.have.nested.property('error.code', 'INTEGRITY');
    expect(damaged.stderr).to.contain(`object ${one.slice(0, 12)} (rootfs.tar has another size`);
    expect((await run('prune', '--dry-run')).stdout).to.contain(`would remove object ${one.slice(0, 12)}: damaged`);
    const pruned = JSON.parse((await run('prune', '--json')).stdout) as { removed: { key: string }[] };
    expect(pruned.removed.map(({ key }) => key)).to.deep.equal([one]);
    expect(await store.find('object', two)).not.to.equal(undefined);
  });

  it('leaves what is in use', async () => {
    const held = await (await Store.open(cache)).hold('object', one);
    const refused = await run('remove', one);
    expect(refused).to.include({ exitCode: 75, stdout: '' });
    expect(refused.stderr).to.contain('is in use (LOCKED)');
    expect((await run('prune', '--max-size', '1')).stdout).to.contain(`in use: object ${one.slice(0, 12)}`);
    await held?.release();
    expect((await run('remove', one)).exitCode).to.equal(0);
  });

  it('refuses bounds that are none', async () => {
    const wrong = [['--max-size', 'much'], ['--max-age', '-1'], ['--keep-last', '0'], ['--keep']];
    const ended = await Promise.all(wrong.map((flags) => run('prune', ...flags)));
    expect(ended.map(({ exitCode }) => exitCode)).to.deep.equal([64, 64, 64, 64]);
    expect((await run('remove')).exitCode).to.equal(64);
  });
});
