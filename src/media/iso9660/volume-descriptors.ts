import { notInstallMedia, truncatedImage } from '../not-install-media.js';
import type { VolumeDescriptor } from '../types.js';
import type { Image } from './image.js';
import { decodeField, decodeUcs2 } from './text.js';

export const SECTOR_BYTES = 2048;
/** ECMA-119, 6.2.1: sixteen sectors for the boot loader of the system, then the descriptors. */
const FIRST_DESCRIPTOR = 16;
/** No real image has more; without a terminator we stop looking here. */
const MAX_DESCRIPTORS = 64;

const TYPE_PRIMARY = 1;
const TYPE_SUPPLEMENTARY = 2;
const TYPE_TERMINATOR = 255;

const NOT_ISO_HINT = 'Give the installer ISO as it was published.';

/** What a file that is no ISO may be instead: [offset, magic bytes, name, hint]. */
const OTHER_FORMATS: readonly (readonly [number, string, string, string])[] = [
  [0, '\x1f\x8b', 'gzip data', 'Unpack it with gunzip first.'],
  [0, '\xfd7zXZ\0', 'xz data', 'Unpack it with unxz first.'],
  [0, '\x28\xb5\x2f\xfd', 'zstd data', 'Unpack it with unzstd first.'],
  [0, 'BZh', 'bzip2 data', 'Unpack it with bunzip2 first.'],
  [0, 'PK\x03\x04', 'a zip archive', 'Unpack it first.'],
  [0, 'QFI\xfb', 'a qcow2 disk image', 'Only installer ISOs can be converted, not installed disks.'],
  [0, '<!DOCTYPE', 'an HTML page', 'The server sent a page instead of the file: check the URL.'],
  [0, '<html', 'an HTML page', 'The server sent a page instead of the file: check the URL.'],
  [257, 'ustar', 'a tar archive', NOT_ISO_HINT],
  [510, '\x55\xaa', 'a disk image with a partition table', NOT_ISO_HINT],
];

/** Where a directory's records are. */
export interface DirectoryExtent {
  readonly block: number;
  readonly sizeBytes: number;
}

export interface VolumeDescriptors {
  readonly volume: VolumeDescriptor;
  readonly blockBytes: number;
  readonly root: DirectoryExtent;
  readonly jolietRoot: DirectoryExtent | undefined;
}

/**
 * Reads the descriptors from sector 16 on.
 * @throws Iso2RootfsError NOT_INSTALL_MEDIA for anything but a complete ISO 9660 image.
 */
export async function readVolumeDescriptors(image: Image): Promise<VolumeDescriptors> {
  let primary: Buffer | undefined;
  let joliet: Buffer | undefined;
  let hasUdf = false;
  for (let index = FIRST_DESCRIPTOR; index < FIRST_DESCRIPTOR + MAX_DESCRIPTORS; index += 1) {
    if ((index + 1) * SECTOR_BYTES > image.sizeBytes) break;
    const sector = await image.read(index * SECTOR_BYTES, SECTOR_BYTES, 'a volume descriptor');
    const identifier = sector.toString('latin1', 1, 6);
    if (/^NSR0[23]$/.test(identifier)) hasUdf = true;
    // A UDF bridge has its own descriptors behind (or, UDF only, instead of) those of ISO 9660.
    if (/^(BEA01|NSR0[23]|TEA01|BOOT2)$/.test(identifier)) continue;
    if (identifier !== 'CD001') break;
    const type = sector.readUInt8(0);
    if (type === TYPE_PRIMARY) primary ??= sector;
    if (type === TYPE_SUPPLEMENTARY && isJoliet(sector)) joliet ??= sector;
    if (type === TYPE_TERMINATOR && primary !== undefined) break;
  }
  if (primary === undefined) throw await explainForeignFile(image, hasUdf);
  return interpret(image, primary, joliet);
}

function interpret(image: Image, primary: Buffer, joliet: Buffer | undefined): VolumeDescriptors {
  const blockBytes = bothEndian16(primary, 128);
  if (![512, 1024, 2048].includes(blockBytes)) {
    throw notInstallMedia(
      `${image.path} is not an ISO 9660 image that can be read: its block size is ${blockBytes} bytes`,
      NOT_ISO_HINT,
    );
  }
  const sizeBytes = bothEndian32(primary, 80) * blockBytes;
  if (sizeBytes > image.sizeBytes) throw truncatedImage(image.path, sizeBytes, image.sizeBytes);
  const jolietId = joliet === undefined ? '' : decodeField(Buffer.from(decodeUcs2(joliet.subarray(40, 72)), 'utf8'));
  const field = (from: number, to: number): string => decodeField(primary.subarray(from, to));
  return {
    volume: {
      volumeId: field(40, 72) || jolietId,
      systemId: field(8, 40),
      publisherId: field(318, 446),
      preparerId: field(446, 574),
      applicationId: field(574, 702),
      sizeBytes,
      createdAt: decodeDate(primary.subarray(813, 830)),
    },
    blockBytes,
    root: rootExtent(primary),
    jolietRoot: joliet === undefined ? undefined : rootExtent(joliet),
  };
}

/** The descriptor holds the directory record of the root at byte 156. */
function rootExtent(descriptor: Buffer): DirectoryExtent {
  return { block: bothEndian32(descriptor, 158) + descriptor.readUInt8(157), sizeBytes: bothEndian32(descriptor, 166) };
}

/** Joliet says so by an escape sequence: UCS-2 level 1, 2 or 3. */
function isJoliet(descriptor: Buffer): boolean {
  return /^%\/[@CE]/.test(descriptor.toString('latin1', 88, 91));
}

/** ECMA-119 writes numbers twice; some programs fill in the little-endian half only, a few the other. */
function bothEndian32(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at) || buffer.readUInt32BE(at + 4);
}

function bothEndian16(buffer: Buffer, at: number): number {
  return buffer.readUInt16LE(at) || buffer.readUInt16BE(at + 2);
}

/** `YYYYMMDDhhmmsscc` and the offset from UTC in quarters of an hour. */
function decodeDate(field: Buffer): string | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(field.toString('latin1', 0, 16));
  if (match === null || match[1] === '0000') return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, hundredths = 0] = match.slice(1).map(Number);
  const local = Date.UTC(year, month - 1, day, hour, minute, second, hundredths * 10);
  return new Date(local - field.readInt8(16) * 15 * 60_000).toISOString();
}

async function explainForeignFile(image: Image, hasUdf: boolean): Promise<Error> {
  if (hasUdf) {
    return notInstallMedia(
      `${image.path} is a UDF-only image; only ISO 9660 images (UDF bridge included) can be read`,
      'No supported distribution publishes UDF-only installers: give the ISO as it was published.',
    );
  }
  const head = (await image.read(0, Math.min(image.sizeBytes, SECTOR_BYTES), 'the first sector')).toString('latin1');
  const format = OTHER_FORMATS.find(([at, magic]) => head.slice(at, at + magic.length) === magic);
  const tooShort = image.sizeBytes < (FIRST_DESCRIPTOR + 1) * SECTOR_BYTES;
  const why =
    format !== undefined
      ? `it is ${format[2]}`
      : tooShort
        ? `it has only ${image.sizeBytes} bytes`
        : 'it has no volume descriptor at sector 16';
  return notInstallMedia(`${image.path} is not an ISO 9660 image: ${why}`, format?.[3] ?? NOT_ISO_HINT);
}
