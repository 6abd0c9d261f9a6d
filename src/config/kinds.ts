import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { OUTPUTS_WANTED, parseOutputs, type Output } from './outputs.js';
import {
  DURATION_WANTED,
  LONGEST_TIMEOUT_MS,
  parseBytes,
  parseDuration,
  SIZE_WANTED,
  writeBytes,
  writeDuration,
} from './quantity.js';

/** A kind of value: how it is read from text (a variable, a flag) or YAML, and written so that it can be read again. */
export interface Kind<Value> {
  /** The message of an issue completes 'expected ...'. */
  readonly schema: z.ZodType<Value>;
  /** In a file, where other rules hold than for text. */
  readonly fileSchema?: z.ZodType<Value>;
  readonly write: (value: Value) => string;
  /** Of the value in `--json`. */
  readonly unit?: 'bytes' | 'ms';
}

/** Numbers are what YAML makes of `600`. */
function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function reader<Value>(wanted: string, parse: (value: unknown) => Value | undefined): z.ZodType<Value> {
  return z.unknown().transform((value, context): Value => {
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: wanted });
    return z.NEVER;
  });
}

export const size: Kind<number> = {
  schema: reader(SIZE_WANTED, (value) => parseBytes(textOf(value))),
  write: writeBytes,
  unit: 'bytes',
};

export const timeout: Kind<number> = {
  schema: reader(`${DURATION_WANTED}, at most 24 days`, (value) => {
    const milliseconds = parseDuration(textOf(value));
    return milliseconds !== undefined && milliseconds <= LONGEST_TIMEOUT_MS ? milliseconds : undefined;
  }),
  write: writeDuration,
  unit: 'ms',
};

export const age: Kind<number> = {
  schema: reader('a duration such as 30d or 12h', (value) => parseDuration(textOf(value))),
  write: writeDuration,
  unit: 'ms',
};

export function count(least: number, most: number): Kind<number> {
  return {
    schema: reader(`a whole number from ${least} to ${most}`, (value) => {
      const number = /^\d+$/.test(textOf(value).trim()) ? Number(value) : NaN;
      return number >= least && number <= most ? number : undefined;
    }),
    write: String,
  };
}

/** `none` removes a bound that a file of less weight has set: the value is Infinity. */
export function orNone(kind: Kind<number>): Kind<number> {
  const isNone = (value: unknown): boolean => /^none$/i.test(textOf(value).trim());
  return {
    ...kind,
    schema: z.unknown().transform((value, context): number => {
      if (isNone(value)) return Infinity;
      const result = kind.schema.safeParse(value);
      if (result.success) return result.data;
      context.addIssue({ code: 'custom', message: `${result.error.issues[0]?.message ?? 'a value'}, or none` });
      return z.NEVER;
    }),
    write: (value) => (value === Infinity ? 'none' : kind.write(value)),
  };
}

export function choice<const Name extends string>(names: readonly Name[]): Kind<Name> {
  return {
    schema: reader(`one of ${names.join(', ')}`, (value) =>
      names.find((name) => name === textOf(value).trim().toLowerCase()),
    ),
    write: String,
  };
}

export const outputs: Kind<readonly Output[]> = {
  schema: reader(OUTPUTS_WANTED, parseOutputs),
  write: (value) => value.join(','),
};

const WORDS = new Map([
  ...['true', 'yes', 'on', '1'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', '0'].map((word) => [word, false] as const),
]);

export const toggle: Kind<boolean> = {
  schema: reader('true or false', (value) =>
    typeof value === 'boolean' ? value : WORDS.get(textOf(value).trim().toLowerCase()),
  ),
  write: String,
};

export const text: Kind<string> = {
  schema: reader('a text', (value) => {
    const words = typeof value === 'string' ? value.trim() : '';
    return words === '' ? undefined : words;
  }),
  write: String,
};

function expandHome(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.trim() === '' || value.includes('\0')) return undefined;
  return value === '~' || value.startsWith('~/') ? path.join(homedir(), value.slice(1)) : value;
}

/** Relative to the current directory in a variable or flag. A file has none that it could be relative to. */
export const directory: Kind<string> = {
  schema: reader('a directory', (value) => {
    const place = expandHome(value);
    return place === undefined ? undefined : path.resolve(place);
  }),
  fileSchema: reader('an absolute path, or one that begins with ~/', (value) => {
    const place = expandHome(value);
    return place !== undefined && path.isAbsolute(place) ? path.resolve(place) : undefined;
  }),
  write: String,
};

/** No value is a value: nothing is written for it. */
export function optional<Value>(kind: Kind<Value>): Kind<Value | undefined> {
  return { ...kind, write: (value) => (value === undefined ? '' : kind.write(value)) };
}
