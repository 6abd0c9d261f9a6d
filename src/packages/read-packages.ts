import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Iso2RootfsError, toIso2RootfsError } from '../errors.js';
import type { Toolbox } from '../tools/toolbox.js';
import { readDpkgStatus } from './read-dpkg.js';
import { isNdb, readNdb } from './read-ndb.js';
import { readRpmDatabase } from './read-rpm.js';
import { createList, type PackageList } from './types.js';

/** One file of a package database, in a tree that may be an archive. */
export interface DatabaseFile {
  /** Bytes as latin1. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly read: () => AsyncIterable<Buffer>;
}

const DPKG_STATUS = 'var/lib/dpkg/status';
/** Where rpm keeps its database: since Fedora 36 and on SUSE below /usr. */
const RPM_DIRECTORIES = ['usr/lib/sysimage/rpm', 'var/lib/rpm', 'usr/share/rpm'];
const NDB_FILE = 'Packages.db';
/** Berkeley DB, ndb, sqlite. */
const RPM_FILES = ['Packages', NDB_FILE, 'rpmdb.sqlite', 'rpmdb.sqlite-wal'];
const OF_RPM = new Set(RPM_DIRECTORIES.flatMap((directory) => RPM_FILES.map((name) => `${directory}/${name}`)));

/** Paths of the files that are needed in order to know what is installed, as far as they are there. */
export const PACKAGE_DATABASES: readonly string[] = [DPKG_STATUS, ...OF_RPM];
const MAX_DATABASE_BYTES = 2 * 1024 ** 3;

/** Whether a file is needed in order to know what is installed. */
export function isPackageDatabase(file: string): boolean {
  return file === DPKG_STATUS || OF_RPM.has(file);
}

/** Which packages are installed, or why that is not known. */
export type PackagesRead =
  | { readonly list: PackageList; readonly problem?: undefined }
  | { readonly list?: undefined; readonly problem: string };

/**
 * Reads which packages are installed. Whatever is wrong with a database is a problem of the list, not an error: a system is no worse for it.
 * @param files those of the tree for which {@link isPackageDatabase} holds
 * @param scratch a directory for a copy of the database
 */
export async function readPackages(
  tools: Toolbox,
  files: readonly DatabaseFile[],
  scratch: string,
): Promise<PackagesRead> {
  try {
    const status = files.find(({ path: name }) => name === DPKG_STATUS);
    const ofDpkg = status === undefined ? [] : await readDpkgStatus(status.read());
    if (ofDpkg.length > 0) return { list: createList('dpkg', ofDpkg) };
    const ofRpm = files.filter(({ path: name }) => OF_RPM.has(name));
    if (ofRpm.length === 0) return { problem: 'the system has no database of dpkg or rpm' };
    return await readRpm(tools, ofRpm, scratch);
  } catch (error) {
    if (tools.signal?.aborted === true) throw error;
    const { code, message, hint } = toIso2RootfsError(error);
    return { problem: code === 'TOOL_MISSING' ? `${message}: ${hint ?? ''}` : message };
  }
}

async function readRpm(tools: Toolbox, files: readonly DatabaseFile[], scratch: string): Promise<PackagesRead> {
  // A system that moved its database has a link in the old place, or an old one beside it: the newer place counts.
  const place = RPM_DIRECTORIES.find((directory) => files.some(({ path: name }) => path.dirname(name) === directory));
  const copy = await mkdtemp(path.join(scratch, 'rpmdb-'));
  try {
    const copied = files.filter(({ path: name }) => path.dirname(name) === place);
    for (const file of copied) {
      if (file.sizeBytes > MAX_DATABASE_BYTES) {
        throw new Iso2RootfsError(
          'INTEGRITY',
          `${file.path} has ${file.sizeBytes} bytes, which no package database has`,
        );
      }
      // The name is one of those of RPM_FILES.
      const target = path.join(copy, path.basename(file.path));
      await pipeline(Readable.from(file.read()), createWriteStream(target, { flags: 'wx', mode: 0o600 }));
    }
    const ndb = path.join(copy, NDB_FILE);
    const hasNdb = copied.some(({ path: name }) => path.basename(name) === NDB_FILE) && (await isNdb(ndb));
    const packages = hasNdb ? await readNdb(ndb, tools.signal) : await readRpmDatabase(tools, copy);
    if (packages.length > 0) return { list: createList('rpm', packages) };
    if (hasNdb) return { problem: 'the rpm database has no package' };
    const formats = copied.map(({ path: name }) => path.basename(name)).join(', ');
    return {
      problem: `this host's rpm finds no package in the database (${formats}): it may not know the format`,
    };
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}
