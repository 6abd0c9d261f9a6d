import type { Readable } from 'node:stream';
import { startCompressing, type CompressorChoice } from '../../tools/compress.js';
import { firstFailure, tellingError } from '../write-trees.js';
import { writeHashed, type MadeFile, type MakingContext } from './making.js';

/** rootfs.tar, compressed. */
export async function makeCompressedTar(
  { context, tarPath }: MakingContext,
  compression: CompressorChoice,
  path: string,
): Promise<MadeFile> {
  const { tools, signal, emit, stage } = context;
  const program = await startCompressing(tools, compression, tarPath);
  const stdout = program.stdout as Readable;
  let done = 0;
  const counted = async function* (): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      emit({ type: 'progress', stage, unit: 'bytes', done: (done += chunk.length) });
      yield chunk;
    }
  };
  try {
    const [file] = await firstFailure([writeHashed(counted(), path, signal), program.done] as const);
    return file;
  } catch (error) {
    throw await tellingError([program], error);
  }
}
