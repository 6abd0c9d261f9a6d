import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { startTarOut } from '../tools/guestfish.js';
import type { RunningProgram } from '../tools/run.js';
import type { Toolbox } from '../tools/toolbox.js';
import { parseHardLinkCensus, type HardLinkCensus } from '../tree/hard-link-census.js';
import { parseSpecialInodes, SpecialLinks } from '../tree/special-links.js';

/** A root file system as a tar stream, with what has to be known before its first entry. */
export interface TreeSource {
  readonly stream: Readable;
  readonly census: HardLinkCensus;
  readonly specials: SpecialLinks;
  /** What gives the stream; it has to be stopped when nobody reads on. */
  readonly programs: readonly RunningProgram[];
}

/**
 * Starts reading the root file system of a disk, through the libguestfs appliance.
 * @param directory for the lists that precede the stream
 */
export async function openDisk(tools: Toolbox, diskPath: string, directory: string): Promise<TreeSource> {
  const censusPath = path.join(directory, 'census');
  const specialsPath = path.join(directory, 'specials');
  const program = await startTarOut(tools, { diskPath, censusPath, specialsPath });
  try {
    const stream = program.stdout as Readable;
    await firstByte(stream, program);
    const census = parseHardLinkCensus(await readFile(censusPath));
    const specials = new SpecialLinks(parseSpecialInodes(await readFile(specialsPath)));
    return { stream, census, specials, programs: [program] };
  } catch (error) {
    await program.stop();
    throw error;
  }
}

async function firstByte(stream: Readable, program: RunningProgram): Promise<void> {
  if (stream.readableLength > 0) return;
  await Promise.race([once(stream, 'readable'), program.done]);
  // Readable is also the end of a stream that had nothing: then the program says why.
  if (stream.readableLength === 0) await program.done;
}
