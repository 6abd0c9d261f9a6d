/** A reader of newc archives, from the format's description in cpio(5). */

export interface NewcEntry {
  readonly name: string;
  readonly ino: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly mtime: number;
  readonly rdev: string;
  readonly content: string;
}

export function readNewc(archive: Buffer): NewcEntry[] {
  const entries: NewcEntry[] = [];
  for (let at = 0; ;) {
    if (archive.toString('latin1', at, at + 6) !== '070701') throw new Error(`no header at ${at}`);
    const field = (index: number): number =>
      parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const nameEnd = at + 110 + field(11);
    const contentStart = Math.ceil(nameEnd / 4) * 4;
    const contentEnd = contentStart + field(6);
    if (archive[nameEnd - 1] !== 0) throw new Error('a name is not ended');
    const name = archive.toString('latin1', at + 110, nameEnd - 1);
    if (name === 'TRAILER!!!') return entries;
    entries.push({
      name,
      ino: field(0),
      mode: field(1),
      uid: field(2),
      gid: field(3),
      nlink: field(4),
      mtime: field(5),
      rdev: `${field(9)}:${field(10)}`,
      content: archive.toString('latin1', contentStart, contentEnd),
    });
    at = Math.ceil(contentEnd / 4) * 4;
  }
}
