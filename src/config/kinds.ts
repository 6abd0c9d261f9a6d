import { homedir } from 'node:os';
import path from 'node:path';
import {
  CGZ_EXCLUDES_WANTED,
  OUTPUTS_WANTED,
  parseExcludes,
  parseOutputs,
  type CgzExclude,
  type Output,
} from './outputs.js';
import {
  DURATION_WANTED,
  LONGEST_TIMEOUT_MS,
  parseBytes,
  parseDuration,
  SIZE_WANTED,
  writeBytes,
  writeDuration,
} from './quantity.js';

/**
 * A kind of value: how it is read from text (a variable, a flag) or YAML, and written so that it can be read again.
 *
 * Plain functions instead of a schema: every command reads settings, and loading a library for it would take longer than the reading.
 */
export interface Kind<Value> extends Reader<Value> {
  /** In a file, where other rules hold than for text. */
  readonly inFile?: Reader<Value>;
  readonly write: (value: Value) => string;
  /** Of the value in `--json`. */
  readonly unit?: 'bytes' | 'ms';
}

export interface Reader<Value> {
  /** Undefined: it is no such value. */
  readonly read: (value: unknown) => Value | undefined;
  /** Completes 'expected ...'. */
  readonly wanted: string;
}

/** Numbers are what YAML makes of `600`. */
function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export const size: Kind<number> = {
  wanted: SIZE_WANTED,
  read: (value) => parseBytes(textOf(value)),
  write: writeBytes,
  unit: 'bytes',
};

export const timeout: Kind<number> = {
  wanted: `${DURATION_WANTED}, at most 24 days`,
  read: (value) => {
    const milliseconds = parseDuration(textOf(value));
    return milliseconds !== undefined && milliseconds <= LONGEST_TIMEOUT_MS ? milliseconds : undefined;
  },
  write: writeDuration,
  unit: 'ms',
};

export const age: Kind<number> = {
  wanted: 'a duration such as 30d or 12h',
  read: (value) => parseDuration(textOf(value)),
  write: writeDuration,
  unit: 'ms',
};

export function count(least: number, most: number): Kind<number> {
  return {
    wanted: `a whole number from ${least} to ${most}`,
    read: (value) => {
      const number = /^\d+$/.test(textOf(value).trim()) ? Number(value) : NaN;
      return number >= least && number <= most ? number : undefined;
    },
    write: String,
  };
}

/** `none` removes a bound that a file of less weight has set: the value is Infinity. */
export function orNone(kind: Kind<number>): Kind<number> {
  return {
    ...kind,
    wanted: `${kind.wanted}, or none`,
    read: (value) => (/^none$/i.test(textOf(value).trim()) ? Infinity : kind.read(value)),
    write: (value) => (value === Infinity ? 'none' : kind.write(value)),
  };
}

export function choice<const Name extends string>(names: readonly Name[]): Kind<Name> {
  return {
    wanted: `one of ${names.join(', ')}`,
    read: (value) => names.find((name) => name === textOf(value).trim().toLowerCase()),
    write: String,
  };
}

export const outputs: Kind<readonly Output[]> = {
  wanted: OUTPUTS_WANTED,
  read: parseOutputs,
  write: (value) => value.join(','),
};

export const excludes: Kind<readonly CgzExclude[]> = {
  wanted: CGZ_EXCLUDES_WANTED,
  read: parseExcludes,
  write: (value) => (value.length === 0 ? 'none' : value.join(',')),
};

const WORDS = new Map([
  ...['true', 'yes', 'on', '1'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', '0'].map((word) => [word, false] as const),
]);

export const toggle: Kind<boolean> = {
  wanted: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : WORDS.get(textOf(value).trim().toLowerCase())),
  write: String,
};

export const text: Kind<string> = {
  wanted: 'a text',
  read: (value) => {
    const words = typeof value === 'string' ? value.trim() : '';
    return words === '' ? undefined : words;
  },
  write: String,
};

function expandHome(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.trim() === '' || value.includes('\0')) return undefined;
  return value === '~' || value.startsWith('~/') ? path.join(homedir(), value.slice(1)) : value;
}

/** Relative to the current directory in a variable or flag. A file has none that it could be relative to. */
export const directory: Kind<string> = {
  wanted: 'a directory',
  read: (value) => {
    const place = expandHome(value);
    return place === undefined ? undefined : path.resolve(place);
  },
  inFile: {
    wanted: 'an absolute path, or one that begins with ~/',
    read: (value) => {
      const place = expandHome(value);
      return place !== undefined && path.isAbsolute(place) ? path.resolve(place) : undefined;
    },
  },
  write: String,
};

/** No value is a value: nothing is written for it. */
export function optional<Value>(kind: Kind<Value>): Kind<Value | undefined> {
  return { ...kind, write: (value) => (value === undefined ? '' : kind.write(value)) };
}
