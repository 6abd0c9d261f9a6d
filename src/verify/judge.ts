/** From what was seen of a boot to what is wrong with the image. */
import type { BootOutcome } from './boot.js';
import { problem, sortProblems, type Problem } from './problems.js';

export interface Expectation {
  /** `uname -r`. */
  readonly kernelVersion: string;
  /** The root's file system in stat(1)'s words, and what it is called when it is another. */
  readonly root: { readonly matches: RegExp; readonly description: string };
  /** False: the root cannot carry capabilities (NFS); what is there is recorded only. */
  readonly needsCapabilities: boolean;
}

/** @returns the worst problem first; none that is fatal: the image passes */
export function judge(outcome: BootOutcome, expected: Expectation): Problem[] {
  const { report, end } = outcome;
  const problems: Problem[] = [...outcome.problems];
  const isUp = end === 'reported' && report.mode === undefined && report.isDefaultTargetActive;
  if (end === 'timed-out') problems.push(problem('timed-out', lastWords(outcome)));
  if (end === 'ended') problems.push(problem('ended-early', lastWords(outcome)));
  if (end === 'stuck' && problems.length === 0) problems.push(problem('timed-out', lastWords(outcome)));
  for (const cycle of report.orderingCycles.slice(0, 1)) problems.push(problem('ordering-cycle', cycle));
  if (report.mode !== undefined) problems.push(problem(`${report.mode}-mode`, named(report.failedUnits)));
  else if (end === 'reported' && !report.isDefaultTargetActive) {
    const why = named(report.failedUnits) || named(report.jobs);
    problems.push(problem('target-not-reached', [report.defaultTarget ?? '', why].filter(Boolean).join(', ')));
  }
  if (report.kernel !== undefined && report.kernel !== expected.kernelVersion) {
    problems.push(problem('wrong-kernel', `${report.kernel} instead of ${expected.kernelVersion}`));
  }
  if (report.root !== undefined && !expected.root.matches.test(report.root)) {
    problems.push(problem('wrong-root', `${report.root} instead of ${expected.root.description}`));
  }
  if (isUp) {
    if (report.addresses.length === 0) problems.push(problem('no-address'));
    if (report.failedUnits.length > 0) problems.push(problem('units-failed', named(report.failedUnits)));
    if (expected.needsCapabilities) {
      const paths = (...states: string[]): string[] =>
        report.capabilities.filter(({ state }) => states.includes(state)).map(({ path }) => path);
      const lost = paths('absent', 'missing');
      if (lost.length > 0) problems.push(problem('capability-lost', named(lost)));
      if (paths('unknown').length > 0) problems.push(problem('getcap-missing'));
    }
    if (outcome.shutdownMs === undefined) problems.push(problem('shutdown-hangs', outcome.consoleTail.at(-1)));
  }
  return sortProblems(problems);
}

function named(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function lastWords({ report, consoleTail }: BootOutcome): string {
  const [job] = report.jobs;
  return job ?? consoleTail.at(-1) ?? '';
}
