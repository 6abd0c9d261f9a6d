/** libguestfs looks into disks from a small guest of its own, the appliance, which supermin builds from the host's kernel and files. */
import { access, constants, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError, systemErrorCode } from '../errors.js';
import type { Accelerator } from './accelerator.js';
import { searchPath } from './host.js';
import { compareVersions } from './requirements.js';
import { findProgram, programEnvironment, run } from './run.js';

/** Building it takes a while the first time; under software emulation so does starting it. */
const LAUNCH_TIMEOUT_MS = 10 * 60_000;

export interface ApplianceOptions {
  readonly toolsPath?: string | undefined;
  /** Default: our environment, of which PATH, SUPERMIN_KERNEL, SUPERMIN_MODULES and LIBGUESTFS_PATH matter. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Default: `/boot`. */
  readonly bootDirectory?: string;
  /** Default: `/lib/modules`. */
  readonly modulesDirectory?: string;
  readonly signal?: AbortSignal | undefined;
}

export type ApplianceCheck =
  | { readonly ok: true; /** What it would be made of. */ readonly found: string }
  | { readonly ok: false; readonly problem: string; readonly remedy: string };

/**
 * What the programs of libguestfs get. QEMU is started directly: through libvirt it would run as another user, who cannot read our disks.
 * @param temporaryDirectory for libguestfs' overlays and QEMU's, so that they go with it when a program is killed. Default: /tmp and
 *   /var/tmp. The appliance itself, some 700 MB, stays where it is.
 */
export function applianceEnvironment(accelerator: Accelerator, temporaryDirectory?: string): Record<string, string> {
  const { TMPDIR, LIBGUESTFS_CACHEDIR } = process.env;
  return {
    LIBGUESTFS_BACKEND: 'direct',
    // Empty rather than unset: the user's own setting must not force the other one.
    LIBGUESTFS_BACKEND_SETTINGS: accelerator === 'tcg' ? 'force_tcg' : '',
    ...(temporaryDirectory === undefined
      ? {}
      : { TMPDIR: temporaryDirectory, LIBGUESTFS_CACHEDIR: LIBGUESTFS_CACHEDIR ?? TMPDIR ?? '/var/tmp' }),
  };
}

/**
 * Looks, without starting it, whether the appliance can be made: supermin (or a ready-made appliance), a kernel that we may read and its
 * modules. The search follows supermin's (src/format_ext2_kernel.ml): SUPERMIN_KERNEL, /lib/modules/VERSION/vmlinuz, /boot/vmlinuz-VERSION.
 */
export async function checkApplianceCanStart(options: ApplianceOptions = {}): Promise<ApplianceCheck> {
  const environment = options.environment ?? process.env;
  const fixed = await findFixedAppliance(environment['LIBGUESTFS_PATH']);
  if (fixed !== undefined) return { ok: true, found: `ready-made appliance in ${fixed}` };
  if ((await findProgram('supermin', searchPath(options.toolsPath, environment['PATH']))) === undefined) {
    return {
      ok: false,
      problem: 'supermin is not installed, which builds the appliance',
      remedy: 'Install supermin, or run bin/setup-host.',
    };
  }
  const chosen = environment['SUPERMIN_KERNEL'];
  if (chosen !== undefined) {
    return (await isReadable(chosen))
      ? { ok: true, found: `kernel ${chosen} (SUPERMIN_KERNEL)` }
      : {
          ok: false,
          problem: `SUPERMIN_KERNEL names ${chosen}, which cannot be read`,
          remedy: 'Correct the variable or unset it.',
        };
  }
  return judgeKernels(await findKernels(options), options);
}

/**
 * Starts the appliance for real; it takes seconds with KVM and up to a minute without.
 * @returns like {@link checkApplianceCanStart}
 */
export async function launchAppliance(
  accelerator: Accelerator,
  options: ApplianceOptions = {},
): Promise<ApplianceCheck> {
  try {
    const { elapsedMs } = await run('guestfish', ['-a', '/dev/null', 'run'], {
      env: {
        ...programEnvironment({}, options.environment),
        PATH: searchPath(options.toolsPath, options.environment?.['PATH']),
        ...applianceEnvironment(accelerator),
      },
      signal: options.signal,
      timeoutMs: LAUNCH_TIMEOUT_MS,
      reason: 'start the libguestfs appliance',
    });
    return { ok: true, found: `started within ${Math.ceil(elapsedMs / 1000)} s` };
  } catch (error) {
    if (options.signal?.aborted || !(error instanceof Iso2RootfsError)) throw error;
    return {
      ok: false,
      problem: explainFailure(error),
      remedy: `Run 'libguestfs-test-tool' with LIBGUESTFS_BACKEND=direct${accelerator === 'tcg' ? ' LIBGUESTFS_BACKEND_SETTINGS=force_tcg' : ''}; it tells in detail where the start ends.`,
    };
  }
}

