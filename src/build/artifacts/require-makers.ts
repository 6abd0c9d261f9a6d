import { checkProgram, requirePrograms, type ProgramSearch } from '../../tools/check-program.js';
import { requirementsFor } from '../../tools/requirements.js';
import type { Making, PlannedFile } from './plan.js';

/** One of the programs of a requirement (tools/requirements.ts). */
const COMPRESSORS = { gzip: 'pigz', zstd: 'zstd', xz: 'xz' } as const;

/**
 * Asked before anything is installed or made: doctor takes these programs for optional, since most builds do without them.
 * @throws Iso2RootfsError TOOL_MISSING, TOOL_TOO_OLD
 */
export async function requireMakers(files: readonly PlannedFile[], search: ProgramSearch): Promise<void> {
  const wanted = new Set(files.flatMap(({ making }) => programsOf(making)));
  const requirements = requirementsFor().filter(({ programs }) => programs.some((program) => wanted.has(program)));
  requirePrograms(
    await Promise.all(requirements.map(async (each) => checkProgram({ ...each, isOptional: false }, search))),
  );
}

function programsOf(making: Making): readonly string[] {
  switch (making.by) {
    case 'conversion':
      return [];
    case 'cgz-tree':
    case 'compressed-tar':
      return [COMPRESSORS[making.compression.compressor]];
    case 'squashfs':
      return ['mksquashfs'];
    case 'cgz-squashfs':
      return ['mksquashfs', 'pigz'];
    case 'container-image':
      return making.format === 'oci' ? ['pigz'] : [];
    case 'disk-image':
      return ['qemu-img'];
  }
}
