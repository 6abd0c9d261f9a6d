import path from 'node:path';
import { z } from 'zod';
import { run } from './run.js';
import type { Toolbox } from './toolbox.js';

/** Writes a raw disk image as a compressed qcow2 one, in order: the same disk gives the same bytes. */
export async function convertToQcow2(tools: Toolbox, source: string, destination: string): Promise<void> {
  await tools.run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', '-c', source, destination], {
    reason: 'write qcow2 images',
  });
}

/** A part of a file that is no hole, in bytes. */
export interface Extent {
  readonly start: number;
  /** Of the first byte behind it. */
  readonly end: number;
}

const mapSchema = z.array(z.object({ start: z.number(), length: z.number(), zero: z.boolean() }));

/**
 * Where a file has data, as its file system knows it (lseek(2), SEEK_DATA), in order.
 * @returns undefined where that cannot be learnt: the file may have data anywhere
 */
export async function findData(file: string, signal?: AbortSignal): Promise<Extent[] | undefined> {
  try {
    // A raw image whose content nobody looks at; somebody else may be reading it.
    const { stdout } = await run(
      'qemu-img',
      ['map', '--output=json', '--force-share', '-f', 'raw', path.resolve(file)],
      {
        signal,
      },
    );
    const map = mapSchema.parse(JSON.parse(stdout));
    return map.filter(({ zero }) => !zero).map(({ start, length }) => ({ start, end: start + length }));
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}