/** @throws Iso2RootfsError APPLIANCE_UNAVAILABLE */
export function requireAppliance(check: ApplianceCheck): void {
  if (check.ok) return;
  throw new Iso2RootfsError('APPLIANCE_UNAVAILABLE', `the libguestfs appliance cannot start: ${check.problem}`, {
    hint: check.remedy,
  });
}

/** guestfish surrounds each of libguestfs' complaints with advice. */
function explainFailure(error: Iso2RootfsError): string {
  const tail: unknown = error.data?.['tail'];
  const lines = Array.isArray(tail) ? tail.map(String) : [];
  const complaints = lines.flatMap((line) => /libguestfs: error: (.+)$/.exec(line)?.[1] ?? []);
  return complaints.length === 0 ? error.message : complaints.join(' ');
}

interface HostKernel {
  readonly file: string;
  readonly version: string;
  readonly isReadable: boolean;
  readonly hasModules: boolean;
}

async function findKernels(options: ApplianceOptions): Promise<HostKernel[]> {
  const bootDirectory = options.bootDirectory ?? '/boot';
  const modulesDirectory = options.modulesDirectory ?? '/lib/modules';
  const candidates = (await list(modulesDirectory)).map((version) => ({
    file: path.join(modulesDirectory, version, 'vmlinuz'),
    version,
  }));
  for (const name of await list(bootDirectory)) {
    const version = /^vmlinu[xz]-(.+)$/.exec(name)?.[1];
    if (version !== undefined && !version.includes('xen')) {
      candidates.push({ file: path.join(bootDirectory, name), version });
    }
  }
  const kernels: HostKernel[] = [];
  for (const { file, version } of candidates) {
    if (!(await exists(file))) continue;
    const hasModules = await exists(path.join(modulesDirectory, version, 'modules.dep'));
    kernels.push({ file, version, isReadable: await isReadable(file), hasModules });
  }
  return kernels.sort((a, b) => compareVersions(b.version, a.version));
}

function judgeKernels(kernels: readonly HostKernel[], options: ApplianceOptions): ApplianceCheck {
  const bootDirectory = options.bootDirectory ?? '/boot';
  // supermin takes the newest that has modules, and fails if it cannot read that one.
  const picked = kernels.find((kernel) => kernel.hasModules || options.environment?.['SUPERMIN_MODULES'] !== undefined);
  if (picked?.isReadable) return { ok: true, found: `kernel ${picked.version}` };
  if (picked !== undefined) {
    return {
      ok: false,
      problem: `the host's kernel ${picked.file} cannot be read by this user, and the appliance is built from it`,
      remedy: `Run bin/setup-host, or: sudo chmod 0644 ${picked.file} (on Debian and Ubuntu dpkg-statoverride keeps it so).`,
    };
  }
  const [first] = kernels;
  if (first !== undefined) {
    return {
      ok: false,
      problem: `the host's kernel ${first.file} has no modules in ${path.join(options.modulesDirectory ?? '/lib/modules', first.version)}`,
      remedy: 'Install a kernel with its modules (bin/setup-host does), or set SUPERMIN_KERNEL and SUPERMIN_MODULES.',
    };
  }
  return {
    ok: false,
    problem: `there is no kernel in ${bootDirectory} that the appliance could be built from`,
    remedy:
      'Install one (bin/setup-host does; it need not be the one that runs), or set SUPERMIN_KERNEL and SUPERMIN_MODULES.',
  };
}

/** guestfs(3), FIXED APPLIANCE: a directory of LIBGUESTFS_PATH with `kernel`, `initrd`, `root` and `README.fixed`. */
async function findFixedAppliance(searchedDirectories: string | undefined): Promise<string | undefined> {
  for (const directory of (searchedDirectories ?? '').split(':').filter((name) => name !== '')) {
    const names = await list(directory);
    if (['kernel', 'initrd', 'root', 'README.fixed'].every((name) => names.includes(name))) return directory;
  }
  return undefined;
}

async function list(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch {
    return [];
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EACCES';
  }
}

async function isReadable(file: string): Promise<boolean> {
  try {
    await access(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
