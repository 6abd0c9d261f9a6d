import { expect } from 'chai';
import { countHardLinks, parseHardLinkCensus } from '../../../src/tree/hard-link-census.js';
import { ARCHIVE_END, ROOT, header, inChunks } from './archive-pieces.js';

describe('the census of hard links', () => {
  it('is read from find, any bytes in the names', () => {
    const census = parseHardLinkCensus(Buffer.from('2 usr/bin/a\x003 -n \n\xff\x003 ./b/c\x00', 'latin1'));
    expect([...census]).to.deep.equal([
      ['usr/bin/a', 2],
      ['-n \n\xff', 3],
      ['b/c', 3],
    ]);
    expect(parseHardLinkCensus(Buffer.alloc(0)).size).to.equal(0);
  });

  for (const output of ['2 a', 'a\0', 'x a\0', '2 ../a\0']) {
    it(`refuses ${JSON.stringify(output)}`, () => {
      expect(() => parseHardLinkCensus(Buffer.from(output)))
        .to.throw()
        .with.property('name', 'Iso2RootfsError');
    });
  }

  it('is counted from an archive, links to links too', async () => {
    const archive = Buffer.concat([
      ROOT,
      header({ name: './a' }),
      header({ name: './b', type: '1', linkName: './a' }),
      header({ name: './c', type: '1', linkName: './b' }),
      header({ name: './single' }),
      ARCHIVE_END,
    ]);
    expect([...(await countHardLinks(inChunks(archive, 512)))]).to.deep.equal([
      ['a', 3],
      ['b', 3],
      ['c', 3],
    ]);
  });
});
