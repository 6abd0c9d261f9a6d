/** How an ISO image writes text: trusted for nothing, so every byte sequence decodes to something. */

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 where it is valid, else Latin-1: ISO 9660 says neither, and mastering programs write both. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

/** A fixed-width field of a volume descriptor: padded with spaces or zeros; control characters become U+FFFD. */
export function decodeField(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return (
    decodeName(end === -1 ? bytes : bytes.subarray(0, end))
      // eslint-disable-next-line no-control-regex -- a label with terminal escapes is exactly what this is for
      .replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd')
      .trim()
  );
}

/** UCS-2 big endian, as Joliet has it. */
export function decodeUcs2(bytes: Uint8Array): string {
  const even = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 2)));
  return even.swap16().toString('utf16le');
}

/** `VMLINUZ.;1` is `vmlinuz`: no version, no empty extension, lower case as every other program shows it. */
export function decodeIsoName(bytes: Uint8Array): string {
  return decodeName(bytes).replace(/;\d*$/, '').replace(/\.$/, '').toLowerCase();
}
