/**
 * Where the logical volumes of an LVM2 volume group lie on a disk, read from the text that every physical volume holds (lvm2,
 * lib/format_text): for volumes in one piece, which need no device mapper.
 */
import type { FileHandle } from 'node:fs/promises';
import { Iso2RootfsError } from '../../errors.js';

const SECTOR_BYTES = 512;
const LABEL = 'LABELONE';
const LABEL_SECTORS = 4;
const MOST_METADATA_BYTES = 16 * 2 ** 20;

export interface LogicalVolume {
  readonly name: string;
  readonly group: string;
  /** From the start of the physical volume; undefined: it is not one piece of it. */
  readonly place: { readonly offsetBytes: number; readonly sizeBytes: number } | undefined;
}

/** @returns undefined when there is no physical volume, or no text in it */
export async function readLvmMetadata(disk: FileHandle, offsetBytes: number): Promise<string | undefined> {
  const label = Buffer.alloc(LABEL_SECTORS * SECTOR_BYTES);
  await disk.read(label, 0, label.length, offsetBytes);
  const at = [0, 1, 2, 3]
    .map((sector) => sector * SECTOR_BYTES)
    .find((start) => label.toString('latin1', start, start + 8) === LABEL);
  if (at === undefined) return undefined;
  // Behind the identity (32 bytes) and the size: data areas, then metadata areas, each list ended by zeros.
  let entry = at + label.readUInt32LE(at + 20) + 40;
  const nextArea = (): number | undefined => {
    if (entry + 16 > label.length) return undefined;
    const start = Number(label.readBigUInt64LE(entry));
    entry += 16;
    return start === 0 ? undefined : start;
  };
  while (nextArea() !== undefined);
  const area = nextArea();
  if (area === undefined) return undefined;
  const header = Buffer.alloc(SECTOR_BYTES);
  await disk.read(header, 0, header.length, offsetBytes + area);
  if (header.toString('latin1', 4, 20).trim() !== 'LVM2 x[5A%r0N*>') return undefined;
  const areaBytes = Number(header.readBigUInt64LE(32));
  const start = Number(header.readBigUInt64LE(40));
  const sizeBytes = Number(header.readBigUInt64LE(48));
  if (sizeBytes === 0 || sizeBytes > Math.min(areaBytes, MOST_METADATA_BYTES) || start >= areaBytes) return undefined;
  const text = Buffer.alloc(sizeBytes);
  // The area is a ring, whose first sector is its header.
  const untilEnd = Math.min(sizeBytes, areaBytes - start);
  await disk.read(text, 0, untilEnd, offsetBytes + area + start);
  if (untilEnd < sizeBytes) await disk.read(text, untilEnd, sizeBytes - untilEnd, offsetBytes + area + SECTOR_BYTES);
  return text.toString('latin1').replace(/\0+$/, '');
}

type Value = string | number | readonly (string | number)[];
interface Section {
  readonly [name: string]: Value | Section;
}

/** @throws Iso2RootfsError INTEGRITY for a text that is none of LVM's */
export function parseLvmMetadata(text: string): LogicalVolume[] {
  const [group, content] = Object.entries(parseSections(text)).find(([, value]) => isSection(value)) ?? [];
  if (group === undefined || !isSection(content)) throw damaged();
  const extentBytes = number(content['extent_size']) * SECTOR_BYTES;
  const physical = sectionOf(content['physical_volumes']);
  const isAlone = Object.keys(physical).length === 1;
  return Object.entries(sectionOf(content['logical_volumes'])).map(([name, volume]) => {
    const segment = sectionOf(sectionOf(volume)['segment1']);
    const stripes = segment['stripes'];
    const [device, firstExtent] = Array.isArray(stripes) ? (stripes as readonly (string | number)[]) : [];
    const isOnePiece =
      isAlone &&
      sectionOf(volume)['segment_count'] === 1 &&
      segment['type'] === 'striped' &&
      segment['stripe_count'] === 1 &&
      typeof device === 'string' &&
      typeof firstExtent === 'number';
    const dataStart = isOnePiece ? number(sectionOf(physical[device])['pe_start']) * SECTOR_BYTES : 0;
    return {
      name,
      group,
      place: isOnePiece
        ? {
            offsetBytes: dataStart + firstExtent * extentBytes,
            sizeBytes: number(segment['extent_count']) * extentBytes,
          }
        : undefined,
    };
  });
}

function parseSections(text: string): Section {
  // A comment may come after everything else: LVM ends the text with one.
  const tokens = (text.match(/"(?:[^"\\]|\\.)*"|[{}[\]=,]|[^\s{}[\]=,"#]+|#.*/g) ?? []).filter(
    (token) => !token.startsWith('#'),
  );
  let at = 0;
  const next = (): string => {
    const token = tokens[at++];
    if (token === undefined) throw damaged();
    return token;
  };
  const scalar = (token: string): string | number => {
    if (token.startsWith('"')) return token.slice(1, -1).replace(/\\(.)/g, '$1');
    const value = Number(token);
    if (!Number.isFinite(value)) throw damaged();
    return value;
  };
  const section = (isWhole: boolean): Section => {
    const result: Record<string, Value | Section> = Object.create(null) as Record<string, Value | Section>;
    for (;;) {
      if (isWhole && at >= tokens.length) return result;
      const name = next();
      if (name === '}' && !isWhole) return result;
      const sign = next();
      if (sign === '{') result[name] = section(false);
      else if (sign === '=') {
        const first = next();
        if (first !== '[') result[name] = scalar(first);
        else {
          const list: (string | number)[] = [];
          for (let token = next(); token !== ']'; token = next()) if (token !== ',') list.push(scalar(token));
          result[name] = list;
        }
      } else throw damaged();
    }
  };
  return section(true);
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sectionOf(value: unknown): Section {
  return isSection(value) ? value : {};
}

function number(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw damaged();
  return value;
}

function damaged(): Iso2RootfsError {
  return new Iso2RootfsError('INTEGRITY', 'the description of the logical volumes on the disk cannot be read', {
    hint: '--engine guestfs reads it with the tools of LVM itself.',
  });
}
