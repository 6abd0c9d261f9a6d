import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { predictPlaces, predictSpace } from '../../../src/build/predict-space.js';

const GIB = 1024 ** 3;

describe('predictSpace', () => {
  const question = {
    installedBytes: GIB,
    isInstalled: false,
    outputs: ['tar', 'nfsroot', 'kernel'],
    isLinked: true,
  } as const;

  it('counts the disk and the archive in the store, and nfsroot in the output', () => {
    const { storeBytes, outputBytes } = predictSpace(question);
    expect(storeBytes / GIB).to.be.within(2, 2.1);
    expect(outputBytes / GIB).to.equal(1);
  });

  it('counts a disk that is there only once, and files that must be copied twice', () => {
    expect(predictSpace({ ...question, isInstalled: true }).storeBytes / GIB).to.be.within(1, 1.1);
    expect(predictSpace({ ...question, isLinked: false }).outputBytes / GIB).to.be.within(2, 2.1);
  });

  it('counts the copy of the disk where one is handed out, and the image that is made of it', () => {
    const outputs = [...question.outputs, 'qcow2'] as const;
    expect(predictSpace({ ...question, outputs }).storeBytes / GIB).to.be.within(4, 4.1);
  });

  it('grows with the system', () => {
    const [one, three] = [1, 3].map((factor) => predictSpace({ ...question, installedBytes: factor * GIB }).storeBytes);
    expect((three ?? 0) / (one ?? 1)).to.be.closeTo(3, 0.001);
  });
});

describe('predictPlaces', () => {
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'predict-space-'))));
  afterEach(async () => rm(directory, { recursive: true }));

  it('goes by the largest disk in the cache, by what it takes and not by what it is long', async () => {
    const disk = path.join(directory, 'v1/disks/abc');
    await mkdir(disk, { recursive: true });
    const file = await open(path.join(disk, 'disk.raw'), 'w');
    await file.write(Buffer.alloc(4 * 1024 ** 2, 1));
    await file.truncate(10 * GIB);
    await file.sync();
    await file.close();
    const [place, ...more] = await predictPlaces({
      cacheDirectory: directory,
      outputDirectory: path.join(directory, 'not/yet/there'),
      outputs: ['tar', 'nfsroot'],
    });
    expect(more).to.deep.equal([]);
    expect(place?.neededBytes).to.be.within(12 * 1024 ** 2, 16 * 1024 ** 2);
    expect(place?.neededFor).to.include('4.0 MiB');
  });

  it('supposes a typical system where none was installed yet', async () => {
    const places = await predictPlaces({ cacheDirectory: directory, outputDirectory: '/proc', outputs: ['tar'] });
    expect(places.map(({ path: place }) => place)).to.deep.equal([directory, '/proc']);
    expect(places[0]?.neededBytes).to.equal(4 * GIB);
  });
});
