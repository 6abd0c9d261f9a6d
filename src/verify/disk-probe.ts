import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Accelerator } from '../tools/accelerator.js';
import { applianceEnvironment } from '../tools/appliance.js';
import type { Toolbox } from '../tools/toolbox.js';
import { probeFiles, type ProbeFacts } from './probe.js';

/**
 * Puts the probe into a layer over a disk image, which is not changed. Its paths are our own words, and every file lies in our own directory:
 * nothing of the guest is in guestfish's commands.
 * @returns the layer, a qcow2 image
 */
export async function layerWithProbe(
  tools: Toolbox,
  disk: { readonly path: string; readonly format: 'raw' | 'qcow2' },
  facts: ProbeFacts,
  { scratch, accelerator }: { readonly scratch: string; readonly accelerator: Accelerator },
): Promise<string> {
  const layer = path.join(scratch, 'disk-with-probe.qcow2');
  const sources = path.join(scratch, 'disk-probe');
  await mkdir(sources, { recursive: true });
  await tools.run(
    'qemu-img',
    ['create', '-q', '-f', 'qcow2', '-F', disk.format, '-b', path.resolve(disk.path), layer],
    {
      reason: 'leave the disk image as it is',
    },
  );
  const commands: string[] = [];
  for (const [index, { entry, content }] of (await probeFiles(facts)).entries()) {
    const place = `/${entry.path.toString('latin1')}`;
    if (entry.type === 'directory') {
      commands.push(`mkdir-p ${place}`);
    } else {
      await writeFile(path.join(sources, String(index)), content);
      commands.push(`upload ${index} ${place}`, `chmod 0${entry.mode.toString(8)} ${place}`);
    }
  }
  await tools.run('guestfish', ['--rw', '--format=qcow2', '-a', layer, '-i'], {
    cwd: sources,
    env: applianceEnvironment(accelerator),
    stdin: { text: `${commands.join('\n')}\n` },
    reason: 'put the probe into the disk',
    hint: "'iso2rootfs doctor --thorough' starts the libguestfs appliance and tells what is wrong with it.",
  });
  return layer;
}
