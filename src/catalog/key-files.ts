import path from 'node:path';

/** Key files are named relative to the catalogue file, which merging forgets. */
export function withAbsoluteKeyFiles(data: Record<string, unknown>, directory: string): Record<string, unknown> {
  return mapKeyFiles(data, (file) => path.resolve(directory, file));
}

/** The reverse, for a catalogue that is written to a file. */
export function withRelativeKeyFiles(data: Record<string, unknown>, directory: string): Record<string, unknown> {
  return mapKeyFiles(data, (file) => path.relative(directory, file));
}

function mapKeyFiles(data: Record<string, unknown>, map: (file: string) => string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => {
      if (!isRecord(value)) return [key, value];
      if (key === 'signingKey' && typeof value['file'] === 'string') {
        return [key, { ...value, file: map(value['file']) }];
      }
      return [key, mapKeyFiles(value, map)];
    }),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
