import type { Arch } from '../media/types.js';

export const SUPPORTED_ARCHES: readonly Arch[] = ['x86_64', 'aarch64'];

/** How media spell the architectures that we install. Any other name that they use is foreign. */
const ARCH_NAMES: Readonly<Record<string, Arch>> = {
  x86_64: 'x86_64',
  'x86-64': 'x86_64',
  // AlmaLinux 10 for older processors
  x86_64_v2: 'x86_64',
  x86_64_v3: 'x86_64',
  amd64: 'x86_64',
  x64: 'x86_64',
  aarch64: 'aarch64',
  arm64: 'aarch64',
};

const FOREIGN =
  'i[3-6]86|ppc64le|ppc64el|ppc64|ppc|p64el|s390x|s390|loongarch64|loong64|riscv64|armhfp|armhf|armv7hl|armel|arm|mips64el|mips|sw_64|ia64|sparc64';
const ARCH_WORD = new RegExp(`(?<![a-z0-9])(x86_64_v[23]|x86[_-]64|amd64|x64|aarch64|arm64|${FOREIGN})(?![a-z])`, 'gi');

/** The architecture's name in a text: a supported one first, because multi-arch media name several. */
export function findArchName(text: string): string | undefined {
  const names = [...text.matchAll(ARCH_WORD)].map(([name]) => name.toLowerCase());
  return names.find((name) => toArch(name) !== undefined) ?? names[0];
}

/** Undefined for an architecture that we do not install. */
export function toArch(name: string): Arch | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(ARCH_NAMES, key) ? ARCH_NAMES[key] : undefined;
}
