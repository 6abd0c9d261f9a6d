/** Pieces of tar archives made by hand, for what no writer makes. */
import { Readable } from 'node:stream';
import { TarReader, type TarEvent } from '../../../src/tree/tar-reader.js';
import type { TreeEntry } from '../../../src/tree/entry.js';

export interface RawHeader {
  readonly name: string;
  readonly type?: string;
  readonly size?: number;
  readonly mode?: number;
  readonly linkName?: string;
  readonly magic?: string;
  /** Bytes put at an offset, before the checksum is made. */
  readonly raw?: readonly (readonly [number, Buffer])[];
  readonly checksum?: number;
}

export function header({ name, type = '0', size = 0, mode = 0o644, linkName = '', ...more }: RawHeader): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 'latin1');
  block.write(mode.toString(8).padStart(7, '0'), 100);
  block.write('0000000', 108);
  block.write('0000000', 116);
  block.write(size.toString(8).padStart(11, '0'), 124);
  block.write('00000000000', 136);
  block.write('        ', 148);
  block.write(type, 156, 'latin1');
  block.write(linkName, 157, 'latin1');
  block.write(more.magic ?? 'ustar\u000000', 257, 'latin1');
  for (const [offset, bytes] of more.raw ?? []) bytes.copy(block, offset);
  const sum = more.checksum ?? block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

export function padded(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content as string, 'latin1');
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

export function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const digits = [1, 2, 3, 4].find((count) => String(rest.length + count).length === count)!;
  return `${rest.length + digits}${rest}`;
}

/** A pax header for the entry after it. */
export function pax(records: Readonly<Record<string, string>> | string, type = 'x'): Buffer {
  const payload =
    typeof records === 'string'
      ? records
      : Object.entries(records)
          .map(([key, value]) => record(key, value))
          .join('');
  return Buffer.concat([header({ name: 'PaxHeaders/x', type, size: payload.length }), padded(payload)]);
}

export const ARCHIVE_END = Buffer.alloc(1024);
export const ROOT = header({ name: './', type: '5', mode: 0o755 });

export interface ReadEntry {
  readonly entry: TreeEntry;
  /** Undefined for what is no file. */
  readonly content: Buffer | undefined;
}

/** Reads a whole archive, given in chunks of the given size. */
export function readArchive(archive: Buffer, chunkBytes = archive.length): ReadEntry[] {
  const reader = new TarReader();
  const entries: { entry: TreeEntry; content: Buffer | undefined }[] = [];
  let parts: Buffer[] = [];
  const take = (event: TarEvent): void => {
    if (event.kind === 'data') parts.push(event.chunk);
    else if (event.kind === 'end') entries.at(-1)!.content = Buffer.concat(parts);
    else {
      parts = [];
      entries.push({ entry: event.entry, content: undefined });
    }
  };
  for (let at = 0; at < archive.length; at += chunkBytes) {
    reader.push(archive.subarray(at, at + chunkBytes));
    for (let event = reader.next(); event !== undefined; event = reader.next()) take(event);
  }
  reader.finish();
  return entries;
}

export function inChunks(archive: Buffer, chunkBytes: number): Readable {
  const chunks: Buffer[] = [];
  for (let at = 0; at < archive.length; at += chunkBytes) chunks.push(archive.subarray(at, at + chunkBytes));
  return Readable.from(chunks);
}
