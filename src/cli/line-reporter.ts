import type { BuildEvent } from '../events.js';
import { formatDuration, printable, singleLine } from './format.js';
import type { Reporter, ReporterOptions } from './reporter.js';

/** One line for each stage that has ended and each phase of the installer, for logs and pipes. */
export class LineReporter implements Reporter {
  readonly #output: { write(text: string): unknown };
  readonly #options: ReporterOptions;
  #phase = '';

  constructor(output: { write(text: string): unknown }, options: ReporterOptions = {}) {
    this.#output = output;
    this.#options = options;
  }

  readonly emit = (event: BuildEvent): void => {
    if (event.type === 'phase' && event.phase === this.#phase) return;
    if (event.type === 'phase') this.#phase = event.phase;
    const line =
      event.type === 'phase' ? `${event.stage}: ${singleLine(event.phase)}` : describeEvent(event, this.#options);
    if (line !== undefined) this.#output.write(`${line}\n`);
  };

  readonly close = (): void => undefined;
}

/** The line that stays of an event; undefined for what only a running display shows. */
export function describeEvent(event: BuildEvent, { showsConsole = false }: ReporterOptions): string | undefined {
  switch (event.type) {
    case 'stage-start':
    case 'progress':
    case 'phase':
      return undefined;
    case 'stage-done':
      return `${event.stage}: done in ${formatDuration(event.elapsedMs)}`;
    case 'stage-skipped':
      return `${event.stage}: skipped (${singleLine(event.reason)})`;
    case 'console-line':
      return showsConsole ? `| ${printable(event.line)}` : undefined;
    case 'notice':
      return printable(event.message);
    case 'warning':
      return `Warning: ${printable(event.message)}`;
  }
}
