import { type FileHandle, open, stat } from 'node:fs/promises';
import { Iso2RootfsError, systemErrorCode } from '../../errors.js';
import { damagedImage, notInstallMedia } from '../not-install-media.js';

const WHAT_TO_GIVE = 'Give the path of an installer ISO.';

/** An ISO file, read at positions only: nothing is mounted and nothing big is held in memory. */
export class Image {
  private constructor(
    readonly path: string,
    readonly sizeBytes: number,
    private readonly file: FileHandle,
  ) {}

  /**
   * @throws Iso2RootfsError ISO_NOT_FOUND, PERMISSION, or NOT_INSTALL_MEDIA for a directory, a device or an empty file.
   */
  static async open(path: string): Promise<Image> {
    try {
      // Looked at before it is opened: opening a fifo would wait for a writer.
      const status = await stat(path);
      if (status.isDirectory()) throw notInstallMedia(`${path} is a directory, not an ISO 9660 image`, WHAT_TO_GIVE);
      if (!status.isFile()) throw notInstallMedia(`${path} is not a regular file, so not an ISO image`, WHAT_TO_GIVE);
      if (status.size === 0) {
        throw notInstallMedia(`${path} is empty, not an ISO 9660 image`, 'Download it again: nothing has arrived.');
      }
      return new Image(path, status.size, await open(path, 'r'));
    } catch (error) {
      throw explainOpenFailure(path, error);
    }
  }

  /**
   * Reads exactly `lengthBytes`. `what` names what is read, for the error.
   * @throws Iso2RootfsError NOT_INSTALL_MEDIA when that reaches beyond the file; INTEGRITY when the disk cannot be read.
   */
  async read(offsetBytes: number, lengthBytes: number, what: string): Promise<Buffer> {
    this.requireInside(offsetBytes, lengthBytes, what);
    const buffer = Buffer.alloc(lengthBytes);
    let done = 0;
    while (done < lengthBytes) {
      const { bytesRead } = await this.#readSome(buffer, done, offsetBytes + done);
      if (bytesRead === 0) throw damagedImage(this.path, `the file became shorter while ${what} was read`);
      done += bytesRead;
    }
    return buffer;
  }

  requireInside(offsetBytes: number, lengthBytes: number, what: string): void {
    if (offsetBytes + lengthBytes > this.sizeBytes) {
      throw damagedImage(
        this.path,
        `${what} should be at bytes ${offsetBytes} to ${offsetBytes + lengthBytes}, outside of the file's ${this.sizeBytes}`,
      );
    }
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  async #readSome(buffer: Buffer, at: number, position: number): Promise<{ bytesRead: number }> {
    try {
      return await this.file.read(buffer, at, buffer.length - at, position);
    } catch (error) {
      throw new Iso2RootfsError('INTEGRITY', `cannot read ${this.path}: ${String(error)}`, {
        hint: 'Check the disk that holds it, or copy it to another one.',
        cause: error,
      });
    }
  }
}

function explainOpenFailure(path: string, error: unknown): unknown {
  switch (systemErrorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
    case 'ELOOP':
      return new Iso2RootfsError('ISO_NOT_FOUND', `${path} does not exist`, {
        hint: 'Check the path; it is relative to the current directory.',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
      return new Iso2RootfsError('PERMISSION', `${path} may not be read by this user`, {
        hint: 'Make the file and its directories readable, or run as a user who may read it.',
        cause: error,
      });
    default:
      return error;
  }
}
