import { createReadStream } from 'node:fs';
import { lstat, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { diffSystems, type DiffReport, type DiffSide } from '../compare/diff.js';
import type { TreeKind, TreeSource } from '../compare/tree-sources.js';
import { Iso2RootfsError } from '../errors.js';
import type { Emit } from '../events.js';
import { isPackageDatabase, PACKAGE_DATABASES, readPackages, type DatabaseFile } from '../packages/read-packages.js';
import { PACKAGES_FILE, packageListSchema } from '../packages/types.js';
import { exists, readJson } from '../store/files.js';
import { listEntries } from '../store/inventory.js';
import { resolveKey } from '../store/resolve-key.js';
import { Store } from '../store/store.js';
import { Toolbox } from '../tools/toolbox.js';
import { scanTar } from '../tree/scan-tar.js';
import { manifestSchema } from './manifest.js';

export interface DiffRequest {
  /** Output directories, keys of the cache or their beginnings, archives, or directories with a file system in them. */
  readonly left: string;
  readonly right: string;
  readonly cacheDirectory: string;
  readonly toolsPath?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly emit?: Emit | undefined;
}

/** What an output directory may have, the fullest and fastest first. */
const FORMS: readonly (readonly [name: string, kind: TreeKind])[] = [
  ['rootfs.tar', 'tar'],
  ['nfsroot', 'directory'],
  ['rootfs.tar.zst', 'tar'],
  ['rootfs.tar.gz', 'tar'],
  ['rootfs.tar.xz', 'tar'],
  ['rootfs.squashfs', 'squashfs'],
  ['initramfs.cgz', 'cgz'],
];
const KINDS: readonly (readonly [name: RegExp, kind: TreeKind])[] = [
  [/\.(?:cgz|cpio(?:\.\w+)?)$/, 'cgz'],
  [/\.(?:squashfs|sqfs)$/, 'squashfs'],
];

/**
 * Compares two systems.
 * @throws Iso2RootfsError FILE_NOT_FOUND, NOT_CACHED or USAGE for what is none
 */
export async function diffOutputs(request: DiffRequest): Promise<DiffReport> {
  const { signal, toolsPath, emit } = request;
  const scratch = await mkdtemp(path.join(process.env['TMPDIR'] ?? '/var/tmp', 'iso2rootfs-diff-'));
  const holds: { release: () => Promise<void> }[] = [];
  try {
    const tools = new Toolbox(
      { logDirectory: scratch, toolsPath, ...(signal === undefined ? {} : { signal }) },
      'diff',
    );
    const sides: DiffSide[] = [];
    for (const name of [request.left, request.right]) {
      const place = await findPlace(name, request, holds);
      emit?.({ type: 'notice', message: `Reading ${name}...` });
      sides.push(await openSide(name, place, tools, scratch));
    }
    const [left, right] = sides as [DiffSide, DiffSide];
    return await diffSystems(left, right, { tools, scratch, signal });
  } finally {
    for (const hold of holds) await hold.release();
    await rm(scratch, { recursive: true, force: true });
  }
}

interface Place {
  readonly directory?: string;
  readonly file?: string;
}

async function findPlace(
  target: string,
  { cacheDirectory, signal }: DiffRequest,
  holds: { release: () => Promise<void> }[],
): Promise<Place> {
  const status = await stat(target).catch(() => undefined);
  if (status?.isDirectory() === true) return { directory: path.resolve(target) };
  if (status?.isFile() === true) return { file: path.resolve(target) };
  if (!/^[0-9a-f]{1,64}$/i.test(target)) {
    throw new Iso2RootfsError('FILE_NOT_FOUND', `${target} is neither a file, a directory nor a key of the cache`, {
      hint: "Give an output directory, rootfs.tar, nfsroot, or a key of 'iso2rootfs cache list'.",
    });
  }
  const store = await Store.open(cacheDirectory);
  const entries = (await listEntries(store)).filter(({ kind }) => kind === 'object');
  const { key } = resolveKey(entries, target);
  const held = await store.hold('object', key, signal === undefined ? {} : { signal });
  if (held === undefined) throw new Iso2RootfsError('NOT_CACHED', `the cache has no whole object ${key.slice(0, 12)}`);
  holds.push(held);
  return { directory: held.directory };
}

async function openSide(name: string, place: Place, tools: Toolbox, scratch: string): Promise<DiffSide> {
  if (place.file !== undefined) {
    const base = path.basename(place.file);
    const kind = KINDS.find(([pattern]) => pattern.test(base))?.[1] ?? 'tar';
    const tree: TreeSource = { name: base, kind, paths: [place.file] };
    return { name, tree, packages: await readPackagesOf(tree, tools, scratch) };
  }
  const directory = place.directory ?? '';
  const tree = await findTree(name, directory);
  const manifest = manifestSchema.safeParse(
    await readJson(path.join(directory, 'manifest.json')).catch(() => undefined),
  );
  const listed = packageListSchema.safeParse(
    await readJson(path.join(directory, PACKAGES_FILE)).catch(() => undefined),
  );
  const packages = listed.success ? { list: listed.data } : await readPackagesOf(tree, tools, scratch);
  return { name, tree, packages, kernel: manifest.data?.kernel.version };
}

async function findTree(name: string, directory: string): Promise<TreeSource> {
  for (const [file, kind] of FORMS) {
    const full = path.join(directory, file);
    if (await exists(full)) return { name: file, kind, paths: [full] };
  }
  for (const sign of ['etc', 'usr', 'bin']) {
    if (await exists(path.join(directory, sign)))
      return { name: path.basename(directory), kind: 'directory', paths: [directory] };
  }
  throw new Iso2RootfsError('FILE_NOT_FOUND', `${name} has nothing to compare: no rootfs.tar, no nfsroot, no system`, {
    hint: 'Give a directory that iso2rootfs build or fetch wrote, or one with a file system in it.',
  });
}

async function readPackagesOf(tree: TreeSource, tools: Toolbox, scratch: string): Promise<DiffSide['packages']> {
  const [file = ''] = tree.paths;
  if (tree.kind === 'tar' && !/\.(?:zst|gz|tgz|xz|bz2)$/.test(file)) {
    return readPackages(tools, await findInTar(file, tools.signal), scratch);
  }
  if (tree.kind === 'directory') return readPackages(tools, await findInDirectory(file), scratch);
  return { problem: `${tree.name} has no packages.json beside it` };
}

async function findInTar(file: string, signal: AbortSignal | undefined): Promise<DatabaseFile[]> {
  const found: DatabaseFile[] = [];
  const onEntry: Parameters<typeof scanTar>[1] = {
    signal,
    onEntry: ({ path: raw, type, sizeBytes }, start) => {
      const name = raw.toString('latin1');
      if (type !== 'file' || sizeBytes === 0 || !isPackageDatabase(name)) return;
      found.push({ path: name, sizeBytes, read: () => createReadStream(file, { start, end: start + sizeBytes - 1 }) });
    },
  };
  await scanTar(file, onEntry);
  return found;
}

/** Links of the tree lead nowhere: they mean its own root, not this host's. */
async function findInDirectory(directory: string): Promise<DatabaseFile[]> {
  const root = await realpath(directory);
  const found: DatabaseFile[] = [];
  for (const name of PACKAGE_DATABASES) {
    const file = path.join(root, name);
    if ((await realpath(file).catch(() => undefined)) !== file) continue;
    const status = await lstat(file);
    if (status.isFile() && status.size > 0) {
      found.push({ path: name, sizeBytes: status.size, read: () => createReadStream(file) });
    }
  }
  return found;
}
