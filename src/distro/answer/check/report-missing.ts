import type { Kickstart } from '../kickstart-syntax.js';
import type { Findings } from './findings.js';

/** Something may stand in a file that is included: then its absence here is not an error. */
export function reportMissing({ commands }: Kickstart, findings: Findings, problem: string, remedy: string): void {
  const include = commands.find(({ name }) => name === '%include' || name === '%ksappend');
  if (include === undefined) findings.error(0, problem, remedy);
  else findings.warning(include.line, `unless it is in the included file: ${problem}`, remedy);
}
