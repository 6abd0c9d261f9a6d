import type { Arch } from '../../media/types.js';
import type { AnswerTarget } from './types.js';

/** The serial line that QEMU's machines of this arch have. */
export function consoleArgument(arch: Arch): string {
  return arch === 'x86_64' ? 'console=ttyS0,115200n8' : 'console=ttyAMA0,115200n8';
}

export function describeTarget({ distro, release, arch, variant }: AnswerTarget): string {
  return `${distro} ${release} ${arch} (${variant})`;
}

/** What Debian and Ubuntu call an arch. */
export function debianArch(arch: Arch): 'amd64' | 'arm64' {
  return arch === 'x86_64' ? 'amd64' : 'arm64';
}
