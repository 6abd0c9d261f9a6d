import { z } from 'zod';
import { attemptSchema } from './attempts.js';
import { verificationSchema } from './verification.js';

/** Format of `manifest.json`. Raised when a reader of the old one would misread the new one. */
export const MANIFEST_FORMAT = 1;

/** What a kernel has to unpack, and what the archive cannot hold. */
const initramfsSchema = z.object({
  unpackedBytes: z.number(),
  largestFileBytes: z.number(),
  lostMetadata: z.array(
    z.object({ path: z.string(), xattrs: z.array(z.string()), capabilityHex: z.string().optional() }),
  ),
  lostLabelCount: z.number(),
  /** Missing in the manifests of the first versions. */
  inodeCount: z.number().optional(),
  /** RAM of a machine that boots it, at least: see tree/least-memory.ts. */
  leastMemoryMiB: z.number().optional(),
});

const fileArtifact = z.object({
  name: z.string(),
  type: z.literal('file'),
  sizeBytes: z.number(),
  sha256: z.string(),
  /** How it was made, where there are several ways. */
  making: z
    .object({
      kind: z.enum(['tree', 'squashfs']).optional(),
      excludes: z.array(z.string()).optional(),
      compressor: z.string().optional(),
      level: z.number().optional(),
    })
    .optional(),
  /** Of a variant of initramfs.cgz: what {@link manifestSchema} says of the usual one. */
  initramfs: initramfsSchema.optional(),
});

const directoryArtifact = z.object({
  name: z.string(),
  type: z.literal('directory'),
  entries: z.number(),
  /** SHA-256 of the tar archive that it was unpacked from. */
  tarSha256: z.string(),
});

/** What `manifest.json` says. */
export const manifestSchema = z.object({
  format: z.literal(MANIFEST_FORMAT),
  program: z.object({ name: z.literal('iso2rootfs'), version: z.string() }),
  createdAt: z.string(),
  key: z.string(),
  /** What the key is the SHA-256 of, as canonical JSON. */
  keyInputs: z.record(z.string(), z.unknown()),
  medium: z.object({
    distro: z.string(),
    release: z.string(),
    arch: z.string(),
    variant: z.string(),
    installer: z.string(),
    volumeId: z.string(),
  }),
  inputs: z.object({
    iso: z.object({
      source: z.string(),
      sha256: z.string(),
      /** Whether the publisher's signature of the checksum was verified. `local`: a file, nobody was asked. */
      signature: z.enum(['verified', 'unverified', 'none', 'local']),
      isChecksumPublished: z.boolean(),
    }),
    /** `text`: with the placeholder of the success token, as it is hashed for the key. */
    answerFile: z.object({ name: z.string(), dialect: z.string(), sha256: z.string(), source: z.string() }),
  }),
  installation: z.object({
    memoryMiB: z.number(),
    vcpus: z.number(),
    /** What the disk has; what was asked for is in the key's inputs. */
    diskSizeBytes: z.number(),
    accelerator: z.enum(['kvm', 'tcg']),
    /** Who read the installed disk. Missing in old manifests. */
    engine: z.enum(['guestfs', 'mount']).optional(),
    /** When it ended, by the guest's clock: no time in the outputs is later. Missing in old manifests. */
    latestTime: z.object({ seconds: z.number(), nanoseconds: z.number() }).optional(),
    /** The tries to install, when one was not enough; the last is the one that succeeded. */
    attempts: z.array(attemptSchema).optional(),
  }),
  kernel: z.object({ version: z.string(), kernel: z.string(), initrd: z.string() }),
  /** What makes two conversions of one installed disk the same, and what two installations do not have in common. Missing in old manifests. */
  reproducibility: z
    .object({ clampedTo: z.string().optional(), differsBetweenInstallations: z.array(z.string()) })
    .optional(),
  artifacts: z.array(z.discriminatedUnion('type', [fileArtifact, directoryArtifact])),
  /** What initramfs.cgz cannot hold: newc has no extended attributes. Missing when it was not asked for. */
  initramfs: initramfsSchema.optional(),
  /** What booting the outputs came to; missing when nobody has tried. */
  verification: verificationSchema.optional(),
  /** How the outputs are booted over the network. */
  netboot: z
    .object({
      /** Of the initrd that is handed out: see distro/initrd/initrd-facts.ts. */
      initrd: z.object({
        maker: z.string(),
        compression: z.string(),
        canMountNfs: z.boolean(),
        nfsVersions: z.array(z.string()),
        networkDrivers: z.array(z.string()),
        hasOverlay: z.boolean(),
        hasSquashfs: z.boolean(),
        isGeneric: z.boolean().optional(),
        reasons: z.array(z.string()),
      }),
      /** How SELinux is set in the outputs; missing for a system without it. */
      selinux: z.enum(['enforcing', 'permissive', 'disabled']).optional(),
      /** SERVER and PATH are to be replaced. No `nfsroot`: the initrd cannot mount one. */
      kernelArguments: z.object({
        initramfs: z.array(z.string()),
        nfsroot: z.object({ readWrite: z.array(z.string()), readOnly: z.array(z.string()) }).optional(),
      }),
    })
    .optional(),
  /** What was changed in the installed file system on its way into the outputs. `removed`: with all below. Missing in old manifests. */
  changes: z
    .array(
      z.object({
        path: z.string(),
        what: z.enum(['removed', 'changed', 'added']),
        why: z.string(),
        only: z.literal('initramfs').optional(),
      }),
    )
    .optional(),
  /** Missing, with the packages, where they are not known. */
  packageManager: z.enum(['dpkg', 'rpm']).optional(),
  /** Installed packages; packages.json says more of them. */
  packages: z.array(z.object({ name: z.string(), version: z.string(), arch: z.string() })).optional(),
  tools: z.record(z.string(), z.string()),
  commands: z.array(z.object({ stage: z.string(), command: z.string() })),
  timings: z.array(z.object({ stage: z.string(), elapsedMs: z.number() })),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type Artifact = Manifest['artifacts'][number];

export function formatManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}
