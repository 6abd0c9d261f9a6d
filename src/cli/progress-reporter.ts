import { createRequire } from 'node:module';
import type { SingleBar } from 'cli-progress';
import type { BuildEvent } from '../events.js';
import { describeEvent } from './line-reporter.js';
import { RateMeter } from './rate-meter.js';
import type { Reporter, ReporterOptions } from './reporter.js';
import { describeStage, type RunningStage } from './status-line.js';

const FRAMES_PER_SECOND = 4;

/**
 * The current stage on the last line of the terminal; what has ended stays above it as lines.
 *
 * No mode of the terminal is changed (the cursor stays visible, lines are cut by us), so that not even SIGKILL leaves a spoilt one.
 */
export class ProgressReporter implements Reporter {
  readonly #output: NodeJS.WriteStream;
  readonly #options: ReporterOptions;
  readonly #running = new Map<string, RunningStage>();
  #bar: SingleBar | undefined;

  constructor(output: NodeJS.WriteStream, options: ReporterOptions = {}) {
    this.#output = output;
    this.#options = options;
    process.once('exit', this.close);
  }

  readonly emit = (event: BuildEvent): void => {
    this.#follow(event);
    const line = describeEvent(event, this.#options);
    if (line !== undefined) {
      this.#hideBar();
      this.#output.write(`${line}\n`);
    }
    if (this.#running.size === 0) this.#hideBar();
    else this.#bar ??= this.#showBar();
  };

  readonly close = (): void => {
    process.off('exit', this.close);
    this.#running.clear();
    this.#hideBar();
  };

  #follow(event: BuildEvent): void {
    switch (event.type) {
      case 'stage-start':
        this.#running.set(event.stage, {
          startedMs: performance.now(),
          phase: '',
          progress: undefined,
          meter: new RateMeter(),
        });
        return;
      case 'stage-done':
      case 'stage-skipped':
        this.#running.delete(event.stage);
        return;
      case 'progress': {
        const stage = this.#running.get(event.stage);
        if (stage === undefined) return;
        stage.progress = event;
        stage.meter.add(event.done, performance.now());
        return;
      }
      case 'phase': {
        const stage = this.#running.get(event.stage);
        if (stage === undefined || stage.phase === event.phase) return;
        stage.phase = event.phase;
        // What was counted belonged to the phase before.
        stage.progress = undefined;
        return;
      }
    }
  }

  #hideBar(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #showBar(): SingleBar {
    const bar = new (loadBar())({
      stream: this.#output,
      fps: FRAMES_PER_SECOND,
      clearOnComplete: true,
      hideCursor: false,
      linewrap: true,
      // cli-progress would trap SIGINT and SIGTERM, which are ours.
      gracefulExit: false,
      format: () => describeStage(this.#running, (this.#output.columns || 80) - 1),
    });
    bar.start(1, 0);
    return bar;
  }
}

/** Loaded when there is something to show: most commands end before that. An import would have to be waited for, and events do not wait. */
function loadBar(): typeof SingleBar {
  const { SingleBar: Bar } = createRequire(import.meta.url)('cli-progress') as typeof import('cli-progress');
  return Bar;
}
