/**
 * A reader that has gone (`iso2rootfs list | head -1`, a closed terminal) is no failure, and no reason to leave a guest behind: what would
 * have been written is dropped.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
}
