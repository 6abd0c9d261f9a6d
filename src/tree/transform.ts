/**
 * Reads the tar stream of a root file system once and writes all that is made of it at the same time:
 *
 *     tar-out --> TarReader --> rewrite --> TarWriter  --> rootfs.tar, unpacking
 *                                      `--> NewcWriter --> initramfs.cgz
 */
import { Readable } from 'node:stream';
import { Iso2RootfsError } from '../errors.js';
import { TarReader } from './tar-reader.js';
import { TreeStream, type StreamTreeOptions, type StreamedTree, type TreeOutputs } from './tree-stream.js';

export type { NewcOutput, Rewritten, StreamTreeOptions, StreamedTree, TreeOutputs } from './tree-stream.js';

/**
 * Streams a tree. Ends the outputs, or destroys them and the source when anything fails.
 * @throws Iso2RootfsError INTEGRITY for a damaged or hostile archive, TREE_NOT_REPRESENTABLE and INTERNAL as the writers do; the
 * outputs' own errors as they are.
 */
export async function streamTree(
  source: AsyncIterable<Buffer>,
  outputs: TreeOutputs,
  options: StreamTreeOptions = {},
): Promise<StreamedTree> {
  const stop = (error: Error): void => {
    if (source instanceof Readable) source.destroy(error);
  };
  const stream = new TreeStream(outputs, options, stop);
  const onAbort = (): void => {
    stop(abortReason(options.signal));
    // Whoever waits for a slow output waits no longer.
    stream.abort(abortReason(options.signal));
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    options.signal?.throwIfAborted();
    const reader = new TarReader();
    for await (const chunk of source) {
      reader.push(chunk);
      for (let event = reader.next(); event !== undefined; event = reader.next()) {
        stream.take(event);
        if (stream.isFull) await stream.ready();
      }
    }
    reader.finish();
    return await stream.finish();
  } catch (error) {
    const cause = options.signal?.aborted === true ? abortReason(options.signal) : error;
    stream.abort(cause instanceof Error ? cause : new Error(String(cause)));
    throw cause;
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Iso2RootfsError('INTERRUPTED', 'interrupted');
}
