import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Store } from '../../../src/store/store.js';

/** Files of a conversion in small: two big ones, one in a directory. */
export const FILES = ['rootfs.tar', 'initramfs.cgz', 'logs/01-install.log'] as const;
const BYTES = 256 * 1024;

const fill = (content: string): Buffer => Buffer.alloc(BYTES, `${content} `);

/** As `build` does it: looks under the lock, and makes it when it is not there. */
export async function commitTree(cache: string, key: string, content: string, keepMs = 0): Promise<'made' | 'found'> {
  const store = await Store.open(cache);
  const lock = await store.lockToMake(key);
  try {
    if ((await store.find('object', key)) !== undefined) return 'found';
    if (keepMs > 0) await new Promise((resolve) => setTimeout(resolve, keepMs));
    const id = randomBytes(6).toString('hex');
    const stagingDirectory = await store.createStagingDirectory(id);
    await mkdir(path.join(stagingDirectory, 'logs'));
    for (const file of FILES) await writeFile(path.join(stagingDirectory, file), fill(content));
    const facts = { distro: 'openeuler', release: '22.03-lts', arch: 'x86_64' };
    await store.commit({ kind: 'object', key, keyInputs: {}, isoSha256: isoOf(key), facts, stagingDirectory });
    await rm(path.join(store.layout.staging, id), { recursive: true });
    return 'made';
  } finally {
    await lock.release();
  }
}

export function isoOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/**
 * Reads an object as nobody who trusts the store would: byte by byte.
 * @returns what it holds; undefined when it is not found
 * @throws when it is found and is not whole
 */
export async function readWhole(store: Store, key: string): Promise<string | undefined> {
  const object = await store.find('object', key);
  if (object === undefined) return undefined;
  const contents = new Set<string>();
  for (const file of FILES) {
    const bytes = await readFile(path.join(object.directory, file));
    const content = bytes.subarray(0, bytes.indexOf(' ')).toString();
    if (!bytes.equals(fill(content))) throw new Error(`${file} is not whole`);
    contents.add(content);
  }
  if (object.record.files.length !== FILES.length) throw new Error('the record does not have all files');
  if (contents.size !== 1) throw new Error(`files of different objects: ${[...contents].join(', ')}`);
  if (!(await store.keysOfIso(isoOf(key))).includes(key)) throw new Error('not found by its ISO');
  return [...contents][0];
}
