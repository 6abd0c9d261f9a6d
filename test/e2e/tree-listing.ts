/** Listings by test/medium/tree-list.py, and how two of them differ. */
import path from 'node:path';
import { run } from '../../src/tools/run.js';

const SCRIPT = path.resolve(import.meta.dirname, '../medium/tree-list.py');

export interface ListedEntry {
  /** Relative to the root; what is not UTF-8 in base64, after `base64:`. */
  readonly path: string;
  readonly type: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
  readonly rdev?: readonly [number, number];
  /** The first of several names. */
  readonly link?: string;
  readonly xattrs?: Readonly<Record<string, string>> | undefined;
}

export type Listing = ReadonlyMap<string, ListedEntry>;

export interface Difference {
  readonly path: string;
  /** Names of the fields that differ, sorted. */
  readonly change: 'removed' | 'added' | readonly string[];
  readonly text: string;
}

/** Lists a directory, or the system on a raw disk image. Needs root. */
export async function listTree(place: string, options: { readonly isDisk?: boolean } = {}): Promise<Listing> {
  const { stdout } = await run('python3', [SCRIPT, ...(options.isDisk === true ? ['--disk'] : []), place], {
    timeoutMs: 300_000,
  });
  const entries = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const entry = JSON.parse(line) as ListedEntry & { readonly path64?: string };
      return entry.path64 === undefined ? entry : { ...entry, path: `base64:${entry.path64}` };
    });
  return new Map(entries.map((entry) => [entry.path, entry]));
}

export function differences(before: Listing, after: Listing): Difference[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name): Difference[] => {
    const [old, now] = [before.get(name), after.get(name)];
    const shown = JSON.stringify(name);
    if (old === undefined) return [{ path: name, change: 'added', text: `+ ${shown}` }];
    if (now === undefined) return [{ path: name, change: 'removed', text: `- ${shown}` }];
    const fields = [...new Set([...Object.keys(old), ...Object.keys(now)])] as (keyof ListedEntry)[];
    const changed = fields.filter((field) => JSON.stringify(old[field]) !== JSON.stringify(now[field])).sort();
    if (changed.length === 0) return [];
    const text = changed.map((field) => `${field}: ${JSON.stringify(old[field])} -> ${JSON.stringify(now[field])}`);
    return [{ path: name, change: changed, text: `! ${shown} ${text.join('; ')}` }];
  });
}
