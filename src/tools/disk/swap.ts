import { open } from 'node:fs/promises';
import type { Toolbox } from '../toolbox.js';
import type { Volume } from './volumes.js';

const SIGNATURE = 'SWAPSPACE2';
const PAGE_BYTES = [4, 8, 16, 32, 64].map((kib) => kib * 1024);

/** Gives a swap area's content back. Its first page stays, with all that mkswap(8) writes: label, UUID, version. */
export async function emptySwap(tools: Toolbox, diskPath: string, volume: Volume): Promise<void> {
  const { offsetBytes, sizeBytes } = volume;
  const disk = await open(diskPath, 'r');
  try {
    const header = Buffer.alloc(Math.max(...PAGE_BYTES));
    await disk.read(header, 0, header.length, offsetBytes);
    // The signature ends the first page, and tells by that how large pages are. A system that sleeps in its swap has another one.
    const pageBytes = PAGE_BYTES.find(
      (bytes) => header.toString('latin1', bytes - SIGNATURE.length, bytes) === SIGNATURE,
    );
    if (pageBytes === undefined || sizeBytes <= pageBytes) return;
    await tools.run(
      'fallocate',
      ['--punch-hole', `--offset=${offsetBytes + pageBytes}`, `--length=${sizeBytes - pageBytes}`, '--', diskPath],
      { reason: 'give the content of the swap area back' },
    );
  } finally {
    await disk.close();
  }
}
