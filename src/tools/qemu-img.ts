import type { Toolbox } from './toolbox.js';

/** Writes a raw disk image as a compressed qcow2 one, in order: the same disk gives the same bytes. */
export async function convertToQcow2(tools: Toolbox, source: string, destination: string): Promise<void> {
  await tools.run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', '-c', source, destination], {
    reason: 'write qcow2 images',
  });
}
