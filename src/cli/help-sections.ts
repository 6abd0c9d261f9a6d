import { SETTING_NAMES, variableOf } from '../config/settings.js';
import { ERROR_CODES, type ErrorCode } from '../index.js';

/** Sections of the help of every command. */

export const ENVIRONMENT_HELP = `ENVIRONMENT
${SETTING_NAMES.map((name) => `  ${variableOf(name).padEnd(38)}setting ${name}`).join('\n')}
  The settings are described by: iso2rootfs config --help
  LIBVIRT_DEFAULT_URI, XDG_CACHE_HOME, XDG_CONFIG_HOME, http_proxy, https_proxy, no_proxy, NO_COLOR and TERM mean what they always mean.
  SUPERMIN_KERNEL is the kernel of the libguestfs appliance, where /boot has none that can be read.`;

function describeStatus(status: number): string {
  const codes = (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => ERROR_CODES[code].exitStatus === status);
  const [only] = codes;
  const meaning = codes.length === 1 && only !== undefined ? `${only}: ${ERROR_CODES[only].meaning}` : codes.join(', ');
  return `  ${String(status).padEnd(5)}${meaning}`;
}

const STATUSES = [...new Set(Object.values(ERROR_CODES).map(({ exitStatus }) => exitStatus))].sort((a, b) => a - b);

export const EXIT_CODES_HELP = `EXIT STATUS
  0    success
${STATUSES.map(describeStatus).join('\n')}`;
