import type { Toolbox } from './toolbox.js';

const APPLIANCE_HINT =
  "'iso2rootfs doctor --thorough' starts the libguestfs appliance and tells what is wrong with it.";

/** Gives unused blocks of a disk image back to the host, without a copy. */
export async function virtSparsify(tools: Toolbox, options: { readonly diskPath: string }): Promise<void> {
  await tools.run('virt-sparsify', ['--in-place', '--format', 'raw', options.diskPath], {
    reason: 'give unused blocks back',
    hint: APPLIANCE_HINT,
  });
}
