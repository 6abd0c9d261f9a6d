import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import type { Iso2RootfsError } from '../errors.js';
import type { Reader } from './kinds.js';
import { invalidFile as invalid } from './read-config-file.js';
import { suggest } from '../suggest.js';
import { SETTING_NAMES, settingOf, type SettingName } from './settings.js';

export interface FileValue {
  readonly value: unknown;
  readonly line: number | undefined;
}

/** The form of a configuration file: sections (which may be empty) of settings. */
const fileSchema = z.strictObject(
  Object.fromEntries(
    [...new Set(SETTING_NAMES.map(sectionOf))].map((section) => [
      section,
      z
        .strictObject(
          Object.fromEntries(
            SETTING_NAMES.filter((name) => sectionOf(name) === section).map((name) => {
              const setting = settingOf(name);
              return [keyOf(name), schemaOf(setting.inFile ?? setting).optional()];
            }),
          ),
        )
        .nullish(),
    ]),
  ),
);

function sectionOf(name: SettingName): string {
  return name.slice(0, name.indexOf('.'));
}

function keyOf(name: SettingName): string {
  return name.slice(name.indexOf('.') + 1);
}

function schemaOf({ read, wanted }: Reader<unknown>): z.ZodType {
  return z.unknown().transform((given, context) => {
    const value = read(given);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: wanted });
    return z.NEVER;
  });
}

/**
 * What the text of a configuration file sets.
 * @throws Iso2RootfsError CONFIG_INVALID with file, path inside it and line.
 */
export function parseConfigFile(file: string, text: string): Map<SettingName, FileValue> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const what = fault.message.split('\n')[0] ?? fault.code;
    throw invalid(file, fault.linePos?.[0].line, undefined, what.replace(/ at line \d+, column \d+:?$/, ''));
  }
  const result = fileSchema.safeParse(toPlain(document, file) ?? {});
  if (!result.success) throw describeIssue(file, document, lines, result.error);
  return new Map(
    SETTING_NAMES.flatMap((name) => {
      const value = (result.data[sectionOf(name)] as Record<string, unknown> | null | undefined)?.[keyOf(name)];
      const where = [sectionOf(name), keyOf(name)];
      return value === undefined ? [] : [[name, { value, line: lineOf(document, lines, where) }] as const];
    }),
  );
}

/** Aliases that would grow without end are refused by the parser, with an exception. */
function toPlain(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw invalid(file, undefined, undefined, error instanceof Error ? error.message : String(error));
  }
}

function describeIssue(file: string, document: Document, lines: LineCounter, error: z.ZodError): Iso2RootfsError {
  const [issue] = error.issues;
  const where = (issue?.path ?? []).map(String);
  if (issue?.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const full = [...where, key].join('.');
    const known = where.length === 0 ? sections() : keysOf(where[0] ?? '');
    const near = suggest(
      key.toLowerCase(),
      known.map((name) => name.toLowerCase()),
    );
    const names = known.filter((name) => near.includes(name.toLowerCase())).map((name) => [...where, name].join('.'));
    return invalid(
      file,
      lineOf(document, lines, [...where, key]),
      full,
      where.length === 0 ? 'there is no such section' : 'there is no such setting',
      names.length > 0 ? `Did you mean ${names.join(' or ')}?` : `Known here: ${known.join(', ')}.`,
    );
  }
  const line = lineOf(document, lines, where);
  const isSection = issue?.code === 'invalid_type';
  const expected = isSection
    ? `settings by name: ${(where[0] === undefined ? sections() : keysOf(where[0])).join(', ')}`
    : issue?.message;
  const given: unknown = document.getIn(where);
  const found = isScalar(given) ? given.value : given;
  const said = typeof found === 'object' && found !== null ? '' : `, not ${JSON.stringify(found)}`;
  return invalid(file, line, where.join('.') || undefined, `expected ${expected ?? 'something else'}${said}`);
}

function sections(): string[] {
  return [...new Set(SETTING_NAMES.map(sectionOf))];
}

function keysOf(section: string): string[] {
  return SETTING_NAMES.filter((name) => sectionOf(name) === section).map(keyOf);
}

/** The line of a key: its value may begin further down. */
function lineOf(document: Document, lines: LineCounter, where: readonly string[]): number | undefined {
  const parent = where.length <= 1 ? document.contents : document.getIn(where.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  const key = parent.items
    .map((item) => item.key)
    .find((node) => isScalar(node) && String(node.value) === where.at(-1));
  return isScalar(key) && key.range ? lines.linePos(key.range[0]).line : undefined;
}
