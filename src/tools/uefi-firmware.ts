/**
 * UEFI firmware for machines that have no other. Every distribution has its files elsewhere and describes them in the same way
 * (docs/interop/firmware.json of QEMU), a file for each firmware, the preferred one first.
 */
import { access, readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { Iso2RootfsError } from '../errors.js';

export interface FlashFile {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

export interface UefiFirmware {
  readonly code: FlashFile;
  /** What a machine's own copy of the variables starts as. */
  readonly variables: FlashFile;
}

/** The administrator's come before the distribution's; one that has the same name hides it. */
const DIRECTORIES = ['/etc/qemu/firmware', '/usr/share/qemu/firmware'];
const flashFile = z.object({ filename: z.string(), format: z.enum(['raw', 'qcow2']) });
const descriptorSchema = z.object({
  'interface-types': z.array(z.string()),
  mapping: z.object({
    device: z.literal('flash'),
    mode: z.literal('split').optional(),
    executable: flashFile,
    'nvram-template': flashFile,
  }),
  targets: z.array(z.object({ architecture: z.string(), machines: z.array(z.string()) })),
  features: z.array(z.string()),
});
/** With these, a firmware starts nothing that is not signed, or needs what a machine of ours does not have. */
const UNWANTED = ['enrolled-keys', 'requires-smm'];

/**
 * @param machine QEMU's name of a machine type without its version
 * @throws Iso2RootfsError TOOL_MISSING
 */
export async function findUefiFirmware(
  arch: string,
  machine: string,
  directories: readonly string[] = DIRECTORIES,
): Promise<UefiFirmware> {
  const files = new Map<string, string>();
  for (const directory of [...directories].reverse()) {
    const names = await readdir(directory).catch(() => []);
    for (const name of names) if (name.endsWith('.json')) files.set(name, path.join(directory, name));
  }
  for (const [, file] of [...files].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const firmware = await readDescriptor(file, arch, machine);
    if (firmware !== undefined && (await isReadable(firmware))) return firmware;
  }
  throw new Iso2RootfsError('TOOL_MISSING', `no UEFI firmware for ${arch} is installed (needed to boot a disk)`, {
    hint: 'Install it: qemu-efi-aarch64 (Debian, Ubuntu), edk2-aarch64 (Fedora, EL, openEuler) or qemu-uefi-aarch64 (SUSE).',
    data: { directories },
  });
}

async function readDescriptor(file: string, arch: string, machine: string): Promise<UefiFirmware | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const descriptor = descriptorSchema.safeParse(parse(text)).data;
  if (descriptor === undefined || !descriptor['interface-types'].includes('uefi')) return undefined;
  const isForIt = descriptor.targets.some(
    (target) =>
      target.architecture === arch &&
      // A pattern with the version in it: `virt-*`.
      target.machines.some((pattern) => pattern === machine || pattern.startsWith(`${machine}-`)),
  );
  if (!isForIt || UNWANTED.some((feature) => descriptor.features.includes(feature))) return undefined;
  const { executable, 'nvram-template': template } = descriptor.mapping;
  return {
    code: { path: executable.filename, format: executable.format },
    variables: { path: template.filename, format: template.format },
  };
}

/** Distributions describe files that only another package has. */
async function isReadable({ code, variables }: UefiFirmware): Promise<boolean> {
  return Promise.all([access(code.path), access(variables.path)]).then(
    () => true,
    () => false,
  );
}

/** A descriptor that is no JSON, such as the empty one by which an administrator hides another, describes nothing. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
