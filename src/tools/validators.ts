import path from 'node:path';
import { fileURLToPath } from 'node:url';
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
  /** The program that looked, and the syntax version that it looked for where there are several; undefined where it is not installed. */
  readonly validator: string | undefined;
  /** Why nothing was looked at; undefined where something was. */
  readonly missing: string | undefined;
  readonly findings: readonly SyntaxFinding[];
}

export interface ValidationOptions {
  /** The version of the kickstart syntax, as pykickstart names it; without it one that accepts the file is enough. */
  readonly dialect?: string | undefined;
  /** Looked into before PATH. */
  readonly toolsPath?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Validator {
  readonly program: string;
  /** How to get it. */
  readonly source: string;
  readonly args: (file: string, dialect: string) => readonly string[];
  /** In this order where it is not known which one is meant. */
  readonly dialects: readonly string[];
  readonly parse: (lines: readonly string[]) => readonly Complaint[];
}

interface Complaint {
  readonly line: number;
  readonly problem: string;
}

const TIMEOUT_MS = 60_000;
/** A project's own virtual environment, which bin/setup-host makes for the tests. */
const PROJECT_VENV = fileURLToPath(new URL('../../.venv/bin', import.meta.url));

const VALIDATORS: Readonly<Record<string, Validator>> = {
  anaconda: {
    program: 'ksvalidator',
    source: 'pip install pykickstart',
    args: (file, dialect) => [...(dialect === '' ? [] : ['--version', dialect]), file],
    // First the newest that it knows.
    dialects: ['', 'RHEL10', 'RHEL9', 'RHEL8', 'F33', 'RHEL7'],
    parse: parseKsvalidator,
  },
  'debian-installer': {
    program: 'debconf-set-selections',
    source: 'package debconf',
    args: (file) => ['--checkonly', file],
    dialects: [''],
    parse: (lines) => parseByLine(lines, /line (\d+)/i),
  },
  autoyast: {
    program: 'xmllint',
    source: 'package libxml2-utils or libxml2',
    args: (file) => ['--noout', '--nonet', file],
    dialects: [''],
    parse: (lines) => parseByLine(lines, /:(\d+): /),
  },
};

/**
 * Checks the syntax of an answer file by the field's own validator, where it is installed: on PATH, in an active virtual environment, or in
 * the .venv beside this program.
 */
export async function validateAnswerFile(
  family: string,
  file: string,
  options: ValidationOptions = {},
): Promise<Validation> {
  const validator = VALIDATORS[family];
  if (validator === undefined)
    return { validator: undefined, missing: `there is no validator for ${family}`, findings: [] };
  const { program, source } = validator;
  const found = await findProgram(program, validatorPath(options.toolsPath));
  if (found === undefined) {
    return { validator: undefined, missing: `${program} is not installed (${source})`, findings: [] };
  }
  const dialects = options.dialect === undefined ? validator.dialects : [options.dialect];
  let best: Validation | undefined;
  for (const dialect of dialects) {
    const complaints = await complaintsOf(validator, found, file, dialect, options.signal);
    // An old validator does not know the newest syntax: that says nothing of the file.
    if (complaints === undefined) continue;
    const findings = complaints.map(({ line, problem }) => ({
      line,
      severity: 'error' as const,
      problem: `${program}: ${problem}`,
      remedy: 'Correct the syntax.',
    }));
    // What fewest versions of the syntax object to is what is meant.
    if (best !== undefined && findings.length >= best.findings.length) continue;
    best = { validator: dialect === '' ? program : `${program}, ${dialect}`, missing: undefined, findings };
    if (findings.length === 0) break;
  }
  const missing = `this ${program} does not know the syntax ${dialects.join(', ')}`;
  return best ?? { validator: undefined, missing, findings: [] };
}

/** The directories where validators are looked for. None of them is chosen by where the user stands: what lies there may be anybody's. */
function validatorPath(toolsPath: string | undefined): string {
  const { PATH = '', VIRTUAL_ENV } = process.env;
  const environment = VIRTUAL_ENV === undefined ? [] : [path.join(VIRTUAL_ENV, 'bin')];
  return [...(toolsPath === undefined ? [] : [toolsPath]), PATH, ...environment, PROJECT_VENV].join(':');
}

async function complaintsOf(
  { program, args, parse }: Validator,
  executable: string,
  file: string,
  dialect: string,
  signal: AbortSignal | undefined,
): Promise<readonly Complaint[] | undefined> {
  const lines: string[] = [];
  try {
    await run(executable, args(file, dialect), { signal, timeoutMs: TIMEOUT_MS, onLine: (line) => lines.push(line) });
    return [];
  } catch (error) {
    if (!(error instanceof Iso2RootfsError) || error.code !== 'TOOL_FAILED') throw error;
    if (lines.some((line) => /is not supported by pykickstart/.test(line))) return undefined;
    const complaints = parse(lines);
    return complaints.length > 0 ? complaints : [{ line: 0, problem: `${program} refuses it: ${error.message}` }];
  }
}

/** Each problem is an introduction that has the line, and a paragraph of its own. */
function parseKsvalidator(lines: readonly string[]): Complaint[] {
  const paragraphs = lines.join('\n').split(/\n\s*\n/);
  return paragraphs.flatMap((paragraph, index) => {
    const line = /The following problem occurred on line (\d+) of the kickstart file:$/.exec(paragraph)?.[1];
    const problem = paragraphs[index + 1]?.trim().replaceAll('\n', ' ');
    return line === undefined || problem === undefined ? [] : [{ line: Number(line), problem }];
  });
}

/** What names a line is the problem; else the last thing said. */
function parseByLine(lines: readonly string[], pattern: RegExp): Complaint[] {
  const named = lines.filter((text) => pattern.test(text));
  const problems = named.length > 0 ? named : lines.filter((text) => text.trim() !== '').slice(-1);
  return problems.map((text) => ({
    line: Number(pattern.exec(text)?.[1] ?? 0),
    problem: text.replace(/^\S+:\d+: /, '').trim(),
  }));
}
