import { chmod, stat } from 'node:fs/promises';
import { hashFile } from '../../store/hash-file.js';
import { copySparse } from '../../tools/copy.js';
import { convertToQcow2 } from '../../tools/qemu-img.js';
import type { MadeFile, MakingContext } from './making.js';

/** The prepared disk -> an image that boots by itself, with its own fstab. */
export async function makeDiskImage(
  { context, preparedDisk }: MakingContext,
  format: 'raw' | 'qcow2',
  path: string,
): Promise<MadeFile> {
  const { tools, signal } = context;
  const disk = await preparedDisk();
  if (format === 'raw') await copySparse(tools, disk, path);
  else await convertToQcow2(tools, disk, path);
  await chmod(path, 0o444);
  const { size: sizeBytes } = await stat(path);
  return { path, sizeBytes, sha256: await hashFile(path, { signal }) };
}
