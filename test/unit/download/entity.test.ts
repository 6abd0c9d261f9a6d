import { expect } from 'chai';
import {
  contentLength,
  contradicts,
  parseContentRange,
  readEntity,
  strongValidator,
  type Entity,
} from '../../../src/download/entity.js';

const where = { url: 'http://a/x.iso', finalUrl: 'http://b/x.iso' };
const date = 'Mon, 01 Jan 2024 00:00:00 GMT';
const later = 'Mon, 01 Jan 2024 00:00:01 GMT';

function entity(headers: Parameters<typeof readEntity>[0], totalBytes?: number): Entity {
  return readEntity(headers, where, totalBytes);
}

describe('entity', () => {
  it('takes for If-Range only what is strong', () => {
    expect(strongValidator(entity({ etag: '"a"', 'last-modified': date, date: later }))).to.equal('"a"');
    expect(strongValidator(entity({ etag: 'W/"a"', 'last-modified': date, date: later }))).to.equal(undefined);
    expect(strongValidator(entity({ 'last-modified': date, date: later }))).to.equal(date);
    expect(strongValidator(entity({ 'last-modified': date, date }))).to.equal(undefined);
    expect(strongValidator(entity({ 'last-modified': date }))).to.equal(undefined);
    expect(strongValidator(entity({}))).to.equal(undefined);
  });

  it('sees contradictions, not silence', () => {
    expect(contradicts(entity({ etag: '"a"' }), entity({ etag: '"b"' }))).to.equal(true);
    expect(contradicts(entity({ etag: '"a"' }), entity({}))).to.equal(false);
    expect(contradicts(entity({}, 5), entity({}, 6))).to.equal(true);
    expect(contradicts(entity({ 'last-modified': date }), entity({ 'last-modified': later }))).to.equal(true);
    const same = { etag: '"a"', 'last-modified': date };
    expect(contradicts(entity(same), entity({ ...same, 'last-modified': later }))).to.equal(false);
  });

  it('reads Content-Range and Content-Length', () => {
    expect(parseContentRange('bytes 100-199/200')).to.deep.equal({ start: 100, totalBytes: 200 });
    expect(parseContentRange('bytes 100-199/*')).to.deep.equal({ start: 100, totalBytes: undefined });
    expect(parseContentRange('bytes */200')).to.deep.equal({ start: undefined, totalBytes: 200 });
    for (const wrong of [undefined, '', 'bytes', 'pages 1-2/3', 'bytes -5/9']) {
      expect(parseContentRange(wrong)).to.equal(undefined);
    }
    expect(contentLength({ 'content-length': '7' })).to.equal(7);
    expect(contentLength({ 'content-length': '-7' })).to.equal(undefined);
    expect(contentLength({})).to.equal(undefined);
  });
});
