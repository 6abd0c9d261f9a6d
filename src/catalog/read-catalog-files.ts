import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { Iso2RootfsError } from '../errors.js';
import type { Catalog } from './catalog.js';
import { withAbsoluteKeyFiles } from './key-files.js';
import { combinations, describeMedium } from './medium.js';
import { catalogFileSchema, distributionSchema, type Distribution } from './schema.js';

interface CatalogFile {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * Reads catalogue files. One with an id that is already known adds to it and overrides it, key by key; lists are replaced, and `null`
 * takes a release, an arch or a variant away.
 * @throws Iso2RootfsError CONFIG_INVALID, naming the file, the line and the path inside the file.
 */
export async function readCatalogFiles(files: readonly string[]): Promise<Catalog> {
  const merged = new Map<string, Record<string, unknown>>();
  const distributions = new Map<string, Distribution>();
  for (const file of files) {
    const source = await readCatalogFile(file);
    const id = checked(catalogFileSchema, source.data, source).id;
    const data = merge(merged.get(id) ?? {}, source.data) as Record<string, unknown>;
    const distribution = checked(distributionSchema, data, source);
    checkMedia(distribution, source);
    merged.set(id, data);
    distributions.set(id, distribution);
    checkNames(distributions, source);
  }
  return { distributions, files };
}

async function readCatalogFile(file: string): Promise<CatalogFile> {
  const lines = new LineCounter();
  // Without stringKeys the release 8.10 would be the number 8.1.
  const document = parseDocument(await readFile(file, 'utf8'), { stringKeys: true, lineCounter: lines });
  const [problem] = document.errors;
  if (problem !== undefined) throw invalid(file, problem.message.split('\n')[0] ?? 'not YAML');
  const data: unknown = document.toJS();
  if (!isRecord(data)) throw invalid(file, 'expected a mapping');
  return { file, document, lines, data: withAbsoluteKeyFiles(data, path.dirname(file)) };
}

function merge(base: unknown, overlay: unknown): unknown {
  if (!isRecord(base) || !isRecord(overlay)) return overlay;
  const result = { ...base };
  for (const [key, value] of Object.entries(overlay)) result[key] = merge(base[key], value);
  return result;
}

function checked<Schema extends z.ZodType>(schema: Schema, data: unknown, source: CatalogFile): z.output<Schema> {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const keys = issue?.path.map(String) ?? [];
  throw invalid(source.file, issue?.message ?? 'not a catalogue file', keys, lineOf(keys, source));
}

function lineOf(keys: readonly string[], { document, lines }: CatalogFile): number | undefined {
  for (let depth = keys.length; depth > 0; depth -= 1) {
    const node: unknown = document.getIn(keys.slice(0, depth), true);
    if (isRecord(node) && Array.isArray(node['range'])) return lines.linePos(Number(node['range'][0])).line;
  }
  return undefined;
}

/** Spells out every medium once, so that a wrong template is found when it is written and not when it is used. */
function checkMedia(distribution: Distribution, source: CatalogFile): void {
  for (const { release, arch, variant } of combinations(distribution)) {
    try {
      describeMedium(distribution, release, arch, variant);
    } catch (error) {
      if (!(error instanceof Iso2RootfsError)) throw error;
      throw invalid(source.file, error.message, ['releases', release]);
    }
  }
}

function checkNames(distributions: ReadonlyMap<string, Distribution>, source: CatalogFile): void {
  const owners = new Map<string, string>();
  for (const [id, { aliases = [] }] of distributions) {
    for (const name of [id, ...aliases]) {
      const owner = owners.get(name.toLowerCase());
      if (owner !== undefined && owner !== id) {
        throw invalid(source.file, `"${name}" already names ${owner}`, ['aliases']);
      }
      owners.set(name.toLowerCase(), id);
    }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(file: string, problem: string, keys: readonly string[] = [], line?: number): Iso2RootfsError {
  const where = keys.map((key) => (/^[\w-]+$/.test(key) ? key : `'${key}'`)).join('.');
  return new Iso2RootfsError(
    'CONFIG_INVALID',
    `${file}${line === undefined ? '' : `:${line}`}: ${where === '' ? '' : `${where}: `}${problem}`,
    { hint: 'Correct the file, or move it out of distros.d.', data: { file, path: where, line: line ?? null } },
  );
}
