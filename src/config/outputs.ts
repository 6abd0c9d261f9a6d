export const OUTPUTS = ['tar', 'nfsroot', 'cgz', 'kernel'] as const;
export type Output = (typeof OUTPUTS)[number];

export const OUTPUTS_WANTED = `a list of ${OUTPUTS.join(', ')}`;

/** Outputs of `tar,cgz` or of a list of names, in the order of {@link OUTPUTS}; undefined when a name is none, or there is none. */
export function parseOutputs(value: unknown): readonly Output[] | undefined {
  const names: unknown[] = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [];
  const wanted = names.map((name) => (typeof name === 'string' ? name.trim().toLowerCase() : ''));
  if (wanted.length === 0 || !wanted.every((name) => (OUTPUTS as readonly string[]).includes(name))) return undefined;
  return OUTPUTS.filter((output) => wanted.includes(output));
}
