import { z } from 'zod';
import type { BootResult } from '../verify/verify.js';

const bootSchema = z.object({
  /** `cgz`, `nfsroot-read-only` (with an overlay in memory), `nfsroot-read-write`, `disk`. */
  name: z.string(),
  /** Of the file that was booted; of two that the kernel unpacks together both. Missing for a directory. */
  sha256: z.string().optional(),
  passed: z.boolean(),
  verifiedAt: z.string(),
  accelerator: z.enum(['kvm', 'tcg']),
  memoryMiB: z.number(),
  /** Until the system said that it was up, or until the boot was given up. */
  elapsedMs: z.number(),
  /** Missing when it did not power off by itself. */
  shutdownMs: z.number().optional(),
  /** The worst first. One that is not fatal is only told. */
  problems: z.array(z.object({ name: z.string(), isFatal: z.boolean(), message: z.string() })),
  /** What the system said of itself; empty where it never came so far. */
  system: z.object({
    kernel: z.string().optional(),
    root: z.string().optional(),
    state: z.string().optional(),
    defaultTarget: z.string().optional(),
    failedUnits: z.array(z.string()),
    addresses: z.array(z.string()),
    capabilities: z.array(z.object({ path: z.string(), state: z.string() })),
    isSelinuxEnforcing: z.boolean().optional(),
    availableMemoryBytes: z.number().optional(),
  }),
  /** Below the manifest's directory. */
  consoleLog: z.string(),
});

/** What `iso2rootfs verify` found out by booting the outputs; each of them as it was booted last. */
export const verificationSchema = z.object({
  verdict: z.enum(['passed', 'failed']),
  boots: z.array(bootSchema),
});

export type VerificationRecord = z.infer<typeof verificationSchema>;

/** Where the console log of a boot lies in an object or an output directory. */
export function consoleLogName({ name }: Pick<BootResult, 'name'>): string {
  return `logs/verify-${name}.log`;
}

/** @param known what earlier boots found: that of other outputs stays */
export function recordVerification(
  results: readonly BootResult[],
  accelerator: 'kvm' | 'tcg',
  known: VerificationRecord | undefined,
): VerificationRecord {
  const verifiedAt = new Date().toISOString();
  const others = (known?.boots ?? []).filter(({ name, sha256 }) =>
    results.every((result) => result.name !== name || result.sha256 !== sha256),
  );
  const boots = [
    ...others,
    ...results.map((result) => ({
      name: result.name,
      ...(result.sha256 === undefined ? {} : { sha256: result.sha256 }),
      passed: result.passed,
      verifiedAt,
      accelerator,
      memoryMiB: result.memoryMiB,
      elapsedMs: Math.round(result.elapsedMs),
      ...(result.shutdownMs === undefined ? {} : { shutdownMs: Math.round(result.shutdownMs) }),
      problems: result.problems.map(({ name, isFatal, message }) => ({ name, isFatal, message })),
      system: describeSystem(result),
      consoleLog: consoleLogName(result),
    })),
  ];
  return { verdict: boots.every(({ passed }) => passed) ? 'passed' : 'failed', boots };
}

function describeSystem({ report }: BootResult): VerificationRecord['boots'][number]['system'] {
  const { kernel, root, state, defaultTarget, isSelinuxEnforcing, memory } = report;
  return {
    ...(kernel === undefined ? {} : { kernel }),
    ...(root === undefined ? {} : { root }),
    ...(state === undefined ? {} : { state }),
    ...(defaultTarget === undefined ? {} : { defaultTarget }),
    failedUnits: [...report.failedUnits],
    addresses: [...report.addresses],
    capabilities: report.capabilities.map((capability) => ({ ...capability })),
    ...(isSelinuxEnforcing === undefined ? {} : { isSelinuxEnforcing }),
    ...(memory === undefined ? {} : { availableMemoryBytes: memory.availableBytes }),
  };
}

/** One sentence about an image that did not pass; undefined for one that passed or was never verified. */
export function describeFailure(record: VerificationRecord | undefined): string | undefined {
  const failed = record?.boots.find(({ passed }) => !passed);
  if (failed === undefined) return undefined;
  const worst = failed.problems.find(({ isFatal }) => isFatal);
  return `${failed.name} did not pass on ${failed.verifiedAt.slice(0, 10)}: ${worst?.message ?? 'for no reason that is known'}`;
}
