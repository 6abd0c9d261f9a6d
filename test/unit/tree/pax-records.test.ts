import { expect } from 'chai';
import fc from 'fast-check';
import {
  formatPaxRecord,
  formatPaxTime,
  keyOfXattrName,
  parsePaxRecords,
  parsePaxTime,
  xattrNameOfKey,
} from '../../../src/tree/pax-records.js';

describe('pax records', () => {
  it('keep values that are any bytes', () => {
    const value = fc.uint8Array({ maxLength: 1100 }).map((bytes) => Buffer.from(bytes));
    const key = fc.stringMatching(/^[!-<>-~]{1,20}$/);
    fc.assert(
      fc.property(fc.array(fc.record({ key, value }), { maxLength: 8 }), (records) => {
        const payload = Buffer.concat(records.map((record) => formatPaxRecord(record.key, record.value)));
        expect(parsePaxRecords(payload)).to.deep.equal(records);
      }),
    );
  });

  it('count their own length, also where it grows by a digit', () => {
    for (let length = 0; length < 1010; length++) {
      const record = formatPaxRecord('k', Buffer.alloc(length, 'v'));
      expect(record.length).to.equal(parseInt(record.toString('latin1'), 10));
    }
  });

  for (const payload of [
    'x',
    '5 a=b\n',
    '99 a=b\n',
    '6 a=bc',
    '7 a=b\n',
    '4 =\n',
    '6 abc\n',
    ' a=b\n',
    '99999999999999 a=b\n',
  ]) {
    it(`refuse ${JSON.stringify(payload)}`, () => {
      expect(() => parsePaxRecords(Buffer.from(payload)))
        .to.throw('pax record')
        .with.property('code', 'INTEGRITY');
    });
  }

  it('hold times before and after 1970 to the nanosecond', () => {
    expect(parsePaxTime(Buffer.from('-315619199.5'))).to.deep.equal({ seconds: -315619200, nanoseconds: 5e8 });
    expect(parsePaxTime(Buffer.from('-3'))).to.deep.equal({ seconds: -3, nanoseconds: 0 });
    expect(parsePaxTime(Buffer.from('1.0000000019'))).to.deep.equal({ seconds: 1, nanoseconds: 1 });
    expect(() => parsePaxTime(Buffer.from('1e9'))).to.throw('no time');
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
        fc.integer({ min: 0, max: 999_999_999 }),
        (seconds, nanoseconds) => {
          const time = { seconds, nanoseconds };
          expect(parsePaxTime(Buffer.from(formatPaxTime(time)))).to.deep.equal(time);
        },
      ),
    );
  });

  it('name attributes as GNU tar does', () => {
    expect(keyOfXattrName('user.a=b%c')).to.equal('SCHILY.xattr.user.a%3Db%25c');
    expect(xattrNameOfKey('SCHILY.xattr.user.a%3Db%25c')).to.equal('user.a=b%c');
    expect(xattrNameOfKey('SCHILY.acl.access')).to.equal(undefined);
  });
});
