import { link, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalJson, hashOf, type JsonValue } from '../../../src/store/canonical-json.js';
import { compareKeyInputs, findNearest } from '../../../src/store/compare-keys.js';
import { readJson, writeFileAtomically } from '../../../src/store/files.js';
import { hashData, hashFile } from '../../../src/store/hash-file.js';
import { placeFile } from '../../../src/store/link.js';
import type { ObjectRecord } from '../../../src/store/record.js';
import { putIntoWords } from '../../../src/build/explain-miss.js';
import { sha256 } from './store-fixture.js';

describe('files of the store', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'files-test-'));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  for (const sizeBytes of [0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20 + 7]) {
    it(`hashes a file of ${sizeBytes} bytes`, async () => {
      const content = Buffer.alloc(sizeBytes, 'abcdefg');
      const file = path.join(directory, 'file');
      await writeFile(file, content);
      let last = 0;
      expect(await hashFile(file, { onProgress: (done) => (last = done) })).to.equal(sha256(content));
      expect(last).to.equal(sizeBytes);
    });
  }

  it('hashes the data of a file: its holes are its zeros, its size and its places count', async () => {
    const make = async (name: string, content: Buffer, sizeBytes = content.length): Promise<string> => {
      await writeFile(path.join(directory, name), content);
      await truncate(path.join(directory, name), sizeBytes);
      return hashData(path.join(directory, name));
    };
    const data = Buffer.from('data');
    const sparse = await make('sparse', data, 3 * 2 ** 20);
    expect(await make('full', Buffer.concat([data, Buffer.alloc(3 * 2 ** 20 - 4)]))).to.equal(sparse);
    expect(await make('longer', data, 3 * 2 ** 20 + 1)).not.to.equal(sparse);
    expect(await make('later', Buffer.concat([Buffer.alloc(2 ** 20), data]), 3 * 2 ** 20)).not.to.equal(sparse);
    expect(await make('empty', Buffer.alloc(0))).not.to.equal(await make('zero', Buffer.alloc(1)));
  });

  it('reads nothing of holes, for either hash', async () => {
    const file = path.join(directory, 'sparse');
    const sizeBytes = 200 * 2 ** 20 + 5;
    const content = Buffer.alloc(sizeBytes);
    await writeFile(file, '');
    await truncate(file, sizeBytes);
    const handle = await open(file, 'r+');
    for (const [index, at] of [0, 5 * 2 ** 20 - 3, 150 * 2 ** 20 + 4096, sizeBytes - 4].entries()) {
      const data = Buffer.from(`part ${index}`).subarray(0, sizeBytes - at);
      await handle.write(data, 0, data.length, at);
      data.copy(content, at);
    }
    await handle.close();
    const bytesRead = async (): Promise<number> =>
      Number(/^rchar: (\d+)$/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
    const before = await bytesRead();
    const [ofFile, ofData] = [await hashFile(file), await hashData(file)];
    expect((await bytesRead()) - before).to.be.within(1, 32 * 2 ** 20);
    expect(ofFile).to.equal(sha256(content));
    // The same without a hole.
    await writeFile(file, content);
    expect(await hashFile(file)).to.equal(ofFile);
    expect(await hashData(file)).to.equal(ofData);
  });

  it('ends hashing when it is aborted', async () => {
    const file = path.join(directory, 'file');
    await writeFile(file, Buffer.alloc(2 ** 21));
    const reason = new Error('enough');
    let failure: unknown;
    await hashFile(file, { signal: AbortSignal.abort(reason) }).catch((error: unknown) => (failure = error));
    expect(failure).to.equal(reason);
  });

  it('replaces a file in one step, and leaves nothing behind where it cannot', async () => {
    const file = path.join(directory, 'x.json');
    await writeFileAtomically(file, '{"a":1}');
    await writeFileAtomically(file, '{"a":2}');
    expect(await readJson(file)).to.deep.equal({ a: 2 });
    let failure: unknown;
    await writeFileAtomically(directory, 'x').catch((error: unknown) => (failure = error));
    expect(failure).to.have.property('code', 'EISDIR');
    expect(await readdir(directory)).to.deep.equal(['x.json']);
    expect(
      (await readdir(path.dirname(directory))).filter((name) => name.includes('files-test-') && name.endsWith('.tmp')),
    ).to.deep.equal([]);
  });

  it('reads no JSON where there is none', async () => {
    await writeFile(path.join(directory, 'cut.json'), '{"a":');
    for (const name of ['missing.json', 'cut.json', 'cut.json/below', '.']) {
      expect(await readJson(path.join(directory, name)), name).to.equal(undefined);
    }
  });

  it('never links what will be written to', async () => {
    const source = path.join(directory, 'disk');
    const destination = path.join(directory, 'disk-given-out');
    await writeFile(source, 'content');
    expect(await placeFile(source, destination, { isToBeChanged: true })).not.to.equal('hard link');
    expect((await stat(source)).nlink).to.equal(1);
    expect(await readFile(destination, 'utf8')).to.equal('content');
  });

  it('gives a file another name without a second copy where it can', async () => {
    const [source, destination] = [path.join(directory, 'a'), path.join(directory, 'b')];
    await writeFile(source, 'content');
    const how = await placeFile(source, destination);
    expect(await readFile(destination, 'utf8')).to.equal('content');
    expect(how).to.be.oneOf(['reflink', 'hard link']);
    if (how === 'hard link') expect((await stat(source)).nlink).to.equal(2);
    await link(source, path.join(directory, 'c'));
    let failure: unknown;
    await placeFile(source, path.join(directory, 'c')).catch((error: unknown) => (failure = error));
    expect(failure).to.have.property('code', 'EEXIST');
    expect(await readFile(path.join(directory, 'c'), 'utf8')).to.equal('content');
  });
});

