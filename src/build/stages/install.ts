import { stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { Iso2RootfsError } from '../../errors.js';
import type { StoredObject } from '../../store/store.js';
import { requireSpace } from '../../tools/space.js';
import { attemptSchema, type AttemptRecord } from '../attempts.js';
import type { Context } from '../context.js';
import { downloadIso } from '../download-iso.js';
import { installDisk, moveFile } from '../install-disk.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';
import type { Answered } from './answer.js';
import type { Fetched } from './fetch.js';
import type { Inspected } from './inspect.js';
import type { Preflighted } from './preflight.js';

export interface Installed {
  readonly disk: {
    /** The disk as the installer left it, in the store: never changed. */
    readonly path: string;
    /** What the answer file's last step must have left in the installed system. */
    readonly token: string;
    readonly allocatedBytes: number;
    readonly sizeBytes: number;
    /** Of the guest that installed it. */
    readonly memoryMiB: number;
    /** The root password that was made up for it. */
    readonly rootPassword: string | undefined;
    /** The tries that it took, with what each had; the last is the one that succeeded. */
    readonly attempts: readonly AttemptRecord[];
  };
}

type Ready = Recipe & Fetched & Inspected & Answered & Preflighted;

/** An installation writes at least this much; a store that has less is full before it begins. */
const LEAST_INSTALLATION_BYTES = 300 * 1024 ** 2;

/** ISO and answer file -> installed disk; from the store when these have been installed before. */
export const install: Stage<Ready, Installed> = {
  name: 'install',
  run: async (build, context) => {
    const { store } = context;
    const { key } = build.keys.disk;
    // Another conversion of the same installation may be under way.
    const lock = await store.lockToMake(key, { signal: context.signal });
    // Until the end: the disk is read, and nobody may remove it meanwhile.
    context.workspace.keepLock(lock);
    return { disk: await findOrInstall(build, context) };
  },
};

const factsSchema = z.object({
  token: z.string(),
  memoryMiB: z.number(),
  rootPassword: z.string().optional(),
  attempts: z.array(attemptSchema).default([]),
});

async function findOrInstall(build: Ready, context: Context): Promise<Installed['disk']> {
  const { store, emit } = context;
  const { key, inputs } = build.keys.disk;
  const known = build.cache === 'renew' ? undefined : await store.find('disk', key);
  const facts = factsSchema.safeParse(known?.record.facts);
  if (known !== undefined && facts.success) {
    await store.touch(known);
    emit({ type: 'notice', message: 'This medium has been installed before: its disk is in the cache.' });
    return describeDisk(known, facts.data);
  }
  await requireSpace(store.layout.root, LEAST_INSTALLATION_BYTES, 'the installed disk');
  const isoPath = await acquireIso(build, context);
  const mediaDirectory = await context.workspace.createMediaDirectory(build.machine.canHypervisorReach);
  const { diskPath, token, memoryMiB, attempts } = await installDisk(build, context, isoPath, mediaDirectory);
  const staging = await store.createStagingDirectory(context.workspace.id);
  await moveFile(context.tools, diskPath, path.join(staging, 'disk.raw'));
  const { distro, release, arch } = build.medium;
  const { generatedPassword: rootPassword } = build;
  const newFacts = { token, memoryMiB, attempts, ...(rootPassword === undefined ? {} : { rootPassword }) };
  const stored = await store.commit({
    kind: 'disk',
    key,
    keyInputs: inputs,
    isoSha256: build.iso.sha256,
    facts: { ...newFacts, distro, release, arch },
    stagingDirectory: staging,
  });
  return describeDisk(stored, newFacts);
}

async function describeDisk(object: StoredObject, facts: z.infer<typeof factsSchema>): Promise<Installed['disk']> {
  const diskPath = path.join(object.directory, 'disk.raw');
  const { blocks, size } = await stat(diskPath);
  return { rootPassword: undefined, ...facts, path: diskPath, allocatedBytes: blocks * 512, sizeBytes: size };
}

/** The ISO itself, now that its hash has not been enough. */
async function acquireIso({ iso }: Fetched, context: Context): Promise<string> {
  if (iso.path !== undefined) return iso.path;
  if (iso.plan === undefined) throw new Iso2RootfsError('INTERNAL', 'there is no ISO and no place to have it from');
  return (await downloadIso(iso.plan, context)).path;
}
