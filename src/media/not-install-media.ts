import { Iso2RootfsError } from '../errors.js';

const DOWNLOAD_AGAIN = 'Download it again and compare its checksum with the published one.';

/** Text from a medium is untrusted: in a message it is quoted, without control and bidirectional characters. */
export function quoteUntrusted(text: string): string {
  const shown = text.length > 200 ? `${text.slice(0, 200)}...` : text;
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function notInstallMedia(
  message: string,
  hint: string,
  data?: Readonly<Record<string, unknown>>,
): Iso2RootfsError {
  return new Iso2RootfsError('NOT_INSTALL_MEDIA', message, { hint, ...(data === undefined ? {} : { data }) });
}

/** An image whose structures contradict each other: damaged or hostile, which we cannot tell apart. */
export function damagedImage(isoPath: string, what: string): Iso2RootfsError {
  return notInstallMedia(`${isoPath} is a damaged ISO 9660 image: ${what}`, DOWNLOAD_AGAIN);
}

export function truncatedImage(isoPath: string, expectedBytes: number, presentBytes: number): Iso2RootfsError {
  return notInstallMedia(
    `${isoPath} is truncated: its volume has ${expectedBytes} bytes, the file has ${presentBytes}`,
    `The download did not finish: download it again. ${expectedBytes - presentBytes} bytes are missing.`,
    { expectedBytes, presentBytes },
  );
}
