import type { Iso2RootfsError } from '../index.js';
import { printable, singleLine } from './format.js';

/** The four lines of every failure on stderr, below what the console of a guest said last; with `--json` an object on stdout as well. */
export function showFailure(failure: Iso2RootfsError, isJson: boolean): void {
  if (isJson) process.stdout.write(`${JSON.stringify({ error: failure.toJSON() }, undefined, 2)}\n`);
  process.stderr.write(describeFailure(failure));
}

export function describeFailure(failure: Iso2RootfsError): string {
  return [
    ...describeConsole(failure.data?.['console']),
    `Error: ${singleLine(failure.message)} (${failure.code})`,
    `Stage: ${failure.stage ?? 'before the first stage'}`,
    `Try this: ${singleLine(failure.hint ?? 'iso2rootfs --help')}`,
    `Log: ${singleLine(failure.log ?? 'none')}`,
    '',
  ].join('\n');
}

/** Indented, so that nothing that a guest says can be taken for one of our own lines. */
function describeConsole(lines: unknown): string[] {
  if (!Array.isArray(lines) || lines.length === 0) return [];
  // Columns are kept, as some installers show tables.
  const said = lines.map((line) => `  | ${printable(String(line).replace(/[\r\n]+/g, ' '))}`.trimEnd());
  return [`Console (the last ${said.length} lines):`, ...said];
}
