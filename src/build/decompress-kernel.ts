import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, open, rename, rm, stat } from 'node:fs/promises';
import { Transform, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Iso2RootfsError, toIso2RootfsError } from '../errors.js';
import type { Toolbox } from '../tools/toolbox.js';

/** A kernel inside of a file: its compressed bytes. */
interface Payload {
  readonly compression: string;
  readonly startBytes: number;
  readonly endBytes: number;
}

/**
 * What compresses the payload of an EFI zboot image, by the name in its header (the kernel's drivers/firmware/efi/libstub/Makefile.zboot),
 * and what reads it.
 */
const DECOMPRESSORS: Readonly<Record<string, readonly [program: string, ...args: string[]]>> = {
  zstd: ['zstd', '--decompress', '--stdout', '--memory=2048MB'],
  zstd22: ['zstd', '--decompress', '--stdout', '--memory=2048MB'],
  xzkern: ['xz', '--decompress', '--stdout'],
  xz: ['xz', '--decompress', '--stdout'],
  lzma: ['xz', '--format=lzma', '--decompress', '--stdout'],
  lz4: ['lz4', '-d', '-c'],
  lzo: ['lzop', '--decompress', '--stdout'],
};
const HEADER_BYTES = 0x40;
/** No kernel is larger: more is not one. */
const MAX_KERNEL_BYTES = 1024 ** 3;

/**
 * Makes a kernel that is compressed as a whole one that iPXE, U-Boot and QEMU start: gzip (`Image.gz`, what RPM distributions call vmlinuz on
 * aarch64) or an EFI zboot image. The file is replaced; any other, such as every x86 kernel, is left as it is.
 * @returns the path of the file
 * @throws Iso2RootfsError BUILD_FAILED when it is damaged; TOOL_MISSING
 */
export async function decompressKernel(tools: Toolbox, file: string): Promise<string> {
  const payload = await findPayload(file);
  if (payload === undefined) return file;
  const unpacked = `${file}.unpacked`;
  try {
    await unpack(tools, file, payload, unpacked);
    if ((await stat(unpacked)).size === 0) throw new Error('it is empty');
    await chmod(unpacked, 0o444);
    await rename(unpacked, file);
    return file;
  } catch (error) {
    if (tools.signal?.aborted === true) throw error;
    const failure = toIso2RootfsError(error);
    if (failure.code !== 'INTERNAL' && failure.code !== 'TOOL_FAILED') throw failure;
    throw new Iso2RootfsError(
      'BUILD_FAILED',
      `the kernel (${payload.compression}) cannot be decompressed: ${failure.message}`,
      { hint: 'The kernel on the installed disk seems to be damaged: install anew with --no-cache.', cause: error },
    );
  } finally {
    await rm(unpacked, { force: true });
  }
}

async function findPayload(file: string): Promise<Payload | undefined> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    const { size } = await handle.stat();
    if (bytesRead < HEADER_BYTES) return undefined;
    if (buffer.readUInt16BE(0) === 0x1f8b) return { compression: 'gzip', startBytes: 0, endBytes: size };
    if (buffer.toString('latin1', 0, 2) !== 'MZ' || buffer.toString('latin1', 4, 8) !== 'zimg') return undefined;
    return readZbootHeader(buffer, size);
  } finally {
    await handle.close();
  }
}

/**
 * ```
 * 0x00 "MZ" 0 0    0x04 "zimg"    0x08 offset of the payload (32 bits, little-endian)    0x0c its size
 * 0x10 reserved    0x18 name of the compression, ended by a zero
 * ```
 * Source: drivers/firmware/efi/libstub/zboot-header.S of Linux 6.1 and later.
 */
function readZbootHeader(header: Buffer, fileBytes: number): Payload {
  const startBytes = header.readUInt32LE(0x08);
  const endBytes = startBytes + header.readUInt32LE(0x0c);
  const [compression = ''] = header.toString('latin1', 0x18, 0x38).split('\0');
  if (startBytes < HEADER_BYTES || endBytes <= startBytes || endBytes > fileBytes) {
    throw new Iso2RootfsError('BUILD_FAILED', 'the header of the kernel, an EFI zboot image, points out of the file', {
      hint: 'The kernel on the installed disk seems to be damaged: install anew with --no-cache.',
    });
  }
  return { compression, startBytes, endBytes };
}

async function unpack(
  tools: Toolbox,
  file: string,
  { compression, startBytes, endBytes }: Payload,
  destination: string,
): Promise<void> {
  // Opened as they are made, which may be after a failure: only when they will be used, and closed.
  const openSource = (): Readable => createReadStream(file, { start: startBytes, end: endBytes - 1 });
  const openTarget = (): Writable => createWriteStream(destination, { mode: 0o600 });
  if (compression === 'gzip') {
    await pipeline(openSource(), createGunzip(), bound(), openTarget());
    return;
  }
  const [program, ...args] = DECOMPRESSORS[compression] ?? [];
  if (program === undefined) throw new Error(`compression '${compression}' is not known`);
  const running = await tools.start(program, args, {
    stdin: 'pipe',
    stdout: 'stream',
    reason: 'decompress the kernel for network boot',
  });
  try {
    // A program that fails closes its input early: its own words are told then, not that.
    const feeding = pipeline(openSource(), running.stdin as Writable).catch(() => undefined);
    await pipeline(running.stdout as Readable, bound(), openTarget());
    await feeding;
    await running.done;
  } finally {
    await running.stop();
  }
}

/** A few bytes can be unpacked to any number of them. */
function bound(): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      bytes += chunk.length;
      if (bytes > MAX_KERNEL_BYTES) done(new Error(`it unpacks to more than ${MAX_KERNEL_BYTES} bytes`));
      else done(null, chunk);
    },
  });
}
