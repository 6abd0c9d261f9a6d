import { judgeInitrd, type KernelFacts } from '../distro/initrd/initrd-facts.js';
import { readInitrd } from '../distro/initrd/read-initrd.js';
import { suggestArguments } from '../distro/netboot/kernel-arguments.js';
import type { SelinuxMode } from '../distro/netboot/selinux.js';
import type { Context } from './context.js';
import type { Manifest } from './manifest.js';

/** What the tree has told of itself. */
export interface SystemFacts {
  readonly selinuxMode: SelinuxMode | undefined;
  readonly kernelFacts: (version: string) => KernelFacts;
}

/** Looks into the initrd, and says how to start the outputs. What it cannot do is said, and stops nothing. */
export async function judgeNetboot(
  { tools, emit }: Pick<Context, 'tools' | 'emit'>,
  boot: { readonly version: string; readonly initrd: string; readonly initrdPath: string },
  system: SystemFacts,
): Promise<NonNullable<Manifest['netboot']>> {
  const initrd = judgeInitrd(await readInitrd(tools, boot.initrdPath), system.kernelFacts(boot.version));
  const warn = (message: string): void => emit({ type: 'warning', message });
  if (!initrd.canMountNfs) {
    warn(`The initrd (${boot.initrd}) cannot mount an NFS root. ${initrd.reasons.join(' ')}`);
  }
  if (initrd.isGeneric === false) {
    warn(
      `The initrd (${boot.initrd}) is for the machine that it was made on: others may lack drivers. ${initrd.reasons.join(' ')}`,
    );
  }
  const { selinuxMode } = system;
  if (selinuxMode === 'enforcing') {
    warn(
      'SELinux is enforcing, which needs labels: initramfs.cgz has none, and NFS gives them only from version 4.2 on. ' +
        'Start with enforcing=0, or convert with --selinux permissive.',
    );
  }
  return {
    initrd: {
      ...initrd,
      nfsVersions: [...initrd.nfsVersions],
      networkDrivers: [...initrd.networkDrivers],
      reasons: [...initrd.reasons],
    },
    ...(selinuxMode === undefined ? {} : { selinux: selinuxMode }),
    kernelArguments: copyArguments(suggestArguments(initrd, selinuxMode)),
  };
}

function copyArguments({
  initramfs,
  nfsroot,
}: ReturnType<typeof suggestArguments>): NonNullable<Manifest['netboot']>['kernelArguments'] {
  return {
    initramfs: [...initramfs],
    ...(nfsroot === undefined
      ? {}
      : { nfsroot: { readWrite: [...nfsroot.readWrite], readOnly: [...nfsroot.readOnly] } }),
  };
}
