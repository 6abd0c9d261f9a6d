/** Lists a directory tree entry by entry, so that two trees can be compared. */
import { createHash } from 'node:crypto';
import { lstat, readFile, readdir, readlink } from 'node:fs/promises';
import { inspect, isDeepStrictEqual } from 'node:util';
import { run } from '../../../src/tools/run.js';

export interface ListedEntry {
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  readonly mtimeNs: bigint;
  /** Hash of a file, target of a symlink, number of a device. */
  readonly content: string;
  /** The first of all names of the same inode. */
  readonly sameAs: string;
}

const TYPES: Record<number, string> = {
  0o010000: 'fifo',
  0o020000: 'character-device',
  0o040000: 'directory',
  0o060000: 'block-device',
  0o100000: 'file',
  0o120000: 'symlink',
};

/** Entries by path (bytes as latin1), in order. */
export async function listTree(root: string): Promise<Record<string, ListedEntry>> {
  const entries = new Map<string, ListedEntry & { readonly inode: bigint }>();
  const firstNames = new Map<bigint, string>();
  const queue = [Buffer.from('.')];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const full = Buffer.concat([Buffer.from(`${root}/`), path]);
    const stat = await lstat(full, { bigint: true });
    const type = TYPES[Number(stat.mode) & 0o170000] ?? 'unknown';
    const name = path.toString('latin1');
    firstNames.set(stat.ino, [firstNames.get(stat.ino) ?? name, name].sort()[0]!);
    entries.set(name, {
      type,
      mode: (Number(stat.mode) & 0o7777).toString(8),
      owner: `${stat.uid}:${stat.gid}`,
      mtimeNs: stat.mtimeNs,
      content: await contentOf(full, type, stat.rdev),
      sameAs: name,
      inode: stat.ino,
    });
    if (type !== 'directory') continue;
    for (const child of await readdir(full, { encoding: 'buffer' })) {
      queue.push(Buffer.concat([path, Buffer.from('/'), child]));
    }
  }
  const sorted = [...entries].sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([name, { inode, ...entry }]) => [name, { ...entry, sameAs: firstNames.get(inode)! }]),
  );
}

async function contentOf(path: Buffer, type: string, rdev: bigint): Promise<string> {
  if (type === 'file')
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  if (type === 'symlink') return (await readlink(path, { encoding: 'buffer' })).toString('latin1');
  return type.endsWith('device') ? String(rdev) : '';
}

/** What is different, a line each: short where mocha's own diff of two trees is not. */
export function differences(one: Record<string, ListedEntry>, other: Record<string, ListedEntry>): string[] {
  const show = (entry: ListedEntry | undefined): string => inspect(entry, { breakLength: Infinity });
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .filter((name) => !isDeepStrictEqual(one[name], other[name]))
    .map((name) => `${name}: ${show(one[name])} instead of ${show(other[name])}`);
}

/** What getfattr(1) says of every entry, one block each, in order: attributes, capabilities, ACLs, labels. */
export async function listXattrs(root: string): Promise<string[]> {
  const { stdout } = await run('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'], { cwd: root });
  return stdout.split('\n\n').sort();
}
