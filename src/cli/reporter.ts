import type { BuildEvent } from '../events.js';

/** Shows what happens. Never on stdout: that is the result's. */
export interface Reporter {
  readonly emit: (event: BuildEvent) => void;
  /** Leaves the terminal as it was. */
  readonly close: () => void;
}

export interface ReporterOptions {
  /** Lines of the guest's serial console are shown. Default: false. */
  readonly showsConsole?: boolean;
}
