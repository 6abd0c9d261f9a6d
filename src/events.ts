/**
 * What happens while a build runs. Stages emit; reporters (cli/) show. No stage ever prints.
 */
export type BuildEvent =
  | { readonly type: 'stage-start'; readonly stage: string }
  | { readonly type: 'stage-done'; readonly stage: string; readonly elapsedMs: number }
  /** A stage that had nothing to do, e.g. because the store had its result. */
  | { readonly type: 'stage-skipped'; readonly stage: string; readonly reason: string }
  /** `total` is undefined where it cannot be known. */
  | {
      readonly type: 'progress';
      readonly stage: string;
      readonly unit: 'bytes' | 'packages' | 'percent' | 'files';
      readonly done: number;
      readonly total?: number;
    }
  /** What the installer says it is doing. */
  | { readonly type: 'phase'; readonly stage: string; readonly phase: string }
  /** A line of the guest's serial console. */
  | { readonly type: 'console-line'; readonly line: string }
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'warning'; readonly message: string };

export type Emit = (event: BuildEvent) => void;
