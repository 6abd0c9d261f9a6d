import { availableParallelism } from 'node:os';
import { defaultUri } from '../tools/libvirt-uri.js';
import { defaultCacheDirectory } from './directories.js';
import {
  age,
  choice,
  count,
  directory,
  excludes,
  optional,
  orNone,
  outputs,
  size,
  text,
  timeout,
  toggle,
  type Kind,
} from './kinds.js';
import { COMPRESSORS, describeLevels, type Compressor } from './compression.js';
import { CGZ_EXCLUDES, CGZ_KINDS, DEFAULT_OUTPUTS, OUTPUTS, type CgzExclude, type CgzKind } from './outputs.js';

interface Setting<Value> extends Kind<Value> {
  readonly summary: string;
  /** Name of the flag that wins over everything else, where a command has it. */
  readonly flag: string;
  /** The value where nothing else is said. */
  readonly fallback: (environment: NodeJS.ProcessEnv) => Value;
  /** A variable of another program's that {@link fallback} heeds. */
  readonly basis?: string;
  /** Where the name does not follow the rule of {@link variableOf}. */
  readonly variable?: string;
}

function setting<Value>(kind: Kind<Value>, about: Omit<Setting<NoInfer<Value>>, keyof Kind<Value>>): Setting<Value> {
  return { ...kind, ...about };
}

/** Every setting, by its path in a configuration file. */
export const SETTINGS = {
  'cache.directory': setting(directory, {
    summary: 'directory of the cache',
    flag: 'cache-dir',
    variable: 'ISO2ROOTFS_CACHE_DIR',
    fallback: (environment) => defaultCacheDirectory(environment),
    basis: 'XDG_CACHE_HOME',
  }),
  'cache.maxSize': setting(orNone(size), {
    summary: 'allocated size that pruning brings the cache down to, least recently used first',
    flag: 'max-size',
    fallback: () => Infinity,
  }),
  'cache.maxAge': setting(orNone(age), {
    summary: 'pruning removes what has not been used for so long',
    flag: 'max-age',
    fallback: () => Infinity,
  }),
  'cache.keepLast': setting(orNone(count(1, 1_000_000)), {
    summary: 'how many conversions, and how many disks, of each release and architecture pruning leaves',
    flag: 'keep-last',
    fallback: () => Infinity,
  }),
  'build.memory': setting(optional(size), {
    summary: 'memory of the guest (default: what the release needs, at least 4G)',
    flag: 'memory',
    fallback: () => undefined,
  }),
  'build.vcpus': setting(count(1, 255), {
    summary: 'processors of the guest (default: those of the host, at most 4)',
    flag: 'vcpus',
    fallback: () => Math.min(4, availableParallelism()),
  }),
  'build.diskSize': setting(optional(size), {
    summary: 'size of the disk; only what is written takes space (default: what the release needs, at least 10G)',
    flag: 'disk-size',
    fallback: () => undefined,
  }),
  'build.timeout': setting(timeout, {
    summary: 'longest installation',
    flag: 'timeout',
    fallback: () => 90 * 60_000,
  }),
  'build.idleTimeout': setting(timeout, {
    summary: 'longest time of an installation in which nothing moves',
    flag: 'idle-timeout',
    fallback: () => 10 * 60_000,
  }),
  'build.jobs': setting(count(1, 1000), {
    summary: 'most conversions at once with this cache; further ones wait (default: one for two processors)',
    flag: 'jobs',
    fallback: () => Math.max(1, Math.floor(availableParallelism() / 2)),
  }),
  'build.accel': setting(choice(['auto', 'kvm', 'tcg']), {
    summary: 'run guests by KVM or by software emulation (tcg)',
    flag: 'accel',
    fallback: (): 'auto' | 'kvm' | 'tcg' => 'auto',
  }),
  'build.engine': setting(choice(['guestfs', 'mount']), {
    summary: "who reads the installed disk: the libguestfs appliance, or (as root) the host's own kernel",
    flag: 'engine',
    fallback: (): 'guestfs' | 'mount' => 'guestfs',
  }),
  'build.outputs': setting(outputs, {
    summary: `what to write: a list of ${OUTPUTS.join(', ')}`,
    flag: 'outputs',
    fallback: () => DEFAULT_OUTPUTS,
  }),
  'build.cgzKind': setting(choice(CGZ_KINDS), {
    summary: 'what initramfs.cgz holds: the files (tree), or a squashfs image under an overlay in memory',
    flag: 'cgz-kind',
    fallback: (): CgzKind => 'tree',
  }),
  'build.cgzExclude': setting(excludes, {
    summary: `what a tree in initramfs.cgz leaves out: a list of ${CGZ_EXCLUDES.join(', ')}, or none`,
    flag: 'cgz-exclude',
    fallback: (): readonly CgzExclude[] => [],
  }),
  'build.compress': setting(choice(COMPRESSORS), {
    summary: 'how initramfs.cgz, modules.cgz and squashfs images are compressed',
    flag: 'compress',
    fallback: (): Compressor => 'gzip',
  }),
  'build.compressLevel': setting(optional(count(0, 19)), {
    summary: `level of build.compress (default: ${describeLevels()})`,
    flag: 'compress-level',
    fallback: () => undefined,
  }),
  'build.toolsPath': setting(optional(directory), {
    summary: 'directory in which the virt-* tools are looked for first',
    flag: 'tools-path',
    fallback: () => undefined,
  }),
  'libvirt.uri': setting(text, {
    summary: 'libvirt to use (default: qemu:///system for root, qemu:///session for others)',
    flag: 'connect',
    fallback: (environment) => defaultUri(environment),
    basis: 'LIBVIRT_DEFAULT_URI',
  }),
  'download.offline': setting(toggle, {
    summary: 'use what is there, touch no network',
    flag: 'offline',
    fallback: () => false,
  }),
  'download.requireChecksum': setting(toggle, {
    summary: 'refuse a medium for which no checksum is published',
    flag: 'require-checksum',
    fallback: () => false,
  }),
} as const;

export type SettingName = keyof typeof SETTINGS;

/** Values by name. Sizes in bytes, durations in milliseconds, no bound as Infinity. */
export type Settings = { readonly [Name in SettingName]: Parameters<(typeof SETTINGS)[Name]['write']>[0] };

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** The setting, seen as one of any kind of value. */
export function settingOf(name: SettingName): Setting<unknown> {
  return SETTINGS[name] as unknown as Setting<unknown>;
}

/** `ISO2ROOTFS_BUILD_DISK_SIZE` of `build.diskSize`. */
export function variableOf(name: SettingName): string {
  return settingOf(name).variable ?? `ISO2ROOTFS_${name.replace(/[A-Z]/g, '_$&').replace('.', '_').toUpperCase()}`;
}
