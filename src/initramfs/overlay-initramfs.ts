/**
 * The files of a small initramfs that starts a system from a squashfs image: a script, the few programs that it runs, what these need, and
 * the kernel's modules; everything from the system itself, so that it fits its kernel and its processor.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Iso2RootfsError } from '../errors.js';
import { createEntry, createFile, type TreeEntry, type TreeFile } from '../tree/entry.js';
import { parentKey, pathKey } from '../tree/tree-path.js';
import { readElf } from './elf.js';
import { orderModules } from './kernel-modules.js';
import type { ResolvedPath, TarTree } from './tar-tree.js';

const INIT_SCRIPT = fileURLToPath(new URL('../../templates/initramfs/overlay-init.sh', import.meta.url));
const PROGRAMS = ['sh', 'mount', 'mkdir', 'insmod', 'switch_root'];
const PROGRAM_DIRECTORIES = ['usr/sbin', 'usr/bin', 'sbin', 'bin'];
const MODULES = ['loop', 'squashfs', 'overlay'];
/** insmod loads the library of a module's compression when it meets one. */
const DECOMPRESSORS: Readonly<Record<string, string>> = { xz: 'liblzma.so.5', zst: 'libzstd.so.1', gz: 'libz.so.1' };
/** Where ld.so(8) finds libraries without being told, on systems of all kinds. */
const LIBRARY_DIRECTORY = /^(?:usr\/)?lib(?:64|32|x32)?(?:\/[^/]+-linux-[^/]+)?$/;
const MOUNT_POINTS = ['dev', 'proc', 'sys', 'run', 'sysroot'];
const MAX_FILE_BYTES = 64 * 1024 * 1024;

const REMEMBERED = [
  /^(?:bin|sbin|lib|lib32|lib64|libx32|usr\/(?:bin|sbin|lib|lib32|lib64|libx32))(?:\/[^/]+)?$/,
  /^(?:usr\/)?lib[^/]*\/(?:.*\/)?(?:ld[^/]*|lib[^/]*\.so[^/]*)$/,
  /^(?:usr\/)?lib\/modules\//,
  /^etc\/(?:alternatives\/[^/]+|ld\.so\.cache)$/,
];

/** The paths that {@link collectOverlayInitramfs} asks for. */
export function isAskedFor(path: string): boolean {
  return REMEMBERED.some((pattern) => pattern.test(path));
}

/**
 * @param kernelVersion as `uname -r` says it
 * @throws Iso2RootfsError TREE_NOT_REPRESENTABLE when the system lacks a program or its kernel a module
 */
export async function collectOverlayInitramfs(tree: TarTree, kernelVersion: string): Promise<TreeFile[]> {
  const collection = new Collection(tree);
  for (const program of PROGRAMS) await collection.addProgram(program);
  const modules = await findModules(tree, kernelVersion);
  for (const module of modules) await collection.add(module);
  for (const extension of new Set(modules.map((module) => module.replace(/.*\./, '')))) {
    const library = DECOMPRESSORS[extension];
    if (library !== undefined) await collection.addLibrary(library, [], false);
  }
  await collection.addIfThere('etc/ld.so.cache');
  for (const place of MOUNT_POINTS) collection.addDirectory(place);
  collection.put(createFile(Buffer.from('init'), await readFile(INIT_SCRIPT), { mode: 0o755 }));
  collection.put(createFile(Buffer.from('modules.list'), Buffer.from(modules.map((name) => `/${name}\n`).join(''))));
  collection.put({
    entry: createEntry({
      path: Buffer.from('dev/console'),
      type: 'character-device',
      mode: 0o600,
      deviceMajor: 5,
      deviceMinor: 1,
    }),
    content: Buffer.alloc(0),
  });
  return collection.files();
}

async function findModules(tree: TarTree, kernelVersion: string): Promise<string[]> {
  const directory = `lib/modules/${kernelVersion}`;
  const text = async (name: string): Promise<string | undefined> => {
    const file = tree.resolve(`${directory}/${name}`);
    return file === undefined ? undefined : (await tree.read(file)).toString('latin1');
  };
  const dependencies = await text('modules.dep');
  if (dependencies === undefined) {
    throw new Iso2RootfsError('TREE_NOT_REPRESENTABLE', `the system has no /${directory}/modules.dep`, {
      hint: 'Its kernel came without modules, or depmod has not run: use --cgz-kind tree.',
    });
  }
  return orderModules(MODULES, dependencies, (await text('modules.builtin')) ?? '').map(
    (module) => `${directory}/${module}`,
  );
}

/** Files of a tree with all that they need, each once. */
class Collection {
  readonly #files = new Map<string, TreeFile>();
  readonly #added = new Set<string>();

  constructor(private readonly tree: TarTree) {}

