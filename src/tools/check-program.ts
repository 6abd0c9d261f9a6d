import { basename } from 'node:path';
import { Iso2RootfsError } from '../errors.js';
import { hostArch, readHostFamily, searchPath, type HostFamily } from './host.js';
import { compareVersions, requirementsFor, type Engine, type Requirement } from './requirements.js';
import { findProgram, run } from './run.js';

const VERSION_TIMEOUT_MS = 20_000;

export interface ProgramCheck {
  /** The program that was found; of a missing one, all names that would do: 'pigz or gzip'. */
  readonly name: string;
  /** Undefined when it is missing. */
  readonly path: string | undefined;
  /** Undefined when it is missing, or says nothing that looks like a version. */
  readonly version: string | undefined;
  readonly reason: string;
  /** The package that has it; undefined on a host whose family we do not know. */
  readonly package: string | undefined;
  readonly isOptional: boolean;
  readonly ok: boolean;
  /** What is wrong, in words that follow the name: 'is not installed'. */
  readonly problem: string | undefined;
}

export interface ProgramSearch {
  /** Directory that is looked into before PATH. */
  readonly toolsPath?: string | undefined;
  /** Default: our PATH. */
  readonly path?: string;
  /** Default: what /etc/os-release says; null: unknown. */
  readonly family?: HostFamily | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Finds a program, asks it for its version and judges that. Never throws but for an abort. */
export async function checkProgram(requirement: Requirement, search: ProgramSearch = {}): Promise<ProgramCheck> {
  const family = search.family === undefined ? await readHostFamily() : search.family;
  const directories = searchPath(search.toolsPath, search.path);
  const facts = {
    reason: requirement.reason,
    package: family ? requirement.packages[family] : undefined,
    isOptional: requirement.isOptional ?? false,
  };
  let found: string | undefined;
  for (const program of requirement.programs) found ??= await findProgram(program, directories);
  if (found === undefined) {
    const name = requirement.programs.filter((program) => !program.includes('/')).join(' or ');
    return { ...facts, name, path: undefined, version: undefined, ok: false, problem: 'is not installed' };
  }
  const { version, failure } = await askVersion(found, requirement, directories, search.signal);
  const problem = failure ?? versionProblem(requirement, version);
  return { ...facts, name: basename(found), path: found, version, ok: problem === undefined, problem };
}

/** Checks all that a build of `arch` needs, side by side. */
export async function checkPrograms(
  arch: string = hostArch(),
  search: ProgramSearch = {},
  engine?: Engine,
): Promise<ProgramCheck[]> {
  const family = search.family === undefined ? ((await readHostFamily()) ?? null) : search.family;
  return Promise.all(
    requirementsFor(arch, engine).map((requirement) => checkProgram(requirement, { ...search, family })),
  );
}

/** @throws Iso2RootfsError TOOL_MISSING or TOOL_TOO_OLD for the first program that keeps a build from starting. */
export function requirePrograms(checks: readonly ProgramCheck[]): void {
  const broken = checks.filter((check) => !check.ok && !check.isOptional);
  const [first] = broken;
  if (first === undefined) return;
  throw new Iso2RootfsError(
    programErrorCode(first),
    broken.map((check) => `${check.name} ${check.problem ?? ''} (needed to ${check.reason})`).join('; '),
    { hint: programRemedy(broken), data: { tools: broken.map((check) => check.name) } },
  );
}

export function programErrorCode(broken: ProgramCheck): 'TOOL_MISSING' | 'TOOL_TOO_OLD' {
  return broken.path !== undefined && broken.version !== undefined ? 'TOOL_TOO_OLD' : 'TOOL_MISSING';
}

/** What to do about programs that are missing or too old. */
export function programRemedy(broken: readonly ProgramCheck[]): string {
  const packages = [...new Set(broken.flatMap((check) => (check.package === undefined ? [] : [check.package])))];
  return packages.length === 0
    ? 'Install what is missing, or run bin/setup-host.'
    : `Install ${packages.join(', ')}, or run bin/setup-host.`;
}

/** Versions by name, of the programs that are there, for the manifest. */
export function toolVersions(checks: readonly ProgramCheck[]): Record<string, string> {
  return Object.fromEntries(
    checks.flatMap(({ name, path, version }) => (path === undefined ? [] : [[name, version ?? 'unknown']])),
  );
}

async function askVersion(
  program: string,
  requirement: Requirement,
  directories: string,
  signal: AbortSignal | undefined,
): Promise<{ version?: string | undefined; failure?: string }> {
  if (requirement.saysNoVersion === true) return {};
  try {
    const { stdout, tail } = await run(program, requirement.versionArguments ?? ['--version'], {
      env: { PATH: directories },
      signal,
      timeoutMs: VERSION_TIMEOUT_MS,
      signalPauseMs: 500,
    });
    const text = stdout.trim() === '' ? tail.join('\n') : stdout;
    return { version: (requirement.versionPattern ?? /(\d+(?:\.\d+)+)/).exec(text)?.[1] };
  } catch (error) {
    if (signal?.aborted) throw error;
    // A program that does not even say its version is broken: a missing library, a missing Python module.
    return { failure: `does not run: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function versionProblem(requirement: Requirement, version: string | undefined): string | undefined {
  if (version === undefined) {
    return requirement.problemWithoutVersion === undefined
      ? undefined
      : `is of no use: ${requirement.problemWithoutVersion}`;
  }
  const { minimalVersion } = requirement;
  if (minimalVersion === undefined || compareVersions(version, minimalVersion.version) >= 0) return undefined;
  return `${version} is too old: at least ${minimalVersion.version} is needed (${minimalVersion.because})`;
}
