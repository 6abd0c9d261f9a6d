/** Facts read from an install medium. No policy here: what they mean is decided in distro/. */

export type Arch = 'x86_64' | 'aarch64';

/** The primary volume descriptor of an ISO 9660 image (ECMA-119, 8.4). Strings are trimmed. */
export interface VolumeDescriptor {
  readonly volumeId: string;
  readonly systemId: string;
  readonly publisherId: string;
  readonly preparerId: string;
  readonly applicationId: string;
  /** Size that the volume says it has; a shorter file is truncated. */
  readonly sizeBytes: number;
  readonly createdAt: string | undefined;
}

/** An entry of the ISO's tree. Paths are relative, separated by `/`, without a leading slash, in the Rock Ridge (else Joliet, else ISO 9660) spelling. */
export interface MediumEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  readonly sizeBytes: number;
  /** Where a symlink points to, as written on the medium; untrusted. */
  readonly linkTarget?: string;
}

/** Which of an ISO's name spaces the paths come from: the richest that it has. */
export type MediumNaming = 'rock-ridge' | 'joliet' | 'iso9660';

/** What an ISO says of itself. */
export interface MediumFacts {
  /** Path of the ISO; a hint only. */
  readonly isoPath: string;
  readonly sizeBytes: number;
  readonly volume: VolumeDescriptor;
  /** Default: `rock-ridge`. Plain ISO 9660 names are upper case on the medium; ours are lower case. */
  readonly naming?: MediumNaming;
  /** The tree, as deep as recognition needs it (package directories may be left out below their first entries). */
  readonly entries: ReadonlyMap<string, MediumEntry>;
  /** Contents of the small identity files that the medium has: `.treeinfo`, `.discinfo`, `media.repo`, `.disk/info`, `media.1/media`... */
  readonly identityFiles: ReadonlyMap<string, string>;
}
