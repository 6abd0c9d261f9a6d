/** When an installation is tried once more with more of what it had too little of, and with how much. */
import { z } from 'zod';
import { Iso2RootfsError } from '../errors.js';
import type { RetryResource } from '../install/outcomes.js';

/** What an installation had of the resources that a second attempt may get more of. */
export interface AttemptSizes {
  readonly memoryMiB: number;
  readonly diskSizeBytes: number;
}

/** One try to install, for the manifest. */
export const attemptSchema = z.object({
  memoryMiB: z.number(),
  diskSizeBytes: z.number(),
  /** Why it failed; missing for the one that succeeded. */
  failure: z.object({ outcome: z.string(), message: z.string() }).optional(),
});

export type AttemptRecord = z.infer<typeof attemptSchema>;

/** How much more a second attempt gets of what the first had too little of. */
const FACTOR = 2;
/** Beyond what the installer says that it lacks, for what it has not thought of. */
const SPARE_FACTOR = 1.25;
/** The share of the host's memory that a second attempt may have: the rest is for the host itself. */
const HOST_MEMORY_SHARE = 0.9;
/** A second attempt with less than this much more is not worth its time. */
const LEAST_GAIN = 1.2;
const MIB = 1024 ** 2;
const UNITS: Readonly<Record<string, number>> = { K: 1024, M: MIB, G: 1024 ** 3, T: 1024 ** 4 };

/** What a failed installation had too little of, where more may cure it. */
export function lackedResource(error: unknown): RetryResource | undefined {
  const resource = error instanceof Iso2RootfsError ? error.data?.['retryWith'] : undefined;
  return resource === 'memory' || resource === 'disk' ? resource : undefined;
}

/**
 * What to try after a failure: twice the memory, or twice the disk, and of the disk at least what the installer says that it lacks.
 * @returns undefined where nothing was lacking, or the host has no more of it
 */
export function enlarge(
  sizes: AttemptSizes,
  error: unknown,
  host: { readonly memoryBytes: number },
): AttemptSizes | undefined {
  switch (lackedResource(error)) {
    case 'memory': {
      const most = Math.floor((host.memoryBytes * HOST_MEMORY_SHARE) / MIB);
      const memoryMiB = Math.min(sizes.memoryMiB * FACTOR, most);
      return memoryMiB < sizes.memoryMiB * LEAST_GAIN ? undefined : { ...sizes, memoryMiB };
    }
    case 'disk': {
      const wanted = sizes.diskSizeBytes + lackingBytes(error) * SPARE_FACTOR;
      return { ...sizes, diskSizeBytes: Math.max(sizes.diskSizeBytes * FACTOR, Math.ceil(wanted / MIB) * MIB) };
    }
    case undefined:
      return undefined;
  }
}

/** How much more space the installer says it needs, in bytes; 0 where it names no number. */
function lackingBytes(error: unknown): number {
  const { line, console: lines } = (error as Iso2RootfsError).data ?? {};
  const tail: readonly unknown[] = Array.isArray(lines) ? lines.slice(-10) : [];
  const said = [line, ...tail].join(' ');
  const match =
    /(?:additional|at least|needs) ([\d.]+) ?([KMGT])i?B (?:is needed|more space|more|on the|of free|free)/i.exec(said);
  const bytes = Number(match?.[1]) * (UNITS[match?.[2]?.toUpperCase() ?? ''] ?? NaN);
  // No installer lacks more than this: it is a number of something else.
  return Number.isFinite(bytes) && bytes < 1024 ** 4 ? bytes : 0;
}

/** `a disk of 3.0 GiB`, `2048 MiB of memory`. */
export function wordResource(resource: RetryResource, sizes: AttemptSizes): string {
  return resource === 'memory'
    ? `${sizes.memoryMiB} MiB of memory`
    : `a disk of ${(sizes.diskSizeBytes / 1024 ** 3).toFixed(1)} GiB`;
}

/** The error of the last attempt, which tells what was tried already, so that what to try next is not that. */
export function tellAttempts(error: unknown, attempts: readonly AttemptRecord[], mayRetry: boolean): unknown {
  const resource = lackedResource(error);
  if (!(error instanceof Iso2RootfsError)) return error;
  const data = { ...error.data, attempts };
  const { message, code, stage, log, cause } = error;
  const details = {
    ...(stage === undefined ? {} : { stage }),
    ...(log === undefined ? {} : { log }),
    data,
    ...(cause === undefined ? {} : { cause }),
  };
  if (resource === undefined) {
    return new Iso2RootfsError(code, message, {
      ...details,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
  const tried = attempts.map((sizes) => wordResource(resource, sizes)).join(', then ');
  const option = resource === 'memory' ? '--memory' : '--disk-size';
  const again =
    !mayRetry && attempts.length === 1 ? `; without --no-retry it is tried once more with more by itself` : '';
  const hint = `${error.hint ?? `Give more with ${option}.`} It had ${tried}${again}.`;
  return new Iso2RootfsError(code, message, { ...details, hint });
}
