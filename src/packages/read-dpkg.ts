import { Iso2RootfsError } from '../errors.js';
import type { InstalledPackage } from './types.js';

/** More than the longest stanza that there is, many times. */
const MAX_STANZA_BYTES = 4 * 1024 * 1024;
const BYTES_PER_SIZE = 1024;

/**
 * Installed packages of `/var/lib/dpkg/status` (deb-control(5) stanzas), as it is read.
 * @throws Iso2RootfsError INTEGRITY for what has no stanzas
 */
export async function readDpkgStatus(chunks: AsyncIterable<Buffer>): Promise<InstalledPackage[]> {
  const packages: InstalledPackage[] = [];
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    const stanzas = (rest + decoder.decode(chunk, { stream: true })).split(/\n(?=\n)/);
    rest = stanzas.pop() ?? '';
    if (rest.length > MAX_STANZA_BYTES) {
      throw new Iso2RootfsError(
        'INTEGRITY',
        'the list of packages (var/lib/dpkg/status) is damaged: a paragraph has no end',
      );
    }
    for (const stanza of stanzas) packages.push(...readStanza(stanza));
  }
  return [...packages, ...readStanza(rest + decoder.decode())];
}

function readStanza(stanza: string): InstalledPackage[] {
  const fields = new Map<string, string>();
  for (const line of stanza.split('\n')) {
    const [, name, value] = /^([\w-]+):[ \t]*(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name.toLowerCase(), value.trim());
  }
  const [name, version] = [fields.get('package'), fields.get('version')];
  const isInstalled = / installed$/.test(fields.get('status') ?? '');
  if (name === undefined || version === undefined || name === '' || !isInstalled) return [];
  const [source, vendor] = [fields.get('source'), fields.get('maintainer')];
  const size = /^\d{1,12}$/.exec(fields.get('installed-size') ?? '')?.[0];
  return [
    {
      name,
      version,
      arch: fields.get('architecture') ?? 'all',
      source: source ?? name,
      ...(vendor === undefined ? {} : { vendor }),
      ...(size === undefined ? {} : { installedBytes: Number(size) * BYTES_PER_SIZE }),
    },
  ];
}
