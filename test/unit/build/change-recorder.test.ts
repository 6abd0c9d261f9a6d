import { expect } from 'chai';
import { ChangeRecorder } from '../../../src/build/change-recorder.js';
import { createEntry, createFile, type TreeFile } from '../../../src/tree/entry.js';
import type { Rewritten } from '../../../src/tree/transform.js';

const at = (path: string): Buffer => Buffer.from(path);

describe('the record of changes', () => {
  function record(
    how: Readonly<Record<string, Rewritten>>,
    contents: Readonly<Record<string, string>>,
    appended: TreeFile[] = [],
    ofInitramfs: TreeFile[] = [],
  ): string[] {
    const entries = Object.entries(contents).map(([path, content]) =>
      createEntry({ path: at(path), type: content === '/' ? 'directory' : 'file', sizeBytes: content.length }),
    );
    const recorder = new ChangeRecorder({
      rewrite: (entry) => {
        const path = entry.path.toString();
        return path in how ? how[path] : entry;
      },
      append: () => appended,
      appendToInitramfs: () => ofInitramfs,
    });
    for (const entry of entries) {
      const rewritten = recorder.rewrite(entry);
      if (rewritten !== undefined && 'withContent' in rewritten) {
        rewritten.withContent(Buffer.from(contents[entry.path.toString()] ?? ''));
      }
    }
    recorder.append();
    recorder.appendToInitramfs();
    return recorder.changes.map(({ path, what, only }) => `${what} ${path}${only === undefined ? '' : ` in ${only}`}`);
  }

  it('has nothing of what passes as it is, though it was read', () => {
    const same = createEntry({ path: at('read'), type: 'file', sizeBytes: 1 });
    expect(record({}, { a: 'x', b: '/' })).to.deep.equal([]);
    const recorder = new ChangeRecorder({
      rewrite: (entry) => ({ withContent: (content) => [{ entry, content }] }),
      append: () => [],
      appendToInitramfs: () => [],
    });
    const rewritten = recorder.rewrite(same);
    if (rewritten === undefined || !('withContent' in rewritten))
      throw new Error('it should have asked for the content');
    rewritten.withContent(Buffer.from('x'));
    expect(recorder.changes).to.deep.equal([]);
  });

  it('names what is removed, once for all that was below', () => {
    expect(
      record({ log: undefined, 'log/a': undefined, 'log/a/b': undefined }, { log: '/', 'log/a': '/', 'log/a/b': 'x' }),
    ).to.deep.equal(['removed log']);
  });

  it('names what is changed, what is put beside it, and what comes later', () => {
    const held = createEntry({ path: at('later'), type: 'file', sizeBytes: 1 });
    expect(
      record(
        {
          fstab: {
            withContent: () => [
              createFile(at('fstab'), Buffer.from('new')),
              createFile(at('fstab.old'), Buffer.from('x')),
            ],
          },
          later: { withContent: () => [] },
          gone: { withContent: () => [] },
        },
        { fstab: 'x', later: 'x', gone: 'x' },
        [{ entry: held, content: Buffer.from('y') }, createFile(at('unit'), Buffer.from('z'))],
        [createFile(at('init'), Buffer.alloc(0))],
      ),
    ).to.deep.equal([
      'changed fstab',
      'added fstab.old',
      'changed later',
      'removed gone',
      'added unit',
      'added init in initramfs',
    ]);
  });
});
