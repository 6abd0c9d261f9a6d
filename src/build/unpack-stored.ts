import { availableParallelism } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { StoredObject } from '../store/store.js';
import { unpackArchive } from '../tools/tar.js';
import type { Toolbox } from '../tools/toolbox.js';
import { shareParts } from '../tree/tree-parts.js';

/** More of them only wait for each other in one file system. */
const MOST_PROGRAMS = 4;

const partsSchema = z.object({
  parts: z.array(z.object({ directories: z.array(z.string()), weight: z.number() })),
  restWeight: z.number(),
});

/** Unpacks rootfs.tar of an object, by several programs where it is known in which parts that can be done. */
export async function unpackStored(tools: Toolbox, object: StoredObject, directory: string): Promise<void> {
  const known = partsSchema.safeParse(object.record.facts['parts']);
  const workers = Math.min(availableParallelism(), MOST_PROGRAMS);
  const shares = known.success ? shareParts(known.data.parts, known.data.restWeight, workers) : [];
  await unpackArchive(tools, path.join(object.directory, 'rootfs.tar'), directory, shares);
}
