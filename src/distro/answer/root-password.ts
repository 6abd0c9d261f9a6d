import { randomInt } from 'node:crypto';
import { Iso2RootfsError, systemErrorCode } from '../../errors.js';
import { checkPasswordHash } from './values.js';
import type { RootAccess } from './model.js';

export interface RootPasswordDependencies {
  /** crypt(5) with SHA-512. */
  readonly hashPassword: (plain: string) => Promise<string>;
  /** The text of a file. */
  readonly readFile: (path: string) => Promise<string>;
}

export interface RootPassword {
  readonly access: RootAccess;
  /** The password that was made for `random`: the only time that it can be read. */
  readonly generatedPassword?: string;
}

const FORMS = "'random', 'disabled', 'file:PATH' or 'crypted:HASH'";

/** Longest password that `openssl passwd` reads whole. */
const MAX_PASSWORD_BYTES = 255;

/**
 * Reads `--root-password`: `random`, `disabled`, `file:PATH` (its first line is the password) or `crypted:HASH`.
 * No message quotes what was given: it may be a password.
 * @throws Iso2RootfsError USAGE, FILE_NOT_FOUND
 */
export async function parseRootPassword(spec: string, dependencies: RootPasswordDependencies): Promise<RootPassword> {
  if (spec === 'disabled') return { access: { kind: 'locked' } };
  if (spec === 'random') {
    const generatedPassword = generatePassword();
    return { access: { kind: 'hash', hash: await dependencies.hashPassword(generatedPassword) }, generatedPassword };
  }
  if (spec.startsWith('crypted:')) {
    const hash = spec.slice('crypted:'.length);
    checkPasswordHash(hash);
    return { access: { kind: 'hash', hash } };
  }
  if (spec.startsWith('file:')) {
    const password = await readPassword(spec.slice('file:'.length), dependencies);
    return { access: { kind: 'hash', hash: await dependencies.hashPassword(password) } };
  }
  throw new Iso2RootfsError('USAGE', `The root password is given in none of the forms ${FORMS}`, {
    hint: 'A password on the command line could be read by every user of this machine: put it into a file.',
  });
}

async function readPassword(path: string, { readFile }: RootPasswordDependencies): Promise<string> {
  let text: string;
  try {
    text = await readFile(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    throw new Iso2RootfsError('FILE_NOT_FOUND', `The password file ${path} does not exist`, { cause: error });
  }
  const [password = '', ...rest] = text.replace(/\r?\n$/, '').split('\n');
  const problem = findPasswordProblem(password, rest.length > 0);
  if (problem === undefined) return password;
  throw new Iso2RootfsError('USAGE', `The password in ${path} cannot be used: ${problem}`, {
    hint: 'Write the password alone into the file, as one line.',
  });
}

function findPasswordProblem(password: string, hasMoreLines: boolean): string | undefined {
  if (password === '') return 'it is empty';
  if (hasMoreLines) return 'the file has more than one line';
  // eslint-disable-next-line no-control-regex -- nobody could type these
  if (/[\u0000-\u001f\u007f]/.test(password)) return 'it has control characters';
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return `it is longer than ${MAX_PASSWORD_BYTES} bytes`;
  return undefined;
}

/** 20 characters without look-alikes, of all four classes: openEuler's rules ask for three. */
function generatePassword(): string {
  const classes = ['ABCDEFGHJKLMNPQRSTUVWXYZ', 'abcdefghijkmnopqrstuvwxyz', '23456789', '-_=+.,:'];
  const all = classes.join('');
  for (;;) {
    const password = Array.from({ length: 20 }, () => all.charAt(randomInt(all.length))).join('');
    if (classes.every((characters) => characters.split('').some((character) => password.includes(character)))) {
      return password;
    }
  }
}
