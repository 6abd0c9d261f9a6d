import { decodeName } from './text.js';

/** What the system use area of a directory record says (SUSP 1.12 and Rock Ridge 1.12). */
export interface RockRidge {
  readonly name: string | undefined;
  /** POSIX mode, file type included. */
  readonly mode: number | undefined;
  readonly linkTarget: string | undefined;
  /** Block of a directory that lies elsewhere because the tree is too deep for ISO 9660. */
  readonly childBlock: number | undefined;
  /** A directory that belongs elsewhere: to be seen only there. */
  readonly isRelocated: boolean;
  /** Bytes to skip in every other record's area. */
  readonly skipBytes: number;
  readonly isPresent: boolean;
}

export type ReadContinuation = (block: number, offsetBytes: number, lengthBytes: number) => Promise<Buffer>;

/** More continuation areas than this for one name is an endless chain. */
const MAX_CONTINUATIONS = 16;

const CONTINUES = 0x01;
const CURRENT = 0x02;
const PARENT = 0x04;
const ROOT = 0x08;

interface Parts {
  readonly name: Buffer[];
  hasName: boolean;
  mode: number | undefined;
  readonly link: string[];
  readonly linkText: Buffer[];
  hasLink: boolean;
  childBlock: number | undefined;
  isRelocated: boolean;
  skipBytes: number;
  isPresent: boolean;
}

/** Reads one record's entries, following its continuation areas. */
export async function readRockRidge(
  systemUse: Buffer,
  readContinuation: ReadContinuation,
  fail: (what: string) => Error,
): Promise<RockRidge> {
  const parts: Parts = {
    name: [],
    hasName: false,
    mode: undefined,
    link: [],
    linkText: [],
    hasLink: false,
    childBlock: undefined,
    isRelocated: false,
    skipBytes: 0,
    isPresent: false,
  };
  let area: Buffer | undefined = systemUse;
  for (let areas = 0; area !== undefined; areas += 1) {
    if (areas > MAX_CONTINUATIONS) throw fail('an endless chain of Rock Ridge continuation areas');
    const continuation: Continuation | undefined = readArea(area, parts);
    area =
      continuation === undefined
        ? undefined
        : await readContinuation(continuation.block, continuation.offsetBytes, continuation.lengthBytes);
  }
  return {
    name: parts.hasName ? decodeName(Buffer.concat(parts.name)) : undefined,
    mode: parts.mode,
    linkTarget: parts.hasLink ? parts.link.join('/') || '/' : undefined,
    childBlock: parts.childBlock,
    isRelocated: parts.isRelocated,
    skipBytes: parts.skipBytes,
    isPresent: parts.isPresent,
  };
}

interface Continuation {
  readonly block: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

function readArea(area: Buffer, parts: Parts): Continuation | undefined {
  let continuation: Continuation | undefined;
  for (let at = 0; at + 4 <= area.length;) {
    const length = area.readUInt8(at + 2);
    if (length < 4 || at + length > area.length) break;
    const entry = area.subarray(at, at + length);
    const signature = entry.toString('latin1', 0, 2);
    if (signature === 'ST') break;
    if (signature === 'CE' && length >= 28) {
      continuation = {
        block: entry.readUInt32LE(4),
        offsetBytes: entry.readUInt32LE(12),
        lengthBytes: entry.readUInt32LE(20),
      };
    } else {
      readEntry(signature, entry, parts);
    }
    at += length;
  }
  return continuation;
}

function readEntry(signature: string, entry: Buffer, parts: Parts): void {
  const length = entry.length;
  if (signature === 'SP' && length >= 7) {
    parts.skipBytes = entry.readUInt8(6);
  } else if (signature === 'PX' && length >= 12) {
    parts.mode = entry.readUInt32LE(4);
    parts.isPresent = true;
  } else if (signature === 'NM' && length >= 5) {
    parts.isPresent = true;
    // CURRENT and PARENT name the directory itself and its parent: the record's own identifier says that already.
    if ((entry.readUInt8(4) & (CURRENT | PARENT)) === 0) {
      parts.hasName = true;
      parts.name.push(entry.subarray(5));
    }
  } else if (signature === 'SL' && length >= 5) {
    parts.hasLink = true;
    readLinkComponents(entry.subarray(5), parts);
  } else if (signature === 'CL' && length >= 12) {
    parts.childBlock = entry.readUInt32LE(4);
  } else if (signature === 'RE') {
    parts.isRelocated = true;
  } else if (signature === 'ER' || signature === 'RR') {
    parts.isPresent ||= signature === 'RR' || /RRIP_|IEEE_P?1282/.test(entry.toString('latin1'));
  }
}

function readLinkComponents(data: Buffer, parts: Parts): void {
  for (let at = 0; at + 2 <= data.length;) {
    const flags = data.readUInt8(at);
    const length = data.readUInt8(at + 1);
    if ((flags & ROOT) !== 0) parts.link.push('');
    else if ((flags & CURRENT) !== 0) parts.link.push('.');
    else if ((flags & PARENT) !== 0) parts.link.push('..');
    else {
      parts.linkText.push(data.subarray(at + 2, at + 2 + length));
      if ((flags & CONTINUES) === 0) parts.link.push(decodeName(Buffer.concat(parts.linkText.splice(0))));
    }
    at += 2 + length;
  }
}
