import { access, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import {
  BUILD_VARIABLE,
  findBuilds,
  findLostGuests,
  removeAbandonedWorkspaces,
  removeLostGuests,
} from '../../../src/build/abandoned-workspaces.js';
import { outputStagingDirectory } from '../../../src/build/output-directory.js';
import { Workspace } from '../../../src/build/workspace.js';
import { Store } from '../../../src/store/store.js';
import { Toolbox } from '../../../src/tools/toolbox.js';
import { Virsh } from '../../../src/tools/virsh.js';
import { FakePrograms } from '../tools/fake-programs.js';

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

describe('workspaces', () => {
  let directory: string;
  let store: Store;
  let fakes: FakePrograms;
  let tools: Toolbox;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'workspace-test-'));
    store = await Store.open(path.join(directory, 'cache & co'));
    fakes = await FakePrograms.create();
    // Domains and pools are files whose content is their XML.
    await mkdir(path.join(directory, 'domains'));
    await mkdir(path.join(directory, 'pools'));
    await fakes.add(
      'virsh',
      `cd '${directory}'; while [ "\${1#-}" != "$1" ]; do [ "$1" = --connect ] && shift; shift; done
case "$1" in
  list) ls domains;;
  pool-list) ls pools;;
  dumpxml) cat "domains/$2" || exit 1;;
  pool-dumpxml) cat "pools/$2" || exit 1;;
  destroy) rm "domains/$2" || exit 1;;
  pool-destroy) rm "pools/$2" || exit 1;;
  *) exit 1;;
esac`,
    );
    tools = new Toolbox({ logDirectory: directory, toolsPath: fakes.path });
  });

  afterEach(async () => {
    await fakes.remove();
    await rm(directory, { recursive: true, force: true });
  });

  const reachable = (): Promise<boolean> => Promise.resolve(true);

  /** What a build leaves that was killed. */
  async function leaveDeadBuild(id: string, owner: Record<string, unknown> = {}): Promise<string> {
    const workspace = path.join(store.layout.workspaces, id);
    await mkdir(path.join(workspace, 'media'), { recursive: true });
    await mkdir(path.join(store.layout.staging, id, 'x'), { recursive: true });
    const record = { format: 1, id, pid: 1, libvirtUri: 'test:///default', startedAt: '', ...owner };
    await writeFile(path.join(workspace, 'owner.json'), JSON.stringify(record));
    return workspace;
  }

  it('leaves nothing when it is disposed of, but logs', async () => {
    const workspace = await Workspace.create(store, 'test:///default');
    const media = await workspace.createMediaDirectory(reachable);
    await writeFile(path.join(media, 'disk.raw'), '');
    await store.createStagingDirectory(workspace.id);
    const output = outputStagingDirectory(path.join(directory, 'out'), workspace.id);
    await workspace.recordOutputStaging(output);
    await mkdir(output);
    await writeFile(path.join(workspace.logDirectory, '01.log'), '');
    const lock = await store.lockToMake('x');
    workspace.keepLock(lock);
    await workspace.dispose(tools);
    expect(await readdir(store.layout.workspaces)).to.deep.equal([]);
    expect(await readdir(store.layout.staging)).to.deep.equal([]);
    expect(await exists(output)).to.equal(false);
    expect(await readdir(workspace.logDirectory)).to.deep.equal(['01.log']);
    await (await store.lock('x', { wait: false }))!.release();
  });

  it('says in a media directory outside of it whose that is', async () => {
    const workspace = await Workspace.create(store, 'test:///default');
    const media = await workspace.createMediaDirectory(() => Promise.resolve(false));
    expect(media).to.equal(`/var/tmp/iso2rootfs-${workspace.id}`);
    expect(await readFile(path.join(media, 'workspace'), 'utf8')).to.equal(workspace.directory);
    await workspace.dispose(tools);
    expect(await exists(media)).to.equal(false);
  });

  it('has its media outside of a directory that virt-install would misread', async () => {
    // The store of these tests has an ampersand in its path.
    for (const name of ['', "it's", '"it"', '<it>']) {
      const odd = name === '' ? store : await Store.open(path.join(directory, name));
      const workspace = await Workspace.create(odd, 'test:///default');
      const media = await workspace.createMediaDirectory(reachable);
      await workspace.dispose(tools);
      expect(media).to.equal(`/var/tmp/iso2rootfs-${workspace.id}`);
    }
    const plain = await Workspace.create(await Store.open(path.join(directory, 'a, b')), 'test:///default');
    const media = await plain.createMediaDirectory(reachable);
    await plain.dispose(tools);
    expect(media).to.equal(path.join(plain.directory, 'media'));
  });

  it('does not fail to be disposed of, and releases its lock', async () => {
    const workspace = await Workspace.create(store, 'test:///default');
    await fakes.add('rm', 'echo cannot >&2; exit 1');
    const problems: string[] = [];
    await workspace.dispose(tools, (message) => problems.push(message));
    expect(problems).to.have.length(1);
    expect(await findBuilds(store)).to.deep.equal({ live: [], dead: [workspace.id] });
  });

  it('of a live build is not touched', async () => {
    const workspace = await Workspace.create(store, 'test:///default');
    const media = await workspace.createMediaDirectory(reachable);
    expect(await findBuilds(store)).to.deep.equal({ live: [workspace.id], dead: [] });
    expect(await removeAbandonedWorkspaces(store, tools)).to.deep.equal([]);
    expect(await exists(media)).to.equal(true);
    await workspace.dispose(tools);
  });

  it('of a dead build is removed, with its domain, pool, processes and staged output', async () => {
    const id = '0123456789ab';
    const output = outputStagingDirectory(path.join(directory, 'out'), id);
    await mkdir(output);
    await leaveDeadBuild(id, { outputStaging: output });
    await writeFile(path.join(directory, 'domains', `iso2rootfs-${id}`), '');
    await writeFile(path.join(directory, 'domains', 'iso2rootfs-other'), '');
    await writeFile(path.join(directory, 'pools', `iso2rootfs-${id}`), '');
    const orphan = execa('sleep', ['60'], { env: { [BUILD_VARIABLE]: id }, reject: false });
    expect(await removeAbandonedWorkspaces(store, tools)).to.deep.equal([id]);
    expect((await orphan).signal).to.equal('SIGINT');
    expect(await readdir(store.layout.workspaces)).to.deep.equal([]);
    expect(await readdir(store.layout.staging)).to.deep.equal([]);
    expect(await readdir(path.join(directory, 'domains'))).to.deep.equal(['iso2rootfs-other']);
    expect(await readdir(path.join(directory, 'pools'))).to.deep.equal([]);
    expect(await exists(output)).to.equal(false);
  });

  it('brings an old output back that was taken away to be replaced', async () => {
    const id = '0123456789ab';
    const staging = outputStagingDirectory(path.join(directory, 'out'), id);
    await mkdir(staging);
    await mkdir(`${staging}.old`);
    await writeFile(path.join(`${staging}.old`, 'rootfs.tar'), 'precious');
    await leaveDeadBuild(id, { outputStaging: staging });
    await removeAbandonedWorkspaces(store, tools);
    expect(await readFile(path.join(directory, 'out', 'rootfs.tar'), 'utf8')).to.equal('precious');
    expect((await readdir(directory)).filter((name) => name.startsWith('.'))).to.deep.equal([]);
  });

  it('does not make us remove what a damaged record names', async () => {
    const precious = path.join(directory, 'precious');
    await mkdir(precious);
    await leaveDeadBuild('0123456789ab', { outputStaging: precious, mediaDirectory: precious });
    await leaveDeadBuild('0123456789ac', { id: '../..' });
    const damaged = await leaveDeadBuild('0123456789ad');
    await writeFile(path.join(damaged, 'owner.json'), '{');
    await mkdir(path.join(store.layout.workspaces, 'not ours'));
    expect(await removeAbandonedWorkspaces(store, tools)).to.have.length(3);
    expect(await exists(precious)).to.equal(true);
    expect(await readdir(store.layout.workspaces)).to.deep.equal(['not ours']);
  });

  it('goes on with the next one when one cannot be cleaned up', async () => {
    await leaveDeadBuild('000000000001');
    await leaveDeadBuild('000000000002');
    await fakes.add('virsh', 'case "$*" in *000000000001*) echo no libvirt >&2; exit 7;; esac');
    const problems: string[] = [];
    const removed = await removeAbandonedWorkspaces(store, tools, ({ message }) => problems.push(message));
    expect(removed).to.deep.equal(['000000000002']);
    expect(problems.join()).to.contain('no libvirt');
    let failure: unknown;
    await removeAbandonedWorkspaces(store, tools).catch((error: unknown) => (failure = error));
    expect(failure).to.be.instanceOf(Error);
  });

  it('that was never finished is removed after a while', async () => {
    for (const [id, ageMs] of [
      ['aaaaaaaaaaaa', 3600_000],
      ['bbbbbbbbbbbb', 0],
    ] as const) {
      const unborn = path.join(store.layout.workspaces, `.new-${id}`);
      await mkdir(unborn);
      const time = new Date(Date.now() - ageMs);
      await utimes(unborn, time, time);
    }
    expect(await removeAbandonedWorkspaces(store, tools)).to.deep.equal(['aaaaaaaaaaaa']);
    expect(await readdir(store.layout.workspaces)).to.deep.equal(['.new-bbbbbbbbbbbb']);
  });

  it('that are gone leave guests that are told from those of other caches', async () => {
    const live = await Workspace.create(store, 'test:///default');
    const { workspaces } = store.layout;
    const escaped = workspaces.replaceAll('&', '&amp;');
    const disk = (parent: string, id: string): string => `<source file='${parent}/${id}/media/disk.raw'/>`;
    const domains: Readonly<Record<string, string>> = {
      'iso2rootfs-111111111111': disk(escaped, '111111111111'),
      'iso2rootfs-222222222222': disk('/somewhere/else/v1/workspaces', '222222222222'),
      [`iso2rootfs-${live.id}`]: disk(escaped, live.id),
      'iso2rootfs-by-hand': disk(escaped, 'by-hand'),
      'somebody-else': disk(escaped, '111111111111'),
    };
    for (const [name, xml] of Object.entries(domains)) await writeFile(path.join(directory, 'domains', name), xml);
    await writeFile(
      path.join(directory, 'pools', 'iso2rootfs-333333333333'),
      `<path>${escaped}/333333333333/media</path>`,
    );
    const virsh = new Virsh(tools, 'test:///default');
    const lost = await findLostGuests(store, virsh);
    expect(lost).to.deep.equal({
      domains: ['iso2rootfs-111111111111'],
      pools: ['iso2rootfs-333333333333'],
      directories: [],
    });
    await removeLostGuests(lost, virsh, tools);
    expect(await readdir(path.join(directory, 'domains')))
      .to.have.length(4)
      .and.not.include('iso2rootfs-111111111111');
    expect(await readdir(path.join(directory, 'pools'))).to.deep.equal([]);
    await live.dispose(tools);
  });
});
