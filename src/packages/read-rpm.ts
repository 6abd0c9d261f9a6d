import { Iso2RootfsError } from '../errors.js';
import type { Toolbox } from '../tools/toolbox.js';
import { packageOf } from './rpm-package.js';
import type { InstalledPackage } from './types.js';

const FIELDS = ['NAME', 'EPOCH', 'VERSION', 'RELEASE', 'ARCH', 'SOURCERPM', 'LICENSE', 'VENDOR', 'LONGSIZE'] as const;
/** A database that is made to be read for ever does not stop a build. */
const TIMEOUT_MS = 120_000;
const NONE = '(none)';

/**
 * Installed packages of a copy of an rpm database, in what format this host's rpm knows: sqlite, and of the older Berkeley DB what it only
 * has to read. Nothing of the system it came from is run.
 * @param directory with the database's files alone; rpm may write there
 * @throws Iso2RootfsError TOOL_MISSING, TOOL_FAILED, TIMEOUT; INTEGRITY for a line that is none
 */
export async function readRpmDatabase(tools: Toolbox, directory: string): Promise<InstalledPackage[]> {
  const format = `${FIELDS.map((field) => `%{${field}}`).join('\\t')}\\n`;
  const { stdout } = await tools.run(
    'rpm',
    ['--dbpath', directory, '--nosignature', '--nodigest', '-qa', '--queryformat', format],
    {
      timeoutMs: TIMEOUT_MS,
      // Configuration of the user who runs us is not the system's.
      env: { HOME: directory },
      reason: 'list the installed packages',
      hint: 'Install the package rpm.',
    },
  );
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => readLine(line));
}

function readLine(line: string): InstalledPackage[] {
  const values = line.split('\t').map((value) => (value === NONE ? undefined : value));
  if (values.length !== FIELDS.length) {
    throw new Iso2RootfsError('INTEGRITY', 'the rpm database of the system is damaged: rpm lists what is no package');
  }
  const [name, epoch, version, release, arch, source, license, vendor, size] = values;
  return packageOf({ name, epoch, version, release, arch, source, license, vendor, size });
}
