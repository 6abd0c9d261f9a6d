import { chooseAccelerator, type Accelerator } from '../../tools/accelerator.js';
import { applianceEnvironment } from '../../tools/appliance.js';
import { hostArch } from '../../tools/host.js';
import { canUserReach, hypervisorUser } from '../../tools/libvirt.js';
import { requireHealthy, runDoctor } from '../doctor.js';
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
    const search = { toolsPath, signal, stateDirectory: store.layout.state };
    const report = await runDoctor({ ...search, arch: medium.arch, libvirtUri, accelerator: acceleration });
    requireHealthy(report);
    const { accelerator, toolVersions } = report;
    if (accelerator === 'tcg') {
      const { reason } = await chooseAccelerator(acceleration, { ...search, arch: medium.arch });
      emit({ type: 'notice', message: reason });
    }
    const user = await hypervisorUser(libvirtUri, search);
    // The appliance has the host's architecture, whatever the guest's: KVM may work for it where it cannot for the guest.
    const forAppliance =
      medium.arch === hostArch() ? accelerator : (await chooseAccelerator('auto', search)).accelerator;
    return {
      machine: {
        libvirtUri,
        accelerator,
        toolVersions,
        environment: applianceEnvironment(forAppliance),
        canHypervisorReach: async (path) =>
          user === undefined || (await canUserReach(path, user.uid, user.gid)).isReachable,
      },
    };
  },
};
