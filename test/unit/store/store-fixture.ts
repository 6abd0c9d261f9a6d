import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hashOf } from '../../../src/store/canonical-json.js';
import { Store, type ObjectKind, type StoredObject } from '../../../src/store/store.js';

export interface StoreFixture {
  readonly directory: string;
  readonly store: Store;
  remove(): Promise<void>;
}

export async function createStore(): Promise<StoreFixture> {
  const directory = await mkdtemp(path.join(tmpdir(), 'store-test-'));
  return {
    directory,
    store: await Store.open(path.join(directory, 'cache')),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

export const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

export const keyOf = (name: string): string => hashOf({ name });

export interface SmallObject {
  readonly kind?: ObjectKind;
  readonly key: string;
  readonly isoSha256?: string;
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly keyInputs?: Readonly<Record<string, unknown>>;
}

/** Stages files and commits them. */
export async function put(store: Store, object: SmallObject): Promise<StoredObject> {
  const { kind = 'object', key, isoSha256 = sha256('iso'), files = { 'rootfs.tar': 'tree' } } = object;
  const stagingDirectory = await store.createStagingDirectory(randomBytes(6).toString('hex'));
  const hashes = new Map<string, string>();
  for (const [name, content] of Object.entries(files)) {
    await writeFile(path.join(stagingDirectory, name), content);
    hashes.set(name, sha256(content));
  }
  const committed = await store.commit({
    kind,
    key,
    keyInputs: object.keyInputs ?? {},
    isoSha256,
    facts: object.facts ?? { distro: 'openeuler', release: '22.03-lts', arch: 'x86_64' },
    hashes,
    stagingDirectory,
  });
  await rm(path.dirname(stagingDirectory), { recursive: true, force: true });
  return committed;
}
