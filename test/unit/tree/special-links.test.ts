import { expect } from 'chai';
import { createEntry } from '../../../src/tree/entry.js';
import { parseSpecialInodes, SpecialLinks } from '../../../src/tree/special-links.js';

describe('fifos and device nodes with several names', () => {
  const list = Buffer.from(
    '2049:12 a/fifo\x002049:12 b/with\nnewline\x002049:13 dev/null\x002049:13 null\x00',
    'latin1',
  );
  const entry = (path: string, type: 'fifo' | 'character-device' | 'file'): ReturnType<typeof createEntry> =>
    createEntry({
      path: Buffer.from(path),
      type,
      ...(type === 'character-device' ? { deviceMajor: 1, deviceMinor: 3 } : {}),
    });

  it('become one inode again', () => {
    const links = new SpecialLinks(parseSpecialInodes(list));
    const relinked = [
      entry('a/fifo', 'fifo'),
      entry('dev/null', 'character-device'),
      entry('b/with\nnewline', 'fifo'),
      entry('null', 'character-device'),
      entry('alone', 'fifo'),
      entry('file', 'file'),
    ].map((one) => links.relink(one));
    expect(relinked.map(({ type, linkTarget }) => [type, linkTarget.toString()])).to.deep.equal([
      ['fifo', ''],
      ['character-device', ''],
      ['hardlink', 'a/fifo'],
      ['hardlink', 'dev/null'],
      ['fifo', ''],
      ['file', ''],
    ]);
  });

  it('are not guessed from a list that cannot be read', () => {
    for (const text of ['12 a\0', '1:2 a', '1:2\0', 'x:y a\0']) {
      expect(() => parseSpecialInodes(Buffer.from(text))).to.throw(/cannot be read/);
    }
  });
});
