import { appendFile, copyFile, mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { FileHashes } from '../../../src/store/file-hashes.js';
import { sha256 } from './store-fixture.js';

describe('FileHashes', () => {
  let directory: string;
  let file: string;
  let hashes: FileHashes;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'hashes-test-'));
    file = path.join(directory, 'some.iso');
    hashes = new FileHashes(path.join(directory, 'hashes'));
    await writeFile(file, 'content');
    await settle();
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** A file that has just been changed is not remembered: the clock by which files are dated is looked at by the test instead of waited for. */
  const realNow = Date.now;
  const settle = async (): Promise<void> => {
    const { ctimeMs } = await stat(file);
    Date.now = () => ctimeMs + 1500;
  };
  afterEach(() => {
    Date.now = realNow;
  });

  it('reads a file once', async () => {
    expect(await hashes.sha256(file)).to.deep.equal({ sha256: sha256('content'), wasRemembered: false });
    expect(await hashes.sha256(file)).to.deep.equal({ sha256: sha256('content'), wasRemembered: true });
    // Another process, later.
    expect((await new FileHashes(path.join(directory, 'hashes')).sha256(file)).wasRemembered).to.equal(true);
  });

  it('knows a file that was renamed as another, since that sets its ctime; and again from then on', async () => {
    await hashes.sha256(file);
    const moved = path.join(directory, 'moved.iso');
    await rename(file, moved);
    expect((await hashes.sha256(moved)).sha256).to.equal(sha256('content'));
  });

  const changes: Readonly<Record<string, () => Promise<unknown>>> = {
    'became longer': () => appendFile(file, 'x'),
    'has other content of the same size': () => writeFile(file, 'CONTENT'),
    // What `touch -r` and `cp -p` do: only the ctime tells.
    'has other content and the old mtime': async () => {
      const { atime, mtime } = await stat(file);
      await writeFile(file, 'CONTENT');
      await utimes(file, atime, mtime);
      expect((await stat(file)).mtimeMs).to.be.closeTo(mtime.getTime(), 1);
    },
    'was replaced by another of the same size and mtime': async () => {
      const { atime, mtime } = await stat(file);
      await writeFile(`${file}.new`, 'CONTENT');
      await utimes(`${file}.new`, atime, mtime);
      await rename(`${file}.new`, file);
    },
  };
  for (const [what, change] of Object.entries(changes)) {
    it(`reads a file again that ${what}`, async () => {
      await utimes(file, 1000, 1000);
      await settle();
      await hashes.sha256(file);
      await change();
      await settle();
      const again = await hashes.sha256(file);
      expect(again.wasRemembered).to.equal(false);
      expect(again.sha256).not.to.equal(sha256('content'));
    });
  }

  it('does not remember a file that was changed a moment ago', async () => {
    Date.now = realNow;
    await writeFile(file, 'content');
    await hashes.sha256(file);
    expect((await hashes.sha256(file)).wasRemembered).to.equal(false);
  });

  it('does not remember a file that is written to while it is read', async () => {
    await writeFile(file, Buffer.alloc(5 * 2 ** 20));
    await settle();
    let hasWritten: Promise<unknown> | undefined;
    await hashes.sha256(file, {
      onProgress: () => {
        hasWritten ??= appendFile(file, 'more');
      },
    });
    await hasWritten;
    expect(await readdir(path.join(directory, 'hashes')).catch(() => [])).to.deep.equal([]);
  });

  it('tells a file from its copy', async () => {
    await hashes.sha256(file);
    await copyFile(file, `${file}.copy`);
    expect((await hashes.sha256(`${file}.copy`)).wasRemembered).to.equal(false);
  });

  for (const damage of ['', '{', '{"format":1}', '{"format":1,"identity":{},"sha256":"abc"}', 'null', '[]']) {
    it(`does not believe the record ${JSON.stringify(damage)}`, async () => {
      await hashes.sha256(file);
      const [name] = await readdir(path.join(directory, 'hashes'));
      await writeFile(path.join(directory, 'hashes', name!), damage);
      expect(await hashes.sha256(file)).to.deep.equal({ sha256: sha256('content'), wasRemembered: false });
      expect((await hashes.sha256(file)).wasRemembered).to.equal(true);
    });
  }

  it('works where nothing can be remembered', async () => {
    const blocked = path.join(directory, 'file');
    await writeFile(blocked, '');
    const forgetful = new FileHashes(path.join(blocked, 'below'));
    expect((await forgetful.sha256(file)).sha256).to.equal(sha256('content'));
  });

  it('looks at what others have remembered', async () => {
    await hashes.sha256(file);
    await mkdir(path.join(directory, 'own'));
    const own = new FileHashes(path.join(directory, 'own'), path.join(directory, 'hashes'));
    expect((await own.sha256(file)).wasRemembered).to.equal(true);
  });
});
