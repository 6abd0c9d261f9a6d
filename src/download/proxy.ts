/** The proxy variables of the environment, as curl(1) and wget(1) read them. */
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP, type Socket } from 'node:net';
import tls from 'node:tls';
import { Iso2RootfsError } from '../errors.js';

const TUNNEL_TIMEOUT_MS = 30_000;

/**
 * The proxy that a URL is to be fetched through: `http_proxy`, `https_proxy`, else `all_proxy`, unless `no_proxy`
 * excludes the host. Lower case wins over upper case.
 * @throws Iso2RootfsError CONFIG_INVALID when the variable is not the URL of an http or https proxy.
 */
export function proxyFor(target: URL, environment: NodeJS.ProcessEnv): URL | undefined {
  const scheme = target.protocol.slice(0, -1);
  const names = [`${scheme}_proxy`, `${scheme.toUpperCase()}_PROXY`, 'all_proxy', 'ALL_PROXY'];
  const name = names.find((candidate) => (environment[candidate] ?? '') !== '');
  if (name === undefined || isExcluded(target, environment['no_proxy'] ?? environment['NO_PROXY'] ?? '')) {
    return undefined;
  }
  const value = environment[name] ?? '';
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy === undefined || !/^https?:$/.test(proxy.protocol)) {
    throw new Iso2RootfsError('CONFIG_INVALID', `${name} does not name an http or https proxy`, {
      hint: `Set ${name} to http://HOST:PORT, or unset it.`,
    });
  }
  return proxy;
}

/** `no_proxy`: names with their subdomains, addresses, address ranges, each with an optional port; `*` is everything. */
function isExcluded(target: URL, list: string): boolean {
  const host = target.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = target.port === '' ? (target.protocol === 'https:' ? '443' : '80') : target.port;
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '*') return true;
    const [, name = '', entryPort] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
    if (name === '' || (entryPort !== undefined && entryPort !== port)) return false;
    if (isIP(host) !== 0) return matchesAddress(host, name);
    const suffix = name.toLowerCase().replace(/^\*?\./, '');
    return host === suffix || host.endsWith(`.${suffix}`);
  });
}

function matchesAddress(address: string, entry: string): boolean {
  const [network = '', prefix] = entry.split('/');
  const family = isIP(network);
  if (family === 0 || family !== isIP(address)) return false;
  const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
  if (!Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const addresses = new BlockList();
  addresses.addSubnet(network, bits, type);
  return addresses.check(address, type);
}

/** Starts an http request through a proxy: the proxy gets the whole URL. */
export function requestThroughProxy(proxy: URL, target: URL, options: https.RequestOptions): http.ClientRequest {
  return startProxyRequest(proxy, {
    method: options.method,
    path: `${target.origin}${target.pathname}${target.search}`,
    headers: { ...(options.headers as http.OutgoingHttpHeaders), host: target.host, ...credentialsOf(proxy) },
  });
}

/** Starts an https request inside a tunnel that a proxy opens (CONNECT); the proxy sees nothing but the host. */
export async function requestThroughTunnel(
  proxy: URL,
  target: URL,
  options: https.RequestOptions,
  signal: AbortSignal | undefined,
): Promise<http.ClientRequest> {
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const socket = await openTunnel(proxy, target, signal);
  return https.request(target, {
    ...options,
    agent: undefined,
    createConnection: () =>
      tls.connect({
        socket,
        host,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      }),
  });
}

function openTunnel(proxy: URL, target: URL, signal: AbortSignal | undefined): Promise<Socket> {
  const authority = `${target.hostname}:${target.port === '' ? '443' : target.port}`;
  return new Promise((resolve, reject) => {
    const request = startProxyRequest(proxy, {
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...credentialsOf(proxy) },
      timeout: TUNNEL_TIMEOUT_MS,
      signal,
    });
    request.once('connect', (response, socket: Socket) => {
      if (response.statusCode === 200) {
        socket.setTimeout(0);
        resolve(socket);
      } else {
        socket.destroy();
        reject(new Error(`the proxy ${proxy.host} refuses to connect to ${authority} (${response.statusCode ?? '?'})`));
      }
    });
    request.once('timeout', () => request.destroy(new Error(`the proxy ${proxy.host} does not answer`)));
    request.once('error', reject);
    request.end();
  });
}

function startProxyRequest(proxy: URL, options: https.RequestOptions): http.ClientRequest {
  const { request } = proxy.protocol === 'https:' ? https : http;
  return request({
    ...options,
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : Number(proxy.port),
    agent: false,
  });
}

function credentialsOf(proxy: URL): http.OutgoingHttpHeaders {
  if (proxy.username === '') return {};
  const plain = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(plain).toString('base64')}` };
}
