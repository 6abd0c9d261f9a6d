import { findProgram, run } from './run.js';
import { Iso2RootfsError } from '../errors.js';

/** A complaint of a validator; line 0 where it names none. */
export interface SyntaxFinding {
  readonly line: number;
  readonly severity: 'error';
  readonly problem: string;
  readonly remedy: string;
}

export interface Validation {
  /** The program that looked; undefined where it is not installed. */
  readonly validator: string | undefined;
  readonly findings: readonly SyntaxFinding[];
}

interface Validator {
  readonly program: string;
  readonly args: (file: string) => readonly string[];
  /** Where the program says the line. */
  readonly linePattern: RegExp;
}

const VALIDATORS: Readonly<Record<string, Validator>> = {
  anaconda: {
    program: 'ksvalidator',
    args: (file) => [file],
    linePattern: /(?:line|on line) (\d+)/i,
  },
  'debian-installer': {
    program: 'debconf-set-selections',
    args: (file) => ['--checkonly', file],
    linePattern: /line (\d+)/i,
  },
  autoyast: {
    program: 'xmllint',
    args: (file) => ['--noout', '--nonet', file],
    linePattern: /:(\d+): /,
  },
};

const TIMEOUT_MS = 60_000;

/** Checks the syntax of an answer file by the field's own validator, where it is installed. */
export async function validateAnswerFile(family: string, file: string, signal?: AbortSignal): Promise<Validation> {
  const validator = VALIDATORS[family];
  if (validator === undefined) return { validator: undefined, findings: [] };
  const { program, args, linePattern } = validator;
  if ((await findProgram(program, process.env['PATH'] ?? '')) === undefined)
    return { validator: undefined, findings: [] };
  try {
    await run(program, args(file), { signal, timeoutMs: TIMEOUT_MS });
    return { validator: program, findings: [] };
  } catch (error) {
    if (!(error instanceof Iso2RootfsError) || error.code !== 'TOOL_FAILED') throw error;
    const tail: unknown = error.data?.['tail'];
    const lines = Array.isArray(tail) ? tail.map(String) : [];
    const line = Number(linePattern.exec(lines.join('\n'))?.[1] ?? 0);
    const problem = lines.findLast((text) => text.trim() !== '' && !/^\s*\^/.test(text))?.trim() ?? error.message;
    return {
      validator: program,
      findings: [{ line, severity: 'error', problem: `${program}: ${problem}`, remedy: 'Correct the syntax.' }],
    };
  }
}
