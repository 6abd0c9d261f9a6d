/**
 * The form of a catalogue file (`distros.d/<id>.yaml`), one distribution each.
 *
 * What several releases share is said once, at the outermost level where it is true, and replaced further in:
 *
 *     distribution < release < arch of a release < variant (of the distribution, the release, the arch)
 *
 * Texts may hold placeholders: `{release}` (its id), `{version}` (the release as URLs spell it), `{arch}` (as URLs
 * spell it) and the names under `values`.
 */
import { z } from 'zod';
import { parseSize } from './size.js';

const text = z.string().min(1);

const size = text.transform((value, context) => {
  const bytes = parseSize(value);
  if (bytes === undefined) {
    context.addIssue({ code: 'custom', message: `expected a size such as "4 GiB" or "20 GB", got "${value}"` });
    return z.NEVER;
  }
  return bytes;
});

const archKey = z.enum(['x86_64', 'aarch64']);

/** Where the publisher says what the ISO's SHA-256 is. Paths are relative to the ISO's URL, or are URLs. */
const checksum = z.strictObject({
  /** `{file}` stands for the ISO's file name. */
  file: text,
  /** `gnu`: `<hash>  <file>`; `bsd`: `SHA256 (<file>) = <hash>`; `any`: not known, recognised when read. */
  dialect: z.enum(['gnu', 'bsd', 'any']).default('any'),
  /** A detached signature, or a clear-signed copy. None is needed for a checksum file that is itself clear-signed. */
  signature: text.nullable().optional(),
});

const signingKey = z.strictObject({
  fingerprint: z
    .string()
    .transform((value) => value.replaceAll(' ', '').toUpperCase())
    .pipe(
      z.string().regex(/^([0-9A-F]{40}|[0-9A-F]{64})$/, 'expected a whole fingerprint: 40 (or 64) hexadecimal digits'),
    ),
  /** The public key, ASCII-armoured or binary. Relative to the catalogue file. */
  file: text,
});

const settings = {
  installerFamily: z.enum(['anaconda', 'debian-installer', 'subiquity', 'autoyast', 'agama']),
  /** Name of the pykickstart handler (`RHEL9`, `F40`). */
  kickstartDialect: text,
  /** Base URLs, the publisher's own first. */
  mirrors: z.array(text).min(1),
  /** Path of the ISO below a mirror. */
  path: text,
  checksum: checksum.nullable(),
  signingKey: signingKey.nullable(),
  /** Least memory that the installer needs. */
  memory: size,
  /** Least disk that an installation needs. */
  disk: size,
  values: z.record(z.string().regex(/^[a-z][A-Za-z]*$/), text),
  /** Not known to work yet. */
  experimental: z.boolean(),
  /** Names of the fields that nobody has checked against the publisher. Added to those of the levels further out. */
  unverified: z.array(text),
  notes: z.array(text),
};

const variants = z.record(z.string().regex(/^[a-z0-9-]+$/), z.strictObject(settings).partial().nullable());

const release = z
  .strictObject({
    ...settings,
    aliases: z.array(text),
    version: text,
    endOfLife: z.iso.date(),
    variants,
    arches: z.partialRecord(
      archKey,
      z
        .strictObject({ ...settings, variants })
        .partial()
        .nullable(),
    ),
  })
  .partial();

const fields = {
  ...settings,
  name: text,
  aliases: z.array(text),
  defaultVariant: text,
  archNames: z.partialRecord(archKey, text),
  variants,
  releases: z.record(text, release.nullable()),
};

const header = { format: z.literal(1), id: z.string().regex(/^[a-z][a-z0-9-]*$/) };

/** One file as written: ours, or a user's that adds to ours. */
export const catalogFileSchema = z.strictObject({ ...header, ...z.strictObject(fields).partial().shape });

/** What the files of one distribution must amount to when they are merged. */
export const distributionSchema = z
  .strictObject({ ...header, ...z.strictObject(fields).partial().shape })
  .required({ name: true, defaultVariant: true, variants: true, releases: true });

export type Distribution = z.output<typeof distributionSchema>;
export type ReleaseEntry = z.output<typeof release>;
export type MediumSettings = { readonly [Key in keyof typeof settings]?: z.output<(typeof settings)[Key]> | undefined };
export type ChecksumLocation = z.output<typeof checksum>;
export type SigningKey = z.output<typeof signingKey>;
