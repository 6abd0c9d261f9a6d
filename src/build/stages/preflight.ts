import { chooseAccelerator, type Accelerator } from '../../tools/accelerator.js';
import { applianceEnvironment } from '../../tools/appliance.js';
import { canMountDisks, requireMountEngine } from '../../tools/disk/mount-disk.js';
import { hostArch } from '../../tools/host.js';
import { canUserReach, hypervisorUser } from '../../tools/libvirt.js';
import { requireHealthy, runDoctor } from '../doctor.js';
import type { Context } from '../context.js';
import { Iso2RootfsError } from '../../errors.js';
import type { Stage } from '../pipeline.js';
import type { Recipe } from '../recipe.js';
import { validateAnswerFile, type Validation } from '../../tools/validators.js';
import type { Answered } from './answer.js';
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
export const preflight: Stage<Recipe & Inspected & Answered, Preflighted> = {
  name: 'preflight',
  run: async (build, context) => {
    const { libvirtUri, acceleration, engine, medium } = build;
    const { tools, store, emit, signal } = context;
    if (engine === 'mount') await requireMountEngine();
    const { toolsPath } = tools;
    await checkSyntax(build, context);
    const search = { toolsPath, signal, stateDirectory: store.layout.state };
    const report = await runDoctor({ ...search, arch: medium.arch, engine, libvirtUri, accelerator: acceleration });
    requireHealthy(report);
    const { accelerator, toolVersions } = report;
    if (accelerator === 'tcg') {
      const { reason } = await chooseAccelerator(acceleration, { ...search, arch: medium.arch });
      emit({ type: 'notice', message: reason });
      if (engine === 'guestfs' && (await canMountDisks())) {
        emit({
          type: 'notice',
          message: "--engine mount reads the installed disk many times faster here: with this host's kernel.",
        });
      }
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
        environment: applianceEnvironment(forAppliance, context.workspace.directory),
        canHypervisorReach: async (path) =>
          user === undefined || (await canUserReach(path, user.uid, user.gid)).isReachable,
      },
    };
  },
};

/** The syntax of the user's own answer file, by the field's validator: what it refuses, the installer would refuse many minutes later. */
async function checkSyntax(
  { answerFilePath, answer, medium }: Recipe & Answered & Inspected,
  context: Context,
): Promise<void> {
  if (answerFilePath === undefined) return;
  const { tools, signal, emit } = context;
  const look = (dialect: string | undefined): Promise<Validation> =>
    validateAnswerFile(answer.family, answerFilePath, { dialect, toolsPath: tools.toolsPath, signal });
  const strict = await look(answer.dialect);
  if (strict.missing !== undefined) {
    emit({ type: 'notice', message: `The syntax of ${answerFilePath} was not checked: ${strict.missing}.` });
  }
  if (strict.findings.length === 0) return;
  const told = strict.findings.map(
    ({ line, problem }) => `${answerFilePath}${line === 0 ? '' : `:${line}`}: ${problem}`,
  );
  // Distributions change their installers: what is right in some version of the syntax is not refused for another.
  if (answer.family === 'anaconda' && (await look(undefined)).findings.length === 0) {
    const whose = `the installer of ${medium.distro} ${medium.release} (${answer.dialect}) may not know this`;
    for (const message of told) emit({ type: 'warning', message: `${message} (${whose})` });
    return;
  }
  throw new Iso2RootfsError('ANSWER_FILE_INVALID', told.join('; '), {
    hint: "Correct the syntax; 'iso2rootfs answer check FILE' looks again.",
  });
}
