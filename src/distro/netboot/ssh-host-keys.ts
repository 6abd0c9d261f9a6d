import type { Addition, TreeSurvey } from './tree-survey.js';

/** Units of the ssh server, in which distributions make missing host keys, or ask for a unit that does. */
export const SSH_UNIT = /^(?:(?:usr\/)?lib|etc)\/systemd\/system\/sshd?(?:@)?\.service(?:\.d\/[^/]+\.conf)?$/;
const MAKES_KEYS = /ssh-keygen|sshd-keygen|gen-keys/;
const NAME = 'iso2rootfs-ssh-host-keys.service';

/** Whether a unit of the ssh server sees to its host keys (RHEL and openEuler: `Wants=sshd-keygen.target`; SUSE: `sshd-gen-keys-start`). */
export function makesHostKeys(unitText: string): boolean {
  return unitText.split('\n').some((line) => !/^\s*[#;]/.test(line) && MAKES_KEYS.test(line));
}

/**
 * A unit that makes missing host keys before the ssh server starts, where nothing of the system's own does: Debian before 13 makes
 * them only when the package is installed.
 * @param isDone whether a unit of the ssh server was found to do it
 */
export function addHostKeyUnit(survey: TreeSurvey, isDone: boolean): Addition[] {
  const directory = survey.systemdDirectory;
  if (directory === undefined || isDone || !survey.hasProgram('sshd') || !survey.hasProgram('ssh-keygen')) return [];
  const isPulledIn = [...survey.units].some((path) =>
    /\.(?:wants|requires)\/[^/]*(?:sshd?-?keygen|ssh-host-?keys?)[^/]*$/.test(path),
  );
  if (isPulledIn) return [];
  const text = [
    '# Written by iso2rootfs: no two machines share a host key.',
    '[Unit]',
    'Description=Make missing SSH host keys',
    'ConditionPathExists=|!/etc/ssh/ssh_host_rsa_key',
    'ConditionPathExists=|!/etc/ssh/ssh_host_ed25519_key',
    'ConditionPathIsReadWrite=/etc/ssh',
    'After=local-fs.target systemd-random-seed.service',
    'Before=ssh.service sshd.service',
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    'ExecStart=/usr/bin/ssh-keygen -A',
    '',
  ].join('\n');
  return [
    { path: `${directory}/system/${NAME}`, text },
    ...['ssh.service', 'sshd.service']
      .filter((service) => survey.hasUnit(service))
      .map((service) => ({ path: `${directory}/system/${service}.wants/${NAME}`, linkTarget: `../${NAME}` })),
  ];
}
