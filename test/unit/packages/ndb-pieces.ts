/** Writes rpm databases in the format ndb, as rpm's lib/backend/ndb/rpmpkg.c and lib/header.c do. */

const [INT32, INT64, STRING, I18N_STRING] = [4, 5, 6, 9];

/** A tag of a header: its number and its value. A list is text in several languages. */
export type Tag = readonly [tag: number, value: string | Buffer | number | bigint | readonly string[]];

export const TAG = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  summary: 1004,
  size: 1009,
  vendor: 1011,
  license: 1014,
  arch: 1022,
  source: 1044,
  baseNames: 1117,
  longSize: 5009,
} as const;

/** A header with the region that rpm puts around what the package brought. */
export function header(tags: readonly Tag[]): Buffer {
  const entries: Buffer[] = [];
  const pieces: Buffer[] = [];
  let dataBytes = 0;
  const add = (tag: number, type: number, count: number, align: number, value: Buffer): void => {
    const padding = Buffer.alloc((align - (dataBytes % align)) % align);
    const entry = Buffer.alloc(16);
    [tag, type, dataBytes + padding.length, count].forEach((field, index) => entry.writeUInt32BE(field, 4 * index));
    entries.push(entry);
    pieces.push(padding, value);
    dataBytes += padding.length + value.length;
  };
  for (const [tag, value] of tags) {
    const bytes = Buffer.alloc(typeof value === 'bigint' ? 8 : 4);
    if (typeof value === 'number') {
      bytes.writeUInt32BE(value);
      add(tag, INT32, 1, 4, bytes);
    } else if (typeof value === 'bigint') {
      bytes.writeBigUInt64BE(value);
      add(tag, INT64, 1, 8, bytes);
    } else if (typeof value === 'string' || Buffer.isBuffer(value)) {
      add(tag, STRING, 1, 1, Buffer.concat([Buffer.from(value), Buffer.alloc(1)]));
    } else {
      add(tag, I18N_STRING, value.length, 1, Buffer.from(value.map((text) => `${text}\0`).join('')));
    }
  }
  // The region's trailer lies behind its data: how far its index goes back, below zero.
  const region = Buffer.alloc(16);
  [63, 7, dataBytes, 16].forEach((field, index) => region.writeUInt32BE(field, 4 * index));
  const trailer = Buffer.from(region);
  trailer.writeInt32BE(-16 * (entries.length + 1), 8);
  const introduction = Buffer.alloc(8);
  introduction.writeUInt32BE(entries.length + 1, 0);
  introduction.writeUInt32BE(dataBytes + 16, 4);
  return Buffer.concat([introduction, region, ...entries, ...pieces, trailer]);
}

/** A database with these headers; `order` says in which places of it they lie. */
export function database(
  headers: readonly Buffer[],
  order: readonly number[] = headers.map((_, index) => index),
): Buffer {
  const pages = Math.ceil((headers.length + 2) / 256);
  const slots = Buffer.alloc(pages * 4096);
  slots.write('RpmP', 0, 'latin1');
  [0, 7, pages, headers.length + 1].forEach((field, index) => slots.writeUInt32LE(field, 4 + 4 * index));
  for (let at = 32; at < slots.length; at += 16) slots.write('Slot', at, 'latin1');
  const blobs: Buffer[] = [];
  let block = slots.length / 16;
  for (const index of order) {
    const blob = blobOf(index + 1, headers[index] ?? Buffer.alloc(0));
    [index + 1, block, blob.length / 16].forEach((field, at) =>
      slots.writeUInt32LE(field, 32 + 16 * index + 4 + 4 * at),
    );
    blobs.push(blob);
    block += blob.length / 16;
  }
  return Buffer.concat([slots, ...blobs]);
}

function blobOf(number: number, content: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.write('BlbS', 0, 'latin1');
  [number, 7, content.length].forEach((field, index) => head.writeUInt32LE(field, 4 + 4 * index));
  const body = Buffer.concat([head, content, Buffer.alloc((16 - ((16 + content.length + 12) % 16)) % 16)]);
  const tail = Buffer.alloc(12);
  tail.writeUInt32LE(adler32(body), 0);
  tail.writeUInt32LE(content.length, 4);
  tail.write('BlbE', 8, 'latin1');
  return Buffer.concat([body, tail]);
}

function adler32(data: Buffer): number {
  let [low, high] = [1, 0];
  for (const byte of data) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  return high * 65_536 + low;
}
