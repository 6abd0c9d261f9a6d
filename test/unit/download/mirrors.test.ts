import { expect } from 'chai';
import { MirrorList } from '../../../src/download/mirrors.js';

describe('MirrorList', () => {
  it('goes round, past those that refuse, and takes slow ones last', () => {
    const list = new MirrorList(['http://a/', 'http://b/', 'http://b/', 'http://c/']);
    expect(list.mirrors).to.have.length(3);
    const [a, b, c] = list.mirrors;
    a!.wasTried = true;
    expect(list.current).to.equal(a);
    expect(list.leave(a!)).to.equal(true);
    expect(list.current).to.equal(b);
    b!.wasTried = true;
    b!.refusal = { status: 404, message: 'no' };
    expect(list.current).to.equal(c);
    c!.wasTried = true;
    c!.isSlow = true;
    expect(list.hasBetterThan(c!)).to.equal(true);
    expect(list.leave(c!)).to.equal(false);
    expect(list.current).to.equal(a);
    expect(list.hasBetterThan(a!)).to.equal(false);
    a!.refusal = { status: 404, message: 'no' };
    expect(list.current).to.equal(c);
    c!.refusal = { status: 410, message: 'no' };
    expect(list.current).to.equal(undefined);
    expect(list.refusedByAll().code).to.equal('HTTP_404');
    b!.refusal = { status: 403, message: 'no' };
    expect(list.refusedByAll().code).to.equal('PERMISSION');
  });

  it('can begin elsewhere', () => {
    const list = new MirrorList(['http://a/', 'http://b/']);
    list.prefer('http://b/');
    expect(list.current?.url).to.equal('http://b/');
    list.prefer('http://z/');
    expect(list.current?.url).to.equal('http://b/');
  });
});
