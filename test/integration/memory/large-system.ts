/** A system as large as they come, in several forms, without content of its own: for what reads all of it. */
import { once } from 'node:events';
import { closeSync, createWriteStream, ftruncateSync, openSync, writeSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { createEntry, createFile, writeWhole, type TreeEntry, type TreeWriter } from '../../../src/tree/entry.js';
import { NewcWriter } from '../../../src/tree/newc-writer.js';
import { TarWriter } from '../../../src/tree/tar-writer.js';

export interface LargeSystem {
  /** Names besides the large file, about. */
  readonly entries: number;
  readonly largeFileBytes: number;
  /** What some of its small files say: two systems that are to be different. */
  readonly words?: string;
}

const DIRECTORY_ENTRIES = 400;
const LABEL = 'system_u:object_r:usr_t:s0';
const ZEROS = Buffer.alloc(1024 * 1024);
const MTIME = { mtimeSeconds: 1_700_000_000, mtimeNanoseconds: 123_456_789 };

/** Directories of files, symlinks and hard links as packages have them, all with labels; then one large file, of zeros. */
function* entriesOf({ entries, words = 'hello' }: LargeSystem): Generator<{ entry: TreeEntry; content: Buffer }> {
  const like = { ...MTIME, selinuxLabel: LABEL };
  const other = (name: string, fields: Partial<TreeEntry> & Pick<TreeEntry, 'type'>) => ({
    entry: createEntry({ ...like, ...fields, path: Buffer.from(name) }),
    content: Buffer.alloc(0),
  });
  for (const name of ['', 'usr', 'usr/share']) yield other(name, { type: 'directory' });
  for (let directory = 0; directory < entries / DIRECTORY_ENTRIES; directory++) {
    const parent = `usr/share/package-with-a-name-${directory}`;
    yield other(parent, { type: 'directory' });
    for (let file = 1; file < DIRECTORY_ENTRIES; file++) {
      const name = `${parent}/some-file-of-a-package-${directory}-${file}.conf`;
      if (file % 20 === 1)
        yield other(name, { type: 'symlink', linkTarget: Buffer.from(`../${file}/where-it-leads-to`) });
      else if (file % 50 === 3)
        yield other(name, {
          type: 'hardlink',
          linkTarget: Buffer.from(name.replace(/\d+\.conf$/, `${file - 1}.conf`)),
        });
      else
        yield createFile(
          Buffer.from(name),
          Buffer.from(`${file % 100 === 7 ? words : 'hello'} ${directory} ${file}\n`),
          like,
        );
    }
  }
}

/** A file whose blocks of zeros are holes. */
class SparseFile {
  readonly #descriptor: number;
  #position = 0;

  constructor(file: string) {
    this.#descriptor = openSync(file, 'wx');
  }

  readonly write = (chunk: Buffer): void => {
    if (!(chunk.length === ZEROS.length && chunk.equals(ZEROS)))
      writeSync(this.#descriptor, chunk, 0, chunk.length, this.#position);
    this.#position += chunk.length;
  };

  close(): void {
    ftruncateSync(this.#descriptor, this.#position);
    closeSync(this.#descriptor);
  }
}

function writeAll(writer: TreeWriter & { finish(): unknown }, system: LargeSystem): void {
  for (const file of entriesOf(system)) writeWhole(writer, file);
  writer.writeEntry(
    createEntry({
      ...MTIME,
      path: Buffer.from('large'),
      type: 'file',
      sizeBytes: system.largeFileBytes,
      selinuxLabel: LABEL,
    }),
  );
  for (let done = 0; done < system.largeFileBytes; done += ZEROS.length) writer.writeContent(ZEROS);
  writer.endContent();
  writer.finish();
}

export function writeTar(file: string, system: LargeSystem): void {
  const sink = new SparseFile(file);
  writeAll(new TarWriter(sink.write), system);
  sink.close();
}

/** Not compressed: whoever reads it finds that out. */
export function writeCgz(file: string, system: LargeSystem): void {
  const census = new Map<string, number>();
  for (const { entry } of entriesOf(system)) {
    if (entry.type === 'hardlink') for (const name of [entry.path, entry.linkTarget]) census.set(name.toString(), 2);
  }
  const sink = new SparseFile(file);
  writeAll(new NewcWriter(sink.write, census), system);
  sink.close();
}

const LETTERS = { directory: 'd', file: 'f', hardlink: 'f', symlink: 'l' } as const;

/** What the system would say of itself; see src/compare/guest-record.ts. */
export async function writeRecord(file: string, system: LargeSystem): Promise<void> {
  const zip = createGzip({ level: 1 });
  const done = pipeline(zip, createWriteStream(file));
  let text = '';
  const say = async (more: string): Promise<void> => {
    text += more;
    if (text.length < ZEROS.length) return;
    if (!zip.write(text, 'latin1')) await once(zip, 'drain');
    text = '';
  };
  const large = createEntry({ ...MTIME, path: Buffer.from('large'), type: 'file', sizeBytes: system.largeFileBytes });
  const all = function* (): Generator<TreeEntry> {
    for (const { entry } of entriesOf(system)) yield entry;
    yield large;
  };
  await say('iso2rootfs guest record 1\0X\0');
  const label = Buffer.from(`${LABEL}\0`).toString('hex');
  for (const { path } of all())
    await say(`# file: ${path.length === 0 ? '.' : path.toString()}\nsecurity.selinux=0x${label}\n\n`);
  await say('\0');
  const linked = new Map<string, number>();
  for (const { type, linkTarget } of all()) if (type === 'hardlink') linked.set(linkTarget.toString(), linked.size);
  let inode = linked.size;
  let sizeBytes = 0;
  for (const entry of all()) {
    const path = entry.path.toString();
    const number = linked.get(entry.type === 'hardlink' ? entry.linkTarget.toString() : path);
    // The link stands behind its target.
    if (entry.type !== 'hardlink') sizeBytes = entry.sizeBytes;
    const letter = LETTERS[entry.type as keyof typeof LETTERS];
    await say(
      `E ${letter} ${entry.mode.toString(8)} 0 0 ${sizeBytes} ${entry.mtimeSeconds}.${entry.mtimeNanoseconds}0 ${number === undefined ? 1 : 2} 2049:${number ?? ++inode} ${path}\0${entry.type === 'symlink' ? entry.linkTarget.toString() : ''}\0`,
    );
  }
  await say('Z\0');
  zip.end(text, 'latin1');
  await done;
}
