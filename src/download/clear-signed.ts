const BEGIN_MESSAGE = '-----BEGIN PGP SIGNED MESSAGE-----';
const BEGIN_SIGNATURE = '-----BEGIN PGP SIGNATURE-----';

export function isClearSigned(text: string): boolean {
  return text.includes(BEGIN_MESSAGE);
}

/**
 * The text inside a clear-signed message (RFC 9580, 7): what stands before and after it is not signed and is dropped.
 * Does not verify anything. Undefined when the message is cut off.
 */
export function unwrapClearSigned(text: string): string | undefined {
  const lines = text.split(/\r?\n/);
  const begin = lines.findIndex((line) => line.trimEnd() === BEGIN_MESSAGE);
  const end = lines.findIndex((line, index) => index > begin && line.trimEnd() === BEGIN_SIGNATURE);
  if (begin === -1 || end === -1) return undefined;
  const body = lines.indexOf('', begin) + 1;
  if (body === 0 || body > end) return undefined;
  return lines
    .slice(body, end)
    .map((line) => (line.startsWith('- ') ? line.slice(2) : line))
    .join('\n');
}
