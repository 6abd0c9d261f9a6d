/** What a whole log of an installation says about its end. */
import type { InstallerFamily } from '../distro/types.js';
import { InstallationWatch } from './installation-watch.js';
import type { Outcome } from './outcomes.js';
import type { Verdict } from './verdict.js';

export interface LogClassification {
  /** `success`: nothing in it is a failure or an open question. */
  readonly kind: 'success' | 'failure' | 'stuck';
  readonly outcome?: Outcome;
  readonly line?: string;
  readonly question?: string;
  readonly verdict?: Verdict;
}

/** @param log a serial console's bytes or an installer's log */
export function classifyLog(log: Uint8Array | string, family: InstallerFamily): LogClassification {
  const watch = new InstallationWatch({ family, now: () => 0 });
  const text = typeof log === 'string' ? log : new TextDecoder('utf-8', { ignoreBOM: true }).decode(log);
  // An open prompt that was saved as a file mostly got a newline.
  watch.feedConsole(new TextEncoder().encode(text.replace(/[\r\n\s]+$/, '')));
  const verdict = watch.conclude();
  if (verdict === undefined) return { kind: 'success' };
  return {
    kind: verdict.kind,
    outcome: verdict.outcome,
    line: verdict.line,
    ...(verdict.question === undefined ? {} : { question: verdict.question }),
    verdict,
  };
}
