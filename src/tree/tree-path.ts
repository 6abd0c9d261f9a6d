/** Paths inside a tree: bytes that a guest chose. */
import { isUtf8 } from 'node:buffer';
import { Iso2RootfsError } from '../errors.js';

const BACKSLASH = 0x5c;
const NEEDS_CLEANING = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** A path as a key of a Map or Set: every byte is one character, so different paths have different keys. */
export function pathKey(path: Buffer): string {
  return path.toString('latin1');
}

/** The key of the directory that holds a path; the root's is `''`. */
export function parentKey(key: string): string {
  const slash = key.lastIndexOf('/');
  return slash < 0 ? '' : key.slice(0, slash);
}

/**
 * The canonical form of a path from an archive: no leading `./`, no trailing `/`, empty for the root.
 * @throws Iso2RootfsError INTEGRITY when it is absolute, has a `..` component or a NUL: no file system yields such a name,
 * so somebody made it in order to write outside of the tree.
 */
export function normaliseTreePath(raw: Buffer): Buffer {
  let text = raw.toString('latin1');
  if (text.startsWith('/')) throw hostilePath(raw, 'is absolute');
  if (text.includes('\0')) throw hostilePath(raw, 'has a NUL in it');
  if (text.startsWith('./')) text = text.slice(2);
  if (text.endsWith('/')) text = text.slice(0, -1);
  if (NEEDS_CLEANING.test(text)) {
    const components = text.split('/').filter((component) => component !== '' && component !== '.');
    if (components.includes('..')) throw hostilePath(raw, "has '..' in it");
    text = components.join('/');
  }
  return Buffer.from(text, 'latin1');
}

function hostilePath(raw: Buffer, reason: string): Iso2RootfsError {
  return new Iso2RootfsError('INTEGRITY', `the archive holds a path that ${reason}: ${printablePath(raw)}`, {
    hint: "The guest's file system is damaged or hostile: do not use it.",
    data: { path: printablePath(raw) },
  });
}

/**
 * A path for people and for JSON, without loss: text stays as it is where it is UTF-8 and printable, a backslash is doubled, any
 * other byte is `\` and three octal digits, which is what printf(1) and GNU tar understand.
 */
export function printablePath(path: Buffer): string {
  return isUtf8(path)
    ? path.toString('utf8').replace(UNPRINTABLE, (character) => escapeBytes(Buffer.from(character, 'utf8')))
    : path.toString('latin1').replace(NOT_PLAIN_ASCII, (character) => escapeBytes(Buffer.from(character, 'latin1')));
}

/** Controls, line and paragraph separators, and what turns the direction of writing: a name must not fool its reader. */
const UNPRINTABLE = /[\\\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const NOT_PLAIN_ASCII = /[^ -[\]-~]/g;

function escapeBytes(bytes: Buffer): string {
  if (bytes[0] === BACKSLASH) return '\\\\';
  return Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
