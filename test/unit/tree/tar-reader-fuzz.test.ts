import { expect } from 'chai';
import fc from 'fast-check';
import { Iso2RootfsError } from '../../../src/errors.js';
import { streamTree } from '../../../src/tree/transform.js';
import { ARCHIVE_END, ROOT, header, inChunks, padded, pax } from './archive-pieces.js';

describe('a hostile archive', () => {
  const spoilt = fc.record({ at: fc.nat(511), bytes: fc.uint8Array({ minLength: 1, maxLength: 13 }) });
  const type = fc.constantFrom(...Array.from('0123456SxgLKV7Z'));
  const keys = fc.constantFrom(
    'path',
    'size',
    'mtime',
    'uid',
    'linkpath',
    'GNU.sparse.map',
    'GNU.sparse.size',
    'GNU.sparse.major',
    'SCHILY.xattr.user.x',
  );
  const value = fc.oneof(
    fc.constantFrom('1', '0,1', '../x', '9999999999999999', '-1'),
    fc.string({ maxLength: 12 }).map((text) => text.replace(/[^ -~]/g, '')),
  );
  const piece = fc.oneof(
    fc.record({ type, spoilt: fc.array(spoilt, { maxLength: 2 }), size: fc.nat(1500) }).map((fields) =>
      Buffer.concat([
        header({
          name: 'a',
          type: fields.type,
          size: fields.size,
          linkName: 'b',
          raw: fields.spoilt.map(({ at, bytes }) => [at, Buffer.from(bytes.subarray(0, 512 - at))] as const),
        }),
        padded('5 a=b\n'.repeat(250).slice(0, fields.size)),
      ]),
    ),
    fc.tuple(keys, value).map(([key, text]) => pax({ [key]: text })),
  );

  it('is read or refused with an error that says so, never more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 5 }), async (pieces) => {
        try {
          await streamTree(inChunks(Buffer.concat([ROOT, ...pieces, ARCHIVE_END]), 777), {}, { census: new Map() });
        } catch (error) {
          expect(error).to.be.instanceOf(Iso2RootfsError).with.property('code', 'INTEGRITY');
        }
      }),
      { numRuns: 400 },
    );
  });
});
