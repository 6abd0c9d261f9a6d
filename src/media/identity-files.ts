import type { IsoNode } from './iso9660/node.js';
import type { IsoVolume } from './iso9660/volume.js';
import { decodeName } from './iso9660/text.js';
import { notInstallMedia, quoteUntrusted } from './not-install-media.js';

/** A real one has a few kilobytes; openSUSE's list of checksums is the longest. */
const MAX_IDENTITY_BYTES = 1024 * 1024;
/** Of a Debian `Release` only the head identifies; behind it are checksums. */
const RELEASE_HEAD_BYTES = 4096;
const MAX_RELEASE_FILES = 8;

/** The small files that say what a medium is, and how plain ISO 9660 (no leading dot, 8.3) spells them. */
const IDENTITY_FILES: readonly { readonly path: string; readonly bare?: RegExp }[] = [
  { path: '.treeinfo', bare: /^_treeinf(o)?$/ },
  { path: 'treeinfo' },
  { path: '.discinfo', bare: /^_discinf(o)?$/ },
  { path: 'media.repo', bare: /^media\.rep$/ },
  { path: '.disk/info', bare: /^_disk\/info$/ },
  { path: 'media.1/media' },
  { path: 'media.1/products', bare: /^media\.1\/product(s)?$/ },
  { path: 'media.1/build' },
  { path: '.productinfo', bare: /^_product(info|i)?$/ },
];
const RELEASE_FILE = /^dists\/[^/]+\/Release$/i;

/**
 * Contents of the identity files that a medium has, by their usual path, without a byte order mark.
 * @throws Iso2RootfsError NOT_INSTALL_MEDIA for one that is absurdly long.
 */
export async function readIdentityFiles(
  volume: IsoVolume,
  nodes: ReadonlyMap<string, IsoNode>,
  isoPath: string,
): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  const paths = [...nodes.keys()];
  for (const { path, bare } of IDENTITY_FILES) {
    const spelling = paths.find((candidate) => candidate === path) ?? findBare(volume, paths, path, bare);
    const node = spelling === undefined ? undefined : nodes.get(spelling);
    if (node?.type !== 'file') continue;
    if (node.sizeBytes > MAX_IDENTITY_BYTES) {
      throw notInstallMedia(
        `${quoteUntrusted(path)} on ${isoPath} has ${node.sizeBytes} bytes, which it never has on an install medium`,
        'Give the ISO as it was published.',
      );
    }
    contents.set(path, await readText(volume, node, MAX_IDENTITY_BYTES));
  }
  for (const path of paths.filter((candidate) => RELEASE_FILE.test(candidate)).slice(0, MAX_RELEASE_FILES)) {
    const node = nodes.get(path);
    if (node?.type === 'file') contents.set(path, await readText(volume, node, RELEASE_HEAD_BYTES));
  }
  return contents;
}

function findBare(
  volume: IsoVolume,
  paths: readonly string[],
  path: string,
  bare: RegExp | undefined,
): string | undefined {
  if (volume.naming !== 'iso9660') return undefined;
  return paths.find((candidate) => candidate === path.toLowerCase() || bare?.test(candidate));
}

async function readText(volume: IsoVolume, node: IsoNode, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let totalBytes = 0;
  for await (const chunk of volume.readChunks(node)) {
    chunks.push(chunk);
    totalBytes += chunk.length;
    if (totalBytes >= maxBytes) break;
  }
  return decodeName(Buffer.concat(chunks).subarray(0, maxBytes)).replace(/^\ufeff/, '');
}
