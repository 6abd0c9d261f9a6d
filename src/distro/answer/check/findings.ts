import type { Finding } from '../types.js';

/** Said of a file that demands a restart: the machine ends there all the same, but it may ask for the medium first. */
export const RESTARTS = 'the machine is restarted, not switched off, at the end';

/** Collects what is wrong, in the order of the file. */
export class Findings {
  readonly #found: Finding[] = [];

  error(line: number, problem: string, remedy: string): void {
    this.#found.push({ line, severity: 'error', problem, remedy });
  }

  warning(line: number, problem: string, remedy: string): void {
    this.#found.push({ line, severity: 'warning', problem, remedy });
  }

  /** What is missing from the whole file (line 0) comes last. */
  sorted(): Finding[] {
    return this.#found.toSorted((a, b) => (a.line || Infinity) - (b.line || Infinity) || 0);
  }
}
