/** gpg(1): verifies signatures against one key, in a home directory of its own that is thrown away. */
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Iso2RootfsError } from '../errors.js';
import { run } from './run.js';

export interface PublicKey {
  /** Fingerprint of the primary key: 40 (or 64) upper-case hexadecimal digits. */
  readonly fingerprint: string;
  /** The key, ASCII-armoured or binary. It may hold other keys: only the one with the fingerprint counts. */
  readonly file: string;
}

export interface VerifiedSignature {
  /** Fingerprint of the primary key that signed. */
  readonly fingerprint: string;
  /** The signature is good, but the key has expired since. */
  readonly isKeyExpired: boolean;
  /** What was signed, exactly as gpg read it: trust this, not the file that it came in. */
  readonly text: string;
}

export interface SignatureRequest {
  readonly key: PublicKey;
  /** What the signature is about, for messages: a URL or a file. */
  readonly subject: string;
  readonly signal?: AbortSignal | undefined;
  readonly logFile?: string | undefined;
}

/**
 * Verifies a text against a detached signature (binary or armoured).
 * @throws Iso2RootfsError CHECKSUM_MISMATCH when it is not signed by the key, TOOL_MISSING without gpg, CONFIG_INVALID
 * when the key cannot be used.
 */
export async function verifyDetachedSignature(
  request: SignatureRequest & { readonly text: Buffer; readonly signature: Buffer },
): Promise<VerifiedSignature> {
  return withKey(request, async (verify, directory) => {
    const [signature, data] = [path.join(directory, 'signature'), path.join(directory, 'data')];
    await Promise.all([writeFile(signature, request.signature), writeFile(data, request.text)]);
    const result = await verify(['--verify', signature, data]);
    return { ...result, text: request.text.toString('utf8') };
  });
}

/**
 * Verifies a clear-signed text, and gives the text that is inside it.
 * @throws Iso2RootfsError as {@link verifyDetachedSignature}
 */
export async function verifyClearSignedText(
  request: SignatureRequest & { readonly message: Buffer },
): Promise<VerifiedSignature> {
  return withKey(request, async (verify, directory) => {
    const [message, text] = [path.join(directory, 'message'), path.join(directory, 'text')];
    await writeFile(message, request.message);
    const result = await verify(['--output', text, '--decrypt', message]);
    return { ...result, text: await readFile(text, 'utf8') };
  });
}

type Verify = (args: readonly string[]) => Promise<Omit<VerifiedSignature, 'text'>>;

async function withKey<Result>(
  request: SignatureRequest,
  use: (verify: Verify, directory: string) => Promise<Result>,
): Promise<Result> {
  const { key } = request;
  try {
    await access(key.file);
  } catch (error) {
    throw unusableKey(key, 'cannot be read', error);
  }
  const directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-gpg-'));
  try {
    const gpg = async (args: readonly string[]): Promise<string> => {
      const fixed = ['--homedir', directory, '--batch', '--no-tty', '--no-autostart', '--no-options'];
      const status = ['--status-fd', '1', '--trust-model', 'always', '--no-auto-key-retrieve'];
      // 1: bad signature; 2: also when only one of several signatures is by an unknown key. The status lines decide.
      const { stdout } = await run('gpg', [...fixed, ...status, ...args], {
        signal: request.signal,
        logFile: request.logFile,
        allowedStatuses: [0, 1, 2],
        reason: 'verify signatures',
      });
      return stdout;
    };
    const imported = await gpg(['--import', key.file]);
    if (!imported.includes(key.fingerprint)) throw unusableKey(key, `does not hold the key ${key.fingerprint}`);
    return await use(async (args) => judge(await gpg(args), request), directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Reads gpg's status lines (doc/DETAILS in GnuPG). */
function judge(status: string, { key, subject }: SignatureRequest): Omit<VerifiedSignature, 'text'> {
  const events = status
    .split('\n')
    .filter((line) => line.startsWith('[GNUPG:] '))
    .map((line) => line.split(' ').slice(1));
  const has = (keyword: string): boolean => events.some(([name]) => name === keyword);
  const validated = events.some(([name, ...fields]) => name === 'VALIDSIG' && fields.at(-1) === key.fingerprint);
  const isKeyExpired = has('EXPKEYSIG');
  if (validated && (has('GOODSIG') || isKeyExpired) && !has('BADSIG') && !has('REVKEYSIG') && !has('EXPSIG')) {
    return { fingerprint: key.fingerprint, isKeyExpired };
  }
  const why = has('BADSIG')
    ? 'does not match what was signed'
    : has('REVKEYSIG')
      ? 'is by a revoked key'
      : has('EXPSIG')
        ? 'has expired'
        : has('NO_PUBKEY') || has('ERRSIG') || has('VALIDSIG')
          ? `is not by the key ${key.fingerprint}`
          : 'is not a signature';
  throw new Iso2RootfsError('CHECKSUM_MISMATCH', `the signature of ${subject} ${why}`, {
    hint: 'Do not use what it is about. Try another mirror, or compare with what the publisher announces.',
    data: { fingerprint: key.fingerprint },
  });
}

function unusableKey(key: PublicKey, problem: string, cause?: unknown): Iso2RootfsError {
  return new Iso2RootfsError('CONFIG_INVALID', `the signing key ${key.file} ${problem}`, {
    hint: 'Correct signingKey in the catalogue file.',
    cause,
  });
}
