import { Iso2RootfsError } from '../errors.js';
import type { Emit } from '../events.js';
import { verifyClearSignedText, verifyDetachedSignature, type PublicKey } from '../tools/gpg.js';
import { ChecksumFileError, parseChecksums, type ChecksumDialect } from './checksums.js';
import { isClearSigned } from './clear-signed.js';
import { fetchSmallFile, type SmallFile } from './fetch-small-file.js';
import { withoutCredentials, type NetworkOptions } from './http.js';
import { networkError, type RetryOptions } from './retry.js';

export interface ChecksumSource {
  readonly url: string;
  /** A detached signature, or a clear-signed copy. */
  readonly signatureUrl?: string;
}

export interface PublishedChecksum {
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Where the publisher says that, too. */
  readonly sizeBytes: number | undefined;
  readonly fromUrl: string;
  readonly dialect: ChecksumDialect;
  /**
   * `verified`: signed by the key that the catalogue names; `unverified`: signed, but no key is known;
   * `none`: not signed, as far as we know.
   */
  readonly signature: 'verified' | 'unverified' | 'none';
  /** Fingerprint of the key, when verified. */
  readonly signedBy: string | undefined;
}

export interface PublishedChecksumRequest {
  /** In the order in which they are tried. See {@link guessChecksumSources} for a URL that no catalogue knows. */
  readonly sources: readonly ChecksumSource[];
  /** Names the file that is looked for. */
  readonly isoUrl: string;
  readonly signingKey?: PublicKey | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly emit?: Emit;
  readonly network?: NetworkOptions;
  readonly retry?: RetryOptions;
}

/**
 * Fetches what the publisher says the SHA-256 of an ISO is: about 100 bytes, before the ISO itself.
 * @returns undefined when no source has it; why is emitted as a warning.
 * @throws Iso2RootfsError CHECKSUM_MISMATCH for a bad or missing signature and for contradicting sums; NETWORK when a
 * source could not be asked: it may well have the sum, so going on without would let whoever blocks it win.
 */
export async function fetchPublishedChecksum(
  request: PublishedChecksumRequest,
): Promise<PublishedChecksum | undefined> {
  const problems: string[] = [];
  let unreachable: Iso2RootfsError | undefined;
  for (const source of request.sources) {
    try {
      const found = await askSource(source, request);
      if (found !== undefined) return found;
      problems.push(`${source.url}: not there`);
    } catch (error) {
      if (!(error instanceof Iso2RootfsError)) throw error;
      const isUseless = error instanceof ChecksumFileError && error.problem !== 'ambiguous';
      if (!isUseless && error.code !== 'NETWORK') throw error;
      if (error.code === 'NETWORK') unreachable ??= error;
      problems.push(`${source.url}: ${error.message}`);
    }
  }
  if (unreachable !== undefined) throw unreachable;
  if (problems.length > 0) {
    request.emit?.({ type: 'warning', message: `no published SHA-256 found (${problems.join('; ')})` });
  }
  return undefined;
}

async function askSource(
  source: ChecksumSource,
  request: PublishedChecksumRequest,
): Promise<PublishedChecksum | undefined> {
  const file = await fetchSmallFile(source.url, request);
  if (file === undefined) return undefined;
  const isoFileName = fileNameOf(request.isoUrl);
  const isSidecar = fileNameOf(source.url).startsWith(`${isoFileName}.`);
  const isSigned = source.signatureUrl !== undefined || isClearSigned(file.body.toString('utf8'));
  const verified =
    request.signingKey === undefined ? undefined : await verify(source, file, request.signingKey, request);
  const parsed = parse(verified?.text ?? file.body.toString('utf8'), isoFileName, isSidecar, source);
  return {
    sha256: parsed.sha256,
    sizeBytes: parsed.sizeBytes,
    fromUrl: file.url,
    dialect: parsed.dialect,
    signature: verified !== undefined ? 'verified' : isSigned ? 'unverified' : 'none',
    signedBy: verified?.fingerprint,
  };
}

function parse(
  text: string,
  isoFileName: string,
  isSidecar: boolean,
  source: ChecksumSource,
): ReturnType<typeof parseChecksums> {
  try {
    return parseChecksums(text, { isoFileName, isSidecar });
  } catch (error) {
    if (!(error instanceof ChecksumFileError)) throw error;
    throw new ChecksumFileError(error.problem, `${withoutCredentials(source.url)}: ${error.message}`);
  }
}

async function verify(
  source: ChecksumSource,
  file: SmallFile,
  key: PublicKey,
  request: PublishedChecksumRequest,
): Promise<{ readonly text: string; readonly fingerprint: string }> {
  const { signal } = request;
  const subject = withoutCredentials(source.url);
  if (isClearSigned(file.body.toString('utf8'))) {
    return verifyClearSignedText({ key, subject, signal, message: file.body });
  }
  const signature = source.signatureUrl === undefined ? undefined : await fetchSmallFile(source.signatureUrl, request);
  if (signature === undefined) {
    // Whoever can replace the checksum can also withhold the signature.
    throw new Iso2RootfsError('CHECKSUM_MISMATCH', `${subject} is not signed, but a signing key is known`, {
      hint: 'Try another mirror, or take signingKey out of the catalogue entry.',
    });
  }
  return isClearSigned(signature.body.toString('utf8'))
    ? verifyClearSignedText({ key, subject, signal, message: signature.body })
    : verifyDetachedSignature({ key, subject, signal, text: file.body, signature: signature.body });
}

/** Where the checksum of an ISO commonly lies when nobody says: beside it, then in lists of its directory. */
export function guessChecksumSources(isoUrl: string): ChecksumSource[] {
  const url = new URL(isoUrl);
  url.search = '';
  url.hash = '';
  const sidecars = ['.sha256sum', '.SHA256SUM', '.sha256', '.CHECKSUM'].map((suffix) => {
    const sidecar = new URL(url);
    sidecar.pathname += suffix;
    return { url: sidecar.href };
  });
  const lists = ['SHA256SUMS', 'sha256sum.txt', 'CHECKSUM'].map((name) => ({ url: new URL(name, url).href }));
  return [...sidecars, ...lists];
}

function fileNameOf(url: string): string {
  const { pathname } = new URL(url);
  const name = pathname.slice(pathname.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(name);
  } catch {
    throw networkError(`${withoutCredentials(url)} is not a proper URL`);
  }
}
