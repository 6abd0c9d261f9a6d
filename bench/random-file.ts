import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

/** A file of random bytes: nothing on the way can compress it or find holes in it. */
export async function fillFile(file: string, sizeMebibytes: number): Promise<void> {
  const stream = createWriteStream(file);
  for (let written = 0; written < sizeMebibytes; written += 1) {
    const block = randomFillSync(Buffer.allocUnsafe(1024 * 1024));
    if (!stream.write(block)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'close');
}
