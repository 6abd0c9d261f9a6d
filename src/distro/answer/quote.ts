/** One quoting function per syntax. The values were checked before; quoting must not depend on that. */
import { Iso2RootfsError } from '../../errors.js';

/** A word for POSIX shells. */
export function quoteShell(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/**
 * A word for a kickstart command. pykickstart splits lines as Python's shlex does: in double quotes only `"` and `\`
 * are special. A line break cannot be carried.
 */
export function quoteKickstart(value: string): string {
  refuseLineBreaks(value, 'kickstart');
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** The value of a preseed line, which runs to the end of the line. */
export function quotePreseed(value: string): string {
  refuseLineBreaks(value, 'preseed');
  if (value.endsWith('\\') || value !== value.trim()) {
    throw new Iso2RootfsError(
      'USAGE',
      'A preseed value can neither end with a backslash nor begin or end with a blank',
    );
  }
  return value;
}

/** Text or attribute of an XML document. */
export function quoteXml(value: string): string {
  // eslint-disable-next-line no-control-regex -- XML 1.0 has no way to write these characters
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(value)) {
    throw new Iso2RootfsError('USAGE', 'An AutoYaST profile cannot carry control characters');
  }
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&apos;',
    '\r': '&#13;',
  };
  return value.replace(/[&<>"'\r]/g, (character) => entities[character] ?? character);
}

function refuseLineBreaks(value: string, syntax: string): void {
  // eslint-disable-next-line no-control-regex -- every character at which a parser may end a line
  if (/[\u0000\n\r\u000b\u000c\u0085\u2028\u2029]/.test(value)) {
    throw new Iso2RootfsError('USAGE', `A ${syntax} value cannot contain a line break`);
  }
}

/** A double-quoted scalar: only printable ASCII, so that every YAML parser reads the same. */
export function quoteYaml(value: string): string {
  return JSON.stringify(value).replace(/[^\x20-\x7e]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return `\\U${point.toString(16).padStart(8, '0')}`;
  });
}
