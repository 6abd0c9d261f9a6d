import { createHash } from 'node:crypto';
import type { RenderedAnswer } from '../distro/answer/index.js';
import type { SelinuxChoice } from '../distro/netboot/selinux.js';
import { hashOf, type JsonValue } from '../store/canonical-json.js';

/** Raised when the same inputs would give another installed disk. */
const INSTALLATION_FORMAT = 1;
/** Raised when the same installed disk would give other artifacts. */
const CONVERSION_FORMAT = 3;

export interface Key {
  readonly key: string;
  /** What the key is the hash of. */
  readonly inputs: { readonly [name: string]: JsonValue };
}

export interface Keys {
  readonly disk: Key;
  readonly object: Key;
}

function keyOf(inputs: { readonly [name: string]: JsonValue }): Key {
  return { key: hashOf(inputs), inputs };
}

/**
 * SHA-256 of everything that the installer is told, with the token's placeholder in the token's place.
 * @param replaced what stands for a text that is another one each time though it means the same (a salted hash)
 */
export function hashAnswer(
  answer: RenderedAnswer,
  replaced?: { readonly hash: string; readonly standsFor: string },
): string {
  const text = replaced === undefined ? answer.text : answer.text.replaceAll(replaced.hash, `@${replaced.standsFor}@`);
  return hashOf({
    family: answer.family,
    text: createHash('sha256').update(text).digest('hex'),
    extraFiles: answer.extraFiles.map(({ name, text: extra }) => ({ name, text: extra })),
    kernelArguments: [...answer.kernelArguments],
    delivery: answer.delivery,
  });
}

/**
 * The keys of a build. In: what changes the bytes. Out: where the ISO came from, memory, processors, timeouts, output paths;
 * tool versions are recorded in the manifest instead.
 */
export function computeKeys(inputs: {
  readonly isoSha256: string;
  readonly arch: string;
  readonly answerSha256: string;
  readonly diskSizeBytes: number;
  /** Default: `keep`. */
  readonly selinux?: SelinuxChoice;
}): Keys {
  const { isoSha256, arch, answerSha256, diskSizeBytes, selinux = 'keep' } = inputs;
  const common = { iso: isoSha256, answerFile: answerSha256 };
  const installation = { arch, diskSizeBytes };
  return {
    disk: keyOf({ format: INSTALLATION_FORMAT, kind: 'disk', ...common, recipe: installation }),
    object: keyOf({
      format: CONVERSION_FORMAT,
      installationFormat: INSTALLATION_FORMAT,
      kind: 'object',
      ...common,
      recipe: { ...installation, ...(selinux === 'keep' ? {} : { selinux }) },
    }),
  };
}