describe('canonicalJson', () => {
  it('does not depend on the order of names, and nothing else is lost', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true })).to.equal('{"a":true,"b":[1,{"c":"x","d":null}]}');
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false })), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse()) as unknown as JsonValue;
        const text = canonicalJson(value as unknown as JsonValue);
        expect(canonicalJson(reversed)).to.equal(text);
        expect(JSON.parse(text)).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 200 },
    );
  });

  it('refuses what JSON cannot hold', () => {
    expect(() => canonicalJson(NaN)).to.throw(TypeError);
    expect(() => canonicalJson(Infinity)).to.throw(TypeError);
  });
});

describe('compareKeyInputs', () => {
  const inputs = { iso: 'a', answerFile: 'b', recipe: { arch: 'x86_64', diskSizeBytes: 10 }, list: [1, 2] };

  it('names the parts that differ, also those that only one has', () => {
    expect(compareKeyInputs(inputs, structuredClone(inputs))).to.deep.equal([]);
    const other = { ...inputs, iso: 'c', list: [2, 1], recipe: { diskSizeBytes: 20, slim: true } };
    expect(compareKeyInputs(inputs, other).map(({ part }) => part)).to.deep.equal([
      'iso',
      'list',
      'recipe.arch',
      'recipe.diskSizeBytes',
      'recipe.slim',
    ]);
    expect(compareKeyInputs(inputs, {})[0]).to.deep.equal({ part: 'answerFile', wanted: 'b', stored: undefined });
  });

  it('finds the nearest: of the same ISO, with the fewest differences, the newest', () => {
    const record = (name: string, keyInputs: object, committedAt = '2026-01-01'): ObjectRecord => ({
      format: 1,
      kind: 'object',
      key: hashOf({ name }),
      committedAt,
      isoSha256: '',
      keyInputs: keyInputs as Record<string, unknown>,
      facts: {},
      files: [],
    });
    const otherIso = record('iso', { ...inputs, iso: 'z' });
    const twoParts = record('two', { ...inputs, answerFile: 'y', list: [] });
    const onePart = record('one', { ...inputs, answerFile: 'y' });
    const newer = record('newer', { ...inputs, answerFile: 'x' }, '2026-02-01');
    expect(findNearest(inputs, [otherIso, twoParts])?.record).to.equal(twoParts);
    expect(findNearest(inputs, [otherIso, twoParts, onePart])?.record).to.equal(onePart);
    expect(findNearest(inputs, [onePart, newer, otherIso])?.record).to.equal(newer);
    expect(findNearest(inputs, [])).to.equal(undefined);
  });

  it('is put into words', () => {
    const iso = sha256('x');
    expect(putIntoWords({ part: 'iso', wanted: iso, stored: undefined })).to.contain(`${iso.slice(0, 12)}...`);
    expect(putIntoWords({ part: 'recipe.diskSizeBytes', wanted: 2 ** 30, stored: 2 ** 31 })).to.equal(
      "the disk has 1.0 GiB (--disk-size), the object's had 2.0 GiB",
    );
    expect(putIntoWords({ part: 'something.new', wanted: [1], stored: undefined })).to.equal(
      "something.new is [1], the object's was nothing",
    );
  });
});
