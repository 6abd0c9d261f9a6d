export const OUTPUTS = [
  'tar',
  'nfsroot',
  'cgz',
  'kernel',
  'squashfs',
  'oci',
  'docker',
  'qcow2',
  'raw',
  'tar.gz',
  'tar.xz',
  'tar.zst',
] as const;
export type Output = (typeof OUTPUTS)[number];

/** What is written when nothing else is said. */
export const DEFAULT_OUTPUTS: readonly Output[] = ['tar', 'nfsroot', 'cgz', 'kernel'];

/** A disk that is handed out has to be changed itself; what is read of one for a tree is left out on the way. */
export function handsOutDisk(outputs: readonly Output[]): boolean {
  return outputs.includes('raw') || outputs.includes('qcow2');
}

export const OUTPUTS_WANTED = `a list of ${OUTPUTS.join(', ')}`;

/** Outputs of `tar,cgz` or of a list of names, in the order of {@link OUTPUTS}; undefined when a name is none, or there is none. */
export function parseOutputs(value: unknown): readonly Output[] | undefined {
  return parseNames(OUTPUTS, value);
}

/** How initramfs.cgz holds the system: as files, or as a squashfs image under an overlay in memory. */
export const CGZ_KINDS = ['tree', 'squashfs'] as const;
export type CgzKind = (typeof CGZ_KINDS)[number];

/** What can be left out of a `tree`. */
export const CGZ_EXCLUDES = ['modules', 'boot', 'docs'] as const;
export type CgzExclude = (typeof CGZ_EXCLUDES)[number];

export const CGZ_EXCLUDES_WANTED = `a list of ${CGZ_EXCLUDES.join(', ')}, or none`;

/** As {@link parseOutputs}; `none` is the empty list. */
export function parseExcludes(value: unknown): readonly CgzExclude[] | undefined {
  const isNone = typeof value === 'string' && /^\s*none\s*$/i.test(value);
  return isNone || (Array.isArray(value) && value.length === 0) ? [] : parseNames(CGZ_EXCLUDES, value);
}

function parseNames<Name extends string>(known: readonly Name[], value: unknown): readonly Name[] | undefined {
  const names: unknown[] = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [];
  const wanted = names.map((name) => (typeof name === 'string' ? name.trim().toLowerCase() : ''));
  if (wanted.length === 0 || !wanted.every((name) => (known as readonly string[]).includes(name))) return undefined;
  return known.filter((name) => wanted.includes(name));
}
