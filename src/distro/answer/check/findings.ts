import type { Finding } from '../types.js';

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
