import type { Addition, TreeSurvey } from './tree-survey.js';

const SERVICES = ['kdump.service', 'kdump-tools.service', 'kdump-early.service'];

/**
 * The services that load a crash kernel fail on a machine that was not started with `crashkernel=`, and make the whole system
 * "degraded": they are skipped there. A condition, so that they work as ever where the argument is given.
 */
export function addKdumpConditions(survey: TreeSurvey): Addition[] {
  const directory = survey.systemdDirectory;
  if (directory === undefined) return [];
  return SERVICES.filter((service) => survey.hasUnit(service)).map((service) => ({
    path: `${directory}/system/${service}.d/iso2rootfs.conf`,
    text: '# Written by iso2rootfs.\n[Unit]\nConditionKernelCommandLine=crashkernel\n',
  }));
}
