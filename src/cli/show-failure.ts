import type { Iso2RootfsError } from '../index.js';
import { singleLine } from './format.js';

/** The four lines of every failure on stderr; with `--json` an object on stdout as well. */
export function showFailure(failure: Iso2RootfsError, isJson: boolean): void {
  if (isJson) process.stdout.write(`${JSON.stringify({ error: failure.toJSON() }, undefined, 2)}\n`);
  process.stderr.write(describeFailure(failure));
}

export function describeFailure(failure: Iso2RootfsError): string {
  return [
    `Error: ${singleLine(failure.message)} (${failure.code})`,
    `Stage: ${failure.stage ?? 'before the first stage'}`,
    `Try this: ${singleLine(failure.hint ?? 'iso2rootfs --help')}`,
    `Log: ${singleLine(failure.log ?? 'none')}`,
    '',
  ].join('\n');
}
