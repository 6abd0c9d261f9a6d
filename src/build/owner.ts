import path from 'node:path';
import { z } from 'zod';
import { readJson, writeFileAtomically } from '../store/files.js';
import { removeTree } from '../tools/copy.js';
import type { Toolbox } from '../tools/toolbox.js';
import { NAME_PREFIX } from '../tools/virsh.js';
import { discardOutputStaging, outputStagingSuffix } from './output-directory.js';

const FORMAT = 1;
const OWNER_FILE = 'owner.json';
export const LOCK_FILE = 'owner.lock';
/** A workspace whose owner has not yet taken its lock has this prefix. */
export const NEW_PREFIX = '.new-';
export const BUILD_ID = /^[0-9a-f]{12}$/;
/** Where QEMU's user can always pass through to. */
const COMMON_MEDIA_PARENT = '/var/tmp';
/** In a media directory outside of the workspace: the path of that workspace. */
export const WORKSPACE_FILE = 'workspace';

const ownerSchema = z.object({
  format: z.literal(FORMAT),
  id: z.string().regex(BUILD_ID),
  pid: z.number(),
  libvirtUri: z.string(),
  mediaDirectory: z.string().optional(),
  outputStaging: z.string().optional(),
  startedAt: z.string(),
});

/** Who builds in a workspace, and what to remove should he die. */
export type Owner = z.infer<typeof ownerSchema>;

export function newOwner(id: string, libvirtUri: string): Owner {
  return { format: FORMAT, id, pid: process.pid, libvirtUri, startedAt: new Date().toISOString() };
}

export async function writeOwner(workspace: string, owner: Owner): Promise<void> {
  await writeFileAtomically(path.join(workspace, OWNER_FILE), JSON.stringify(owner));
}

export async function readOwner(workspace: string): Promise<Owner | undefined> {
  const owner = ownerSchema.safeParse(await readJson(path.join(workspace, OWNER_FILE)));
  return owner.success ? owner.data : undefined;
}

/** A media directory for a workspace that QEMU's user cannot reach. */
export function commonMediaDirectory(id: string): string {
  return path.join(COMMON_MEDIA_PARENT, `${NAME_PREFIX}${id}`);
}

/** Removes what a build has made outside of the store's objects. What its record names is removed only if it can be that build's. */
export async function removeRemains(tools: Toolbox, workspace: string, staging: string, owner: Owner): Promise<void> {
  const { id, mediaDirectory, outputStaging } = owner;
  if (mediaDirectory === commonMediaDirectory(id)) await removeTree(tools, mediaDirectory);
  await removeTree(tools, staging);
  if (outputStaging?.endsWith(outputStagingSuffix(id)) === true) await discardOutputStaging(tools, outputStaging, id);
  // Last, because it says what else there is to remove.
  await removeTree(tools, workspace);
}
