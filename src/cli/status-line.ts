import type { BuildEvent } from '../events.js';
import { fitColumns, formatBytes, formatDuration, singleLine } from './format.js';
import type { RateMeter } from './rate-meter.js';

type Progress = Extract<BuildEvent, { type: 'progress' }>;

export interface RunningStage {
  readonly startedMs: number;
  /** What the installer says that it does. */
  phase: string;
  progress: Progress | undefined;
  readonly meter: RateMeter;
}

const BAR_COLUMNS = 20;
/** Below this there is no room for a bar. */
const LEAST_COLUMNS_FOR_BAR = 70;

/** What runs, in one line of at most so many columns: stages, bar, amount, rate, time left, phase, elapsed time. */
export function describeStage(
  stages: ReadonlyMap<string, RunningStage>,
  columns: number,
  nowMs: number = performance.now(),
): string {
  const running = [...stages.values()];
  // Of several the one that can say most.
  const shown = running.findLast((stage) => stage.progress !== undefined) ?? running.at(-1);
  if (shown === undefined) return '';
  const { startedMs, phase, progress, meter } = shown;
  const bar = columns < LEAST_COLUMNS_FOR_BAR ? '' : drawBar(progress);
  const head = [...stages.keys()].join(' + ');
  const amounts = progress === undefined ? [] : describeProgress(progress, meter.rate(nowMs));
  const elapsed = formatDuration(Math.floor((nowMs - startedMs) / 1000) * 1000);
  const detail = [elapsed, ...(phase === '' ? [] : [singleLine(phase)]), ...amounts].join(', ');
  return fitColumns(`${head}${bar}: ${detail}`, columns);
}

function drawBar(progress: Progress | undefined): string {
  if (progress?.total === undefined || progress.total <= 0) return '';
  const filled = Math.round(Math.min(1, progress.done / progress.total) * BAR_COLUMNS);
  return ` [${'='.repeat(filled)}${' '.repeat(BAR_COLUMNS - filled)}]`;
}

function describeProgress({ unit, done, total }: Progress, rate: number | undefined): string[] {
  if (unit === 'percent') return [`${Math.floor(done)}%`];
  const left =
    total === undefined || rate === undefined || rate <= 0
      ? []
      : [`${formatDuration(Math.ceil(Math.max(0, total - done) / rate) * 1000)} left`];
  if (unit !== 'bytes') return [total === undefined ? `${done} ${unit}` : `${done} of ${total} ${unit}`];
  const amount = total === undefined ? formatBytes(done) : `${formatBytes(done)} of ${formatBytes(total)}`;
  return [amount, ...(rate === undefined ? [] : [`${formatBytes(Math.round(rate))}/s`]), ...left];
}
