import type { Toolbox } from './toolbox.js';
import { findProgram } from './run.js';

/**
 * Copies the newest kernel and an initrd of an installed disk into a directory, under the names that they have in /boot.
 *
 * The two are chosen independently of each other (guestfs-tools, get_kernel.ml): the initrd may be a kdump image. The caller compares
 * their versions. `virt-builder --get-kernel` is the deprecated name of the same program.
 */
export async function virtGetKernel(
  tools: Toolbox,
  options: { readonly diskPath: string; readonly directory: string },
): Promise<void> {
  const searchPath = [tools.toolsPath ?? '', process.env['PATH'] ?? ''].join(':');
  const common = ['--format', 'raw', '--output', options.directory];
  const [program, args] =
    (await findProgram('virt-get-kernel', searchPath)) === undefined
      ? ['virt-builder', ['--get-kernel', options.diskPath, ...common]]
      : ['virt-get-kernel', ['--add', options.diskPath, ...common]];
  await tools.run(program, args, {
    reason: 'copy the kernel and its initrd out of the installed disk',
    hint: "'iso2rootfs doctor --thorough' starts the libguestfs appliance and tells what is wrong with it.",
  });
}
