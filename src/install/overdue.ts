/** How long an installation may take, in all and without anything happening. */
import type { ActivityMonitor } from './activity.js';

export interface Limits {
  /** Longest time without any activity, counted anew in each phase. Default: 10 minutes. */
  readonly idleTimeoutMs?: number;
  /** Longest time in all. Default: none. */
  readonly timeoutMs?: number | undefined;
}

export interface Overdue {
  readonly outcome: 'timed-out' | 'stalled';
  /** For how long. */
  readonly elapsedMs: number;
  /** It stalled though it went on computing. */
  readonly isSpinning?: boolean;
}

const DEFAULT_IDLE_TIMEOUT_MS = 10 * 60 * 1000;
/**
 * How many idle time-outs a machine may compute without anything else happening, and for how long at least. Installers do so for minutes,
 * even emulated; a kernel that hangs in a loop does for ever, and reports it over and over.
 */
const SPINNING_FACTOR = 3;
const LEAST_SPINNING_MS = 30 * 60 * 1000;

/** @returns undefined while there is time */
export function findOverdue({
  startedAt,
  now,
  activity,
  timeoutMs = Infinity,
  idleTimeoutMs = DEFAULT_IDLE_TIMEOUT_MS,
}: Limits & { readonly startedAt: number; readonly now: number; readonly activity: ActivityMonitor }):
  Overdue | undefined {
  if (now - startedAt >= timeoutMs) return { outcome: 'timed-out', elapsedMs: now - startedAt };
  const idleMs = now - activity.lastActiveAt;
  if (idleMs >= idleTimeoutMs) return { outcome: 'stalled', elapsedMs: idleMs };
  const spinningMs = now - activity.lastMovedAt;
  if (spinningMs < Math.max(SPINNING_FACTOR * idleTimeoutMs, LEAST_SPINNING_MS)) return undefined;
  return { outcome: 'stalled', elapsedMs: spinningMs, isSpinning: true };
}