  /** Directories before what is in them. */
  files(): TreeFile[] {
    return [...this.#files].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, file]) => file);
  }

  put(file: TreeFile): void {
    const path = pathKey(file.entry.path);
    if (this.#files.has(path)) return;
    if (parentKey(path) !== '') this.addDirectory(parentKey(path));
    this.#files.set(path, file);
  }

  addDirectory(path: string): void {
    this.put({
      entry: createEntry({ path: Buffer.from(path, 'latin1'), type: 'directory' }),
      content: Buffer.alloc(0),
    });
  }

  async addProgram(name: string): Promise<void> {
    for (const directory of PROGRAM_DIRECTORIES) {
      const path = `${directory}/${name}`;
      if (this.tree.resolve(path)?.entry.type === 'file') {
        await this.add(path);
        // The script is started as /bin/sh, whatever the directory is that it was found in.
        if (name === 'sh') await this.addIfThere('bin/sh');
        return;
      }
    }
    throw new Iso2RootfsError(
      'TREE_NOT_REPRESENTABLE',
      `the system has no program ${name}, which starts it from a squashfs image`,
      { hint: 'Install the package that has it with --packages, or use --cgz-kind tree.', data: { program: name } },
    );
  }

  async addIfThere(path: string): Promise<void> {
    if (this.tree.resolve(path)?.entry.type === 'file') await this.add(path);
  }

  /** A file, the symlinks that lead to it, and what it needs to run. */
  async add(path: string): Promise<void> {
    if (this.#added.has(path)) return;
    this.#added.add(path);
    const found = this.tree.resolve(path);
    if (found?.entry.type !== 'file') throw missing(path);
    for (const link of found.links) this.put({ entry: plain(link, pathKey(link.path)), content: Buffer.alloc(0) });
    if (this.#files.has(found.path)) return;
    if (found.entry.sizeBytes > MAX_FILE_BYTES) {
      throw new Iso2RootfsError('TREE_NOT_REPRESENTABLE', `/${path} is too large to be needed to start the system`);
    }
    const content = await this.tree.read(found);
    this.put({ entry: plain(found.entry, found.path), content });
    await this.#addNeeds(found, content);
  }

  async #addNeeds(file: ResolvedPath, content: Buffer): Promise<void> {
    const script = /^#! *(\S+)/.exec(content.toString('latin1', 0, 256))?.[1];
    if (script !== undefined) return this.add(script.slice(1));
    if (/\.ko(?:\.\w+)?$/.test(file.path)) return;
    const facts = await readElf(async (start, length) => Promise.resolve(content.subarray(start, start + length)));
    if (facts === undefined) return;
    if (facts.interpreter !== undefined) await this.add(facts.interpreter.slice(1));
    const origin = `/${parentKey(file.path)}`;
    const first = facts.searchPath.map((directory) => directory.replace(/\$(?:ORIGIN|\{ORIGIN\})/, origin));
    for (const name of facts.needed) await this.addLibrary(name, first, true);
  }

  async addLibrary(name: string, searchPath: readonly string[], isNeeded: boolean): Promise<void> {
    const path = this.#findLibrary(name, searchPath);
    if (path !== undefined) await this.add(path);
    else if (isNeeded) throw missing(name);
  }

  /** As ld.so(8) does it; a library that only its cache knows is found by its name. */
  #findLibrary(name: string, searchPath: readonly string[]): string | undefined {
    if (name.includes('/')) return this.tree.resolve(name) === undefined ? undefined : name;
    const isThere = (path: string): boolean => this.tree.resolve(path)?.entry.type === 'file';
    const told = searchPath.map((directory) => `${directory}/${name}`.replace(/^\/+/, '')).find(isThere);
    if (told !== undefined) return told;
    const candidates = this.#librariesByName().get(name) ?? [];
    return (
      candidates.find((path) => LIBRARY_DIRECTORY.test(parentKey(path)) && isThere(path)) ?? candidates.find(isThere)
    );
  }

  #byName: Map<string, string[]> | undefined;

  #librariesByName(): Map<string, string[]> {
    if (this.#byName !== undefined) return this.#byName;
    this.#byName = new Map();
    for (const path of this.tree.paths()) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      if (!name.includes('.so')) continue;
      const paths = this.#byName.get(name);
      if (paths === undefined) this.#byName.set(name, [path]);
      else paths.push(path);
    }
    return this.#byName;
  }
}

/** Only what matters for a moment: owner root, and no attributes. */
function plain(entry: TreeEntry, path: string): TreeEntry {
  const { type, mode, sizeBytes, linkTarget, mtimeSeconds } = entry;
  const common = { path: Buffer.from(path, 'latin1'), mtimeSeconds };
  return type === 'symlink'
    ? createEntry({ ...common, type, linkTarget })
    : createEntry({ ...common, type: 'file', mode: mode & 0o755, sizeBytes });
}

function missing(name: string): Iso2RootfsError {
  return new Iso2RootfsError(
    'TREE_NOT_REPRESENTABLE',
    `the system lacks ${name}, which the programs need that start it from a squashfs image`,
    { hint: 'The system is damaged, or made in a way that is not known here: use --cgz-kind tree.', data: { name } },
  );
}
