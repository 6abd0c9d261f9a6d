import type { Settings } from '../config/settings.js';
import { cgzRecipeOf, Iso2RootfsError, type Arch, type Recipe } from '../index.js';
import { generatedAnswerFlags } from './recipe-flags.js';

/** The values of the flags of recipe-flags.ts, as oclif parses them, but of those that are settings. */
export interface RecipeFlagValues {
  readonly distro?: string | undefined;
  readonly release?: string | undefined;
  readonly arch?: string | undefined;
  readonly variant?: string | undefined;
  readonly iso?: string | undefined;
  readonly sha256?: string | undefined;
  readonly 'answer-file'?: string | undefined;
  readonly 'root-password'?: string | undefined;
  readonly 'ssh-inject'?: readonly string[] | undefined;
  readonly packages?: readonly string[] | undefined;
  readonly 'package-group'?: readonly string[] | undefined;
  readonly slim?: boolean | undefined;
  readonly timezone?: string | undefined;
  readonly lang?: string | undefined;
  readonly keyboard?: string | undefined;
  readonly hostname?: string | undefined;
  readonly 'kernel-args'?: string | undefined;
  readonly post?: readonly string[] | undefined;
  readonly retry?: boolean | undefined;
  readonly 'keep-on-failure'?: boolean | undefined;
  readonly debug?: boolean | undefined;
  readonly verify?: boolean | undefined;
  readonly output?: string | undefined;
  readonly selinux?: string | undefined;
}

/**
 * What the flags ask for.
 * @param settings with those flags merged in that are settings
 * @throws Iso2RootfsError USAGE
 */
export function toRecipe(flags: RecipeFlagValues, cache: Recipe['cache'], settings: Settings): Recipe {
  if (flags.sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(flags.sha256)) {
    throw new Iso2RootfsError('USAGE', `--sha256 ${flags.sha256}: not a SHA-256`, {
      hint: 'Give 64 hexadecimal digits.',
    });
  }
  const own = flags['answer-file'];
  const [useless] = own === undefined ? [] : answerFlagsGiven(flags);
  if (useless !== undefined) {
    throw new Iso2RootfsError(
      'USAGE',
      `--${useless} goes into a generated answer file, but --answer-file ${own ?? ''} was given`,
      {
        hint: 'Write it into your own answer file, or leave --answer-file out.',
      },
    );
  }
  const memory = settings['build.memory'];
  return {
    iso: flags.iso,
    distro: flags.distro,
    release: flags.release,
    arch: flags.arch as Arch | undefined,
    variant: flags.variant,
    expectedSha256: flags.sha256,
    requiresChecksum: settings['download.requireChecksum'],
    isOffline: settings['download.offline'],
    answerOptions: {
      rootPassword: flags['root-password'],
      sshKeyFiles: flags['ssh-inject'],
      packages: flags.packages?.flatMap(splitList),
      packageGroups: flags['package-group']?.flatMap(splitList),
      isSlim: flags.slim,
      timezone: flags.timezone,
      language: flags.lang,
      keyboard: flags.keyboard,
      hostname: flags.hostname,
      kernelArguments: flags['kernel-args']?.split(/\s+/).filter((argument) => argument !== ''),
      postScriptFiles: flags.post,
    },
    answerFilePath: own,
    outputDirectory: flags.output,
    outputs: settings['build.outputs'],
    cgz: cgzRecipeOf({
      kind: settings['build.cgzKind'],
      excludes: settings['build.cgzExclude'],
      compressor: settings['build.compress'],
      level: settings['build.compressLevel'],
    }),
    selinux: (flags.selinux as Recipe['selinux'] | undefined) ?? 'keep',
    memoryMiB: memory === undefined ? undefined : Math.ceil(memory / 2 ** 20),
    vcpus: settings['build.vcpus'],
    jobs: settings['build.jobs'],
    diskSizeBytes: settings['build.diskSize'],
    timeoutMs: settings['build.timeout'],
    idleTimeoutMs: settings['build.idleTimeout'],
    libvirtUri: settings['libvirt.uri'],
    acceleration: settings['build.accel'],
    engine: settings['build.engine'],
    cache,
    mayRetry: flags.retry ?? true,
    keepsFailedDisk: flags['keep-on-failure'] ?? false,
    isDebugging: flags.debug ?? false,
    verifies: flags.verify ?? false,
  };
}

function answerFlagsGiven(flags: RecipeFlagValues): string[] {
  return Object.keys(generatedAnswerFlags).filter((name) => {
    const value = flags[name as keyof RecipeFlagValues];
    return value !== undefined && value !== false;
  });
}

function splitList(list: string): string[] {
  return list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
