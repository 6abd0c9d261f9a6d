import { expect } from 'chai';
import { proxyFor } from '../../../src/download/proxy.js';

function proxy(url: string, environment: NodeJS.ProcessEnv): string | undefined {
  return proxyFor(new URL(url), environment)?.href;
}

describe('proxyFor', () => {
  it('reads the variable of the scheme, lower case first', () => {
    const environment = { http_proxy: 'http://a:1', HTTP_PROXY: 'http://b:2', HTTPS_PROXY: 'c:3' };
    expect(proxy('http://x/', environment)).to.equal('http://a:1/');
    expect(proxy('https://x/', environment)).to.equal('http://c:3/');
    expect(proxy('https://x/', { all_proxy: 'http://d:4' })).to.equal('http://d:4/');
    expect(proxy('https://x/', { http_proxy: 'http://a:1', https_proxy: '' })).to.equal(undefined);
  });

  it('heeds no_proxy', () => {
    const without = (list: string, url: string): boolean =>
      proxy(url, { all_proxy: 'http://p:1', no_proxy: list }) === undefined;
    expect(without('*', 'http://example.org/')).to.equal(true);
    expect(without('example.org', 'http://example.org/')).to.equal(true);
    expect(without('example.org', 'http://mirror.example.org/')).to.equal(true);
    expect(without('.example.org,other', 'http://mirror.EXAMPLE.org/')).to.equal(true);
    expect(without('example.org', 'http://badexample.org/')).to.equal(false);
    expect(without('example.org:8080', 'http://example.org/')).to.equal(false);
    expect(without('example.org:443', 'https://example.org/')).to.equal(true);
    expect(without('127.0.0.1, localhost', 'http://127.0.0.1:5000/')).to.equal(true);
    expect(without('10.0.0.0/8', 'http://10.1.2.3/')).to.equal(true);
    expect(without('10.0.0.0/8', 'http://11.1.2.3/')).to.equal(false);
    expect(without('::1', 'http://[::1]:80/')).to.equal(true);
    expect(without('[::1]:81', 'http://[::1]:80/')).to.equal(false);
    expect(without('', 'http://example.org/')).to.equal(false);
    expect(without('0.0.0.1/99', 'http://1.2.3.4/')).to.equal(false);
  });

  it('refuses what is no http or https proxy', () => {
    for (const value of ['socks5://a:1', 'http://', 'http://a:99999']) {
      expect(() => proxy('http://x/', { http_proxy: value }))
        .to.throw('http_proxy')
        .with.property('code', 'CONFIG_INVALID');
    }
  });
});
