import { SingleBar } from 'cli-progress';
import type { BuildEvent } from '../events.js';
import { formatBytes, formatDuration, printable } from './format.js';

/** Shows what happens. Never on stdout: that is the result's. */
export interface Reporter {
  readonly emit: (event: BuildEvent) => void;
  /** Leaves the terminal as it was. */
  readonly close: () => void;
}

interface Output {
  write(text: string): unknown;
}

/** One line per stage, for logs and pipes. */
export class LineReporter implements Reporter {
  readonly #output: Output;
  readonly #showsConsole: boolean;
  #phase = '';

  constructor(output: Output, options: { readonly showsConsole?: boolean } = {}) {
    this.#output = output;
    this.#showsConsole = options.showsConsole ?? false;
  }

  readonly emit = (event: BuildEvent): void => {
    const text = this.#describe(event);
    if (text !== undefined) this.#output.write(`${text}\n`);
  };

  readonly close = (): void => undefined;

  #describe(event: BuildEvent): string | undefined {
    switch (event.type) {
      case 'stage-start':
      case 'progress':
        return undefined;
      case 'stage-done':
        return `${event.stage}: done in ${formatDuration(event.elapsedMs)}`;
      case 'stage-skipped':
        return `${event.stage}: skipped (${event.reason})`;
      case 'phase':
        if (event.phase === this.#phase) return undefined;
        this.#phase = event.phase;
        return `${event.stage}: ${printable(event.phase)}`;
      case 'console-line':
        return this.#showsConsole ? `| ${printable(event.line)}` : undefined;
      case 'notice':
        return printable(event.message);
      case 'warning':
        return `Warning: ${printable(event.message)}`;
    }
  }
}

/** How often the elapsed time of a stage is written again. */
const TICK_MS = 250;

/** A progress bar (bytes, packages, percent) or a running clock for the current stage; finished stages stay as lines. */
export class ProgressReporter implements Reporter {
  readonly #output: NodeJS.WriteStream;
  readonly #showsConsole: boolean;
  readonly #running = new Map<
    string,
    { startedAt: number; text: string; done: number; total: number | undefined; unit: string }
  >();
  readonly #timer: NodeJS.Timeout;
  #bar: SingleBar | undefined;

  constructor(output: NodeJS.WriteStream, options: { readonly showsConsole?: boolean } = {}) {
    this.#output = output;
    this.#showsConsole = options.showsConsole ?? false;
    this.#timer = setInterval(() => this.#draw(), TICK_MS);
    this.#timer.unref();
  }

  readonly emit = (event: BuildEvent): void => {
    switch (event.type) {
      case 'stage-start':
        this.#running.set(event.stage, { startedAt: performance.now(), text: '', done: 0, total: undefined, unit: '' });
        this.#draw();
        return;
      case 'stage-done':
        this.#running.delete(event.stage);
        this.#line(`✔ ${event.stage} ${formatDuration(event.elapsedMs)}`);
        return;
      case 'stage-skipped':
        this.#running.delete(event.stage);
        this.#line(`✔ ${event.stage} (${event.reason})`);
        return;
      case 'progress': {
        const stage = this.#running.get(event.stage);
        if (stage !== undefined) Object.assign(stage, { done: event.done, total: event.total, unit: event.unit });
        return;
      }
      case 'phase': {
        const stage = this.#running.get(event.stage);
        if (stage !== undefined) Object.assign(stage, { text: printable(event.phase), total: undefined });
        return;
      }
      case 'console-line':
        if (this.#showsConsole) this.#line(`| ${printable(event.line)}`);
        return;
      case 'notice':
        this.#line(printable(event.message));
        return;
      case 'warning':
        this.#line(`Warning: ${printable(event.message)}`);
        return;
    }
  };

  readonly close = (): void => {
    clearInterval(this.#timer);
    this.#hideBar();
    this.#running.clear();
  };

  #line(text: string): void {
    this.#hideBar();
    this.#output.write(`${text}\n`);
    this.#draw();
  }

  #hideBar(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #draw(): void {
    const stages = [...this.#running];
    const last = stages.at(-1);
    if (last === undefined) {
      this.#hideBar();
      return;
    }
    const [name, { startedAt, text, done, total, unit }] = last;
    const names = stages.map(([stage]) => stage).join(' + ');
    const elapsed = formatDuration(performance.now() - startedAt);
    const amount = unit === 'bytes' ? formatBytes(done) : `${done} ${unit}`;
    const of = total === undefined ? '' : ` of ${unit === 'bytes' ? formatBytes(total) : total}`;
    const detail = [text, done > 0 ? `${amount}${of}` : ''].filter((part) => part !== '').join(', ');
    this.#bar ??= this.#createBar();
    this.#bar.setTotal(total ?? 1);
    this.#bar.update(total === undefined ? 0 : Math.min(done, total), {
      names: stages.length > 1 ? names : name,
      elapsed,
      detail: detail.slice(0, 60),
      shown: total === undefined ? 'no' : 'yes',
    });
  }

  #createBar(): SingleBar {
    const bar = new SingleBar({
      stream: this.#output,
      hideCursor: true,
      clearOnComplete: true,
      // cli-progress would trap SIGINT and SIGTERM, which are ours.
      gracefulExit: false,
      autopadding: true,
      format: (options, parameters, payload: { names: string; elapsed: string; detail: string; shown: string }) => {
        const width = 20;
        const filled = Math.round(parameters.progress * width);
        const bar = payload.shown === 'yes' ? ` [${'='.repeat(filled)}${' '.repeat(width - filled)}]` : '';
        return `  ${payload.names}${bar} ${payload.elapsed}${payload.detail === '' ? '' : ` ${payload.detail}`}`;
      },
    });
    bar.start(1, 0, { names: '', elapsed: '', detail: '', shown: 'no' });
    return bar;
  }
}

/** The reporter that fits where stderr goes. */
export function createReporter(options: { readonly showsConsole?: boolean } = {}): Reporter {
  return process.stderr.isTTY && process.env['TERM'] !== 'dumb'
    ? new ProgressReporter(process.stderr, options)
    : new LineReporter(process.stderr, options);
}
