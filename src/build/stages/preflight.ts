import { applianceEnvironment, checkApplianceCanStart, requireAppliance } from '../../tools/appliance.js';
import { chooseAccelerator, type Accelerator } from '../../tools/accelerator.js';
import { checkPrograms, requirePrograms, toolVersions } from '../../tools/check-program.js';
import { hostArch } from '../../tools/host.js';
import { canUserReach, checkConnection, hypervisorUser } from '../../tools/libvirt.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';
import type { Inspected } from './inspect.js';

/** What the machine underneath can do. */
export interface Machine {
  readonly libvirtUri: string;
  readonly accelerator: Accelerator;
  /** By program. */
  readonly toolVersions: Readonly<Record<string, string>>;
  /** For libguestfs. */
  readonly environment: Readonly<Record<string, string>>;
  readonly canHypervisorReach: (path: string) => Promise<boolean>;
}

export interface Preflighted {
  readonly machine: Machine;
}

/** What `doctor` checks, before anything is started that would fail for it an hour later. */
export const preflight: Stage<Recipe & Inspected, Preflighted> = {
  name: 'preflight',
  run: async ({ libvirtUri, acceleration, medium }, { tools, store, emit, signal }) => {
    const { toolsPath } = tools;
    const checks = await checkPrograms(medium.arch, { toolsPath, signal });
    requirePrograms(checks);
    await checkConnection(libvirtUri, { toolsPath, signal });
    requireAppliance(await checkApplianceCanStart({ toolsPath }));
    const { accelerator, reason } = await chooseAccelerator(acceleration, {
      arch: medium.arch,
      toolsPath,
      signal,
      stateDirectory: store.layout.state,
    });
    if (accelerator === 'tcg') emit({ type: 'notice', message: reason });
    const user = await hypervisorUser(libvirtUri, { toolsPath, signal });
    // The appliance always has the host's architecture, whatever the guest's: KVM may work for it where it cannot for the guest.
    const forAppliance =
      medium.arch === hostArch()
        ? accelerator
        : (await chooseAccelerator('auto', { toolsPath, signal, stateDirectory: store.layout.state })).accelerator;
    return {
      machine: {
        libvirtUri,
        accelerator,
        toolVersions: toolVersions(checks),
        environment: applianceEnvironment(forAppliance),
        canHypervisorReach: async (path) =>
          user === undefined || (await canUserReach(path, user.uid, user.gid)).isReachable,
      },
    };
  },
};
