import { LineReporter } from './line-reporter.js';
import { ProgressReporter } from './progress-reporter.js';
import type { Reporter, ReporterOptions } from './reporter.js';

/** The reporter that fits where stderr goes. */
export function createReporter(options: ReporterOptions = {}): Reporter {
  return process.stderr.isTTY && process.env['TERM'] !== 'dumb'
    ? new ProgressReporter(process.stderr, options)
    : new LineReporter(process.stderr, options);
}
