import { mkdtemp, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { auditTrees, type AuditReport } from '../compare/audit.js';
import type { CgzFacts, TreeChange } from '../compare/excuses.js';
import { GUEST_RECORD_FILE } from '../compare/guest-record.js';
import type { TreeKind, TreeSource } from '../compare/tree-sources.js';
import { Iso2RootfsError } from '../errors.js';
import type { Emit } from '../events.js';
import { exists, readJson } from '../store/files.js';
import { CGZ_EXCLUDES } from '../config/outputs.js';
import { Toolbox } from '../tools/toolbox.js';
import { isExcludedPath } from './artifacts/cgz-tree.js';
import { manifestSchema, type Manifest } from './manifest.js';

export interface AuditRequest {
  readonly directory: string;
  readonly toolsPath?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly emit?: Emit | undefined;
}

/** The fullest first: what the others are compared with. */
const FORMS: readonly (readonly [what: string, kind: TreeKind, names: readonly string[]])[] = [
  ['tar', 'tar', ['rootfs.tar', 'rootfs.tar.zst', 'rootfs.tar.gz', 'rootfs.tar.xz']],
  ['nfsroot', 'directory', ['nfsroot']],
  ['squashfs', 'squashfs', ['rootfs.squashfs']],
];

/**
 * Compares the outputs in a directory with each other and with the record of the guest. Nothing is changed, and no cache is needed.
 * @throws Iso2RootfsError FILE_NOT_FOUND when there are not two things to compare
 */
export async function auditDirectory({ directory, toolsPath, signal, emit }: AuditRequest): Promise<AuditReport> {
  if (
    !(await stat(directory).then(
      (status) => status.isDirectory(),
      () => false,
    ))
  ) {
    throw new Iso2RootfsError('FILE_NOT_FOUND', `${directory} is not a directory`, {
      hint: 'Give a directory that iso2rootfs build or fetch wrote.',
    });
  }
  const manifest = await readManifest(directory);
  const { trees, absent } = await findTrees(directory, manifest);
  const recordPath = path.join(directory, GUEST_RECORD_FILE);
  const hasRecord = await exists(recordPath);
  if (trees.length + (hasRecord ? 1 : 0) < 2 || trees.length === 0) {
    const [only] = trees;
    throw new Iso2RootfsError(
      'FILE_NOT_FOUND',
      `${directory} has ${only === undefined ? 'no output' : `nothing but ${only.name}`} that could be compared`,
      {
        hint: 'Give a directory with at least two of rootfs.tar, nfsroot, initramfs.cgz, rootfs.squashfs and guest-record.gz.',
      },
    );
  }
  const scratch = await mkdtemp(path.join(process.env['TMPDIR'] ?? '/var/tmp', 'iso2rootfs-audit-'));
  try {
    const tools = new Toolbox(
      { logDirectory: scratch, toolsPath, ...(signal === undefined ? {} : { signal }) },
      'audit',
    );
    return await auditTrees(
      {
        trees,
        recordPath: hasRecord ? recordPath : undefined,
        absent: [...absent, ...(hasRecord ? [] : [GUEST_RECORD_FILE])],
        changes: changesOf(manifest),
        cgz: cgzFacts(
          manifest,
          trees.some(({ kind, paths }) => kind === 'cgz' && paths.length > 1),
        ),
        latestTime: manifest?.installation.latestTime,
      },
      { tools, scratch, signal },
      (name) => emit?.({ type: 'notice', message: `Reading ${name}...` }),
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function findTrees(
  directory: string,
  manifest: Manifest | undefined,
): Promise<{ trees: TreeSource[]; absent: string[] }> {
  const trees: TreeSource[] = [];
  const absent: string[] = [];
  for (const [what, kind, names] of FORMS) {
    const found = trees.length;
    for (const name of names) {
      const file = path.join(directory, name);
      if (await exists(file)) trees.push({ name, kind, paths: [file] });
    }
    if (trees.length === found) absent.push(what);
  }
  const cgz = path.join(directory, 'initramfs.cgz');
  if (!(await exists(cgz))) absent.push('cgz');
  else if (cgzArtifact(manifest)?.making?.kind === 'squashfs') {
    trees.push({ name: 'initramfs.cgz', kind: 'cgz-squashfs', paths: [cgz] });
  } else {
    const modules = path.join(directory, 'modules.cgz');
    const hasModules = await exists(modules);
    trees.push({
      name: `initramfs.cgz${hasModules ? ' + modules.cgz' : ''}`,
      kind: 'cgz',
      paths: [cgz, ...(hasModules ? [modules] : [])],
    });
  }
  return { trees, absent };
}

type FileArtifact = Extract<Manifest['artifacts'][number], { type: 'file' }>;

function cgzArtifact(manifest: Manifest | undefined): FileArtifact | undefined {
  const artifact = manifest?.artifacts.find(({ name }) => name === 'initramfs.cgz');
  return artifact?.type === 'file' ? artifact : undefined;
}

function cgzFacts(manifest: Manifest | undefined, hasModules: boolean): CgzFacts {
  const excludes = CGZ_EXCLUDES.filter(
    (name) => cgzArtifact(manifest)?.making?.excludes?.includes(name) === true && !(name === 'modules' && hasModules),
  );
  return { excludedBy: (name) => excludes.find((exclude) => isExcludedPath(name, [exclude])) };
}

function changesOf(manifest: Manifest | undefined): readonly TreeChange[] {
  return manifest?.changes ?? [];
}

/** Without one, nothing is known that would excuse a difference. */
async function readManifest(directory: string): Promise<Manifest | undefined> {
  const stored = await readJson(path.join(directory, 'manifest.json')).catch(() => undefined);
  return manifestSchema.safeParse(stored).data;
}
