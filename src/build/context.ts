import type { Emit } from '../events.js';
import type { Store } from '../store/store.js';
import type { Toolbox } from '../tools/toolbox.js';
import type { Workspace } from './workspace.js';

/** How long a stage took. */
export interface StageTiming {
  readonly stage: string;
  readonly elapsedMs: number;
}

/** What the stages of one build share. Passed, never global. */
export interface Context {
  readonly workspace: Workspace;
  readonly store: Store;
  readonly tools: Toolbox;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /** The stage that runs, for progress events. */
  readonly stage: string;
  /** Filled by the pipeline, read by the manifest. */
  readonly timings: StageTiming[];
}
