import { z } from 'zod';

/** Format of `packages.json`. Raised when a reader of the old one would misread the new one. */
export const PACKAGES_FORMAT = 1;
export const PACKAGES_FILE = 'packages.json';
export const SBOM_FILE = 'sbom.cdx.json';

const packageSchema = z.object({
  name: z.string(),
  /** As the package manager writes it whole: `[epoch:]version-release`. */
  version: z.string(),
  /** Of rpm, where it has one. */
  epoch: z.number().optional(),
  /** Of rpm. */
  release: z.string().optional(),
  arch: z.string(),
  /** The source package: a name (dpkg; with a version in parentheses if it has another) or the name of a source rpm. */
  source: z.string().optional(),
  /** As the package states it; dpkg does not know it. */
  license: z.string().optional(),
  /** rpm's vendor, dpkg's maintainer. */
  vendor: z.string().optional(),
  installedBytes: z.number().optional(),
});

/** What `packages.json` says; the packages are sorted by name, version and architecture. */
export const packageListSchema = z.object({
  format: z.literal(PACKAGES_FORMAT),
  manager: z.enum(['dpkg', 'rpm']),
  count: z.number(),
  packages: z.array(packageSchema),
});

export type InstalledPackage = Readonly<z.infer<typeof packageSchema>>;
export type PackageList = Omit<z.infer<typeof packageListSchema>, 'packages'> & {
  readonly packages: readonly InstalledPackage[];
};

export function createList(manager: PackageList['manager'], packages: readonly InstalledPackage[]): PackageList {
  const keyOf = ({ name, version, arch }: InstalledPackage): string => [name, version, arch].join('\0');
  const sorted = [...packages].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  return { format: PACKAGES_FORMAT, manager, count: sorted.length, packages: sorted };
}
