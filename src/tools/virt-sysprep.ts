import type { Toolbox } from './toolbox.js';

const APPLIANCE_HINT =
  "'iso2rootfs doctor --thorough' starts the libguestfs appliance and tells what is wrong with it.";

/**
 * Operations of virt-sysprep that are left out:
 * - `ssh-userdir`: the only keys on a fresh system are those that were asked for;
 * - `passwd-backups`, `backup-files`: files that belong to packages;
 * - `lvm-uuids`: the disk is never cloned as a disk, and the operation starts a second appliance;
 * - `customize`: nothing is to be customised, and on its own it stores a random seed that every machine would share.
 */
const LEFT_OUT_OPERATIONS = ['ssh-userdir', 'passwd-backups', 'backup-files', 'lvm-uuids', 'customize'];

/** Removes from an installed disk what must differ per machine: machine-id, ssh host keys, logs, leases... In place. */
export async function virtSysprep(tools: Toolbox, options: { readonly diskPath: string }): Promise<void> {
  await tools.run(
    'virt-sysprep',
    [
      '--format',
      'raw',
      '--add',
      options.diskPath,
      '--operations',
      ['defaults', ...LEFT_OUT_OPERATIONS.map((name) => `-${name}`)].join(','),
      '--no-network',
    ],
    { reason: 'remove what must differ per machine', hint: APPLIANCE_HINT },
  );
}

/** Gives unused blocks of a disk image back to the host, without a copy. */
export async function virtSparsify(tools: Toolbox, options: { readonly diskPath: string }): Promise<void> {
  await tools.run('virt-sparsify', ['--in-place', '--format', 'raw', options.diskPath], {
    reason: 'give unused blocks back',
    hint: APPLIANCE_HINT,
  });
}
