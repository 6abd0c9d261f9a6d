import { z } from 'zod';
import type { RecognisedMedium } from '../distro/types.js';
import type { Store } from '../store/store.js';
import { PROGRAM_VERSION } from './version.js';

/** What is needed to trust a record: the rest is as it was recognised. */
const essentials = z.object({
  distro: z.string(),
  release: z.string(),
  arch: z.enum(['x86_64', 'aarch64']),
  variant: z.string(),
  family: z.string(),
  volumeId: z.string(),
  kernelPath: z.string(),
  initrdPath: z.string(),
  carriesPackages: z.boolean(),
});

export async function rememberMedium(store: Store, sha256: string, medium: RecognisedMedium): Promise<void> {
  await store.shelf.rememberMedium(sha256, PROGRAM_VERSION, medium);
}

/** What an ISO of this hash is, if this version of the program has seen it: the ISO itself need not be there. */
export async function recallMedium(store: Store, sha256: string): Promise<RecognisedMedium | undefined> {
  const record = await store.shelf.recallMedium(sha256, PROGRAM_VERSION);
  return essentials.safeParse(record).success ? (record as RecognisedMedium) : undefined;
}
