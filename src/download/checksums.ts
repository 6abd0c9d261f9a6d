import { Iso2RootfsError } from '../errors.js';
import { isClearSigned, unwrapClearSigned } from './clear-signed.js';

export type ChecksumDialect = 'gnu' | 'bsd' | 'bare';

export interface ParsedChecksum {
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly dialect: ChecksumDialect;
  /** The name that the file gives, where it gives one; a sidecar may name another file than the one it lies beside. */
  readonly fileName: string | undefined;
  /** From a comment such as `# Fedora-Server-dvd-x86_64-40-1.14.iso: 2612854784 bytes`. */
  readonly sizeBytes: number | undefined;
  /** The text was clear-signed; nothing here has verified the signature. */
  readonly isClearSigned: boolean;
}

/** Why a checksum file is of no use. */
export type ChecksumProblem = 'not-a-checksum' | 'web-page' | 'not-listed' | 'ambiguous' | 'unsupported';

export class ChecksumFileError extends Iso2RootfsError {
  constructor(
    readonly problem: ChecksumProblem,
    message: string,
  ) {
    super(problem === 'web-page' ? 'NETWORK' : 'CHECKSUM_MISMATCH', message, {
      hint: 'Look at the file, or give the checksum yourself with --sha256.',
      data: { problem },
    });
  }
}

interface Entry {
  readonly algorithm: string;
  readonly digest: string;
  readonly dialect: ChecksumDialect;
  readonly fileName: string | undefined;
}

const ALGORITHMS_BY_DIGITS: Readonly<Record<number, string>> = {
  32: 'MD5',
  40: 'SHA1',
  56: 'SHA224',
  64: 'SHA256',
  96: 'SHA384',
  128: 'SHA512',
};

/**
 * Reads the SHA-256 of an ISO from a checksum file: GNU (`<hash> *<file>`), BSD (`SHA256 (<file>) = <hash>`) or the
 * bare hash, possibly clear-signed, with a BOM, CRLF, comments and lines for other files and algorithms.
 * @param options.isSidecar The file lies beside one ISO (`<iso>.sha256`): its only line counts whatever it names.
 * @throws ChecksumFileError
 */
export function parseChecksums(
  text: string,
  options: { readonly isoFileName: string; readonly isSidecar?: boolean },
): ParsedChecksum {
  const { isoFileName } = options;
  const wrapped = text.replace(/^\uFEFF/, '');
  if (/^\s*<(?:!doctype|html|head|body|\?xml)/i.test(wrapped)) {
    throw new ChecksumFileError('web-page', 'the server sent a web page instead of a checksum file');
  }
  const isSigned = isClearSigned(wrapped);
  const plain = isSigned ? unwrapClearSigned(wrapped) : wrapped;
  if (plain === undefined) throw new ChecksumFileError('not-a-checksum', 'the signed checksum file is cut off');

  const lines = plain.split(/\r\n|\n|\r/).map((line) => line.trim());
  const entries = lines.map(parseLine).filter((entry) => entry !== undefined);
  if (entries.length === 0) {
    throw new ChecksumFileError('not-a-checksum', 'there is no checksum in the checksum file');
  }
  const chosen = choose(entries, isoFileName, options.isSidecar ?? false);
  return {
    sha256: chosen.digest,
    dialect: chosen.dialect,
    fileName: chosen.fileName,
    sizeBytes: sizeOf(chosen.fileName ?? isoFileName, lines),
    isClearSigned: isSigned,
  };
}

function parseLine(line: string): Entry | undefined {
  const bsd = /^(\\?)([A-Z0-9]+(?:[-/][0-9]+)?) ?\((.+)\) ?= ?([0-9a-f]{32,128})$/i.exec(line);
  if (bsd !== null) {
    const [, escape, algorithm = '', name = '', digest = ''] = bsd;
    return {
      algorithm: algorithm.toUpperCase().replace('-', ''),
      digest: digest.toLowerCase(),
      dialect: 'bsd',
      fileName: unescapeName(name, escape),
    };
  }
  const gnu = /^(\\?)([0-9a-f]{32,128})(?:[ \t]+\*?(.+))?$/i.exec(line);
  if (gnu === null) return undefined;
  const [, escape, digest = '', name] = gnu;
  const algorithm = ALGORITHMS_BY_DIGITS[digest.length];
  if (algorithm === undefined) return undefined;
  return {
    algorithm,
    digest: digest.toLowerCase(),
    dialect: name === undefined ? 'bare' : 'gnu',
    fileName: name === undefined ? undefined : unescapeName(name, escape),
  };
}

/** sha256sum(1) puts a backslash before a line whose file name it had to escape. */
function unescapeName(name: string, escape: string | undefined): string {
  if (escape !== '\\') return name;
  const characters: Readonly<Record<string, string>> = { n: '\n', r: '\r', '\\': '\\' };
  return name.replace(/\\([nr\\])/g, (whole, letter: string) => characters[letter] ?? whole);
}

function choose(entries: readonly Entry[], isoFileName: string, isSidecar: boolean): Entry {
  const named = entries.filter(({ fileName }) => fileName !== undefined && baseName(fileName) === isoFileName);
  const unnamed = entries.filter(({ fileName }) => fileName === undefined);
  const candidates =
    named.length > 0
      ? named
      : unnamed.length > 0 && unnamed.length === entries.length
        ? unnamed
        : isSidecar
          ? entries
          : [];
  if (candidates.length === 0) {
    throw new ChecksumFileError('not-listed', `the checksum file does not list ${isoFileName}`);
  }
  const usable = candidates.filter(({ algorithm }) => algorithm === 'SHA256');
  const [first] = usable;
  if (first === undefined) {
    const found = [...new Set(candidates.map(({ algorithm }) => algorithm))].join(', ');
    throw new ChecksumFileError('unsupported', `only ${found} is published for ${isoFileName}; SHA-256 is needed`);
  }
  if (usable.some(({ digest }) => digest !== first.digest)) {
    throw new ChecksumFileError('ambiguous', `the checksum file has several SHA-256 sums for ${isoFileName}`);
  }
  return first;
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function sizeOf(name: string, lines: readonly string[]): number | undefined {
  const prefix = `# ${baseName(name)}: `;
  const line = lines.find((candidate) => candidate.startsWith(prefix));
  const bytes = /^(\d+) bytes$/.exec(line?.slice(prefix.length) ?? '')?.[1];
  return bytes === undefined ? undefined : Number(bytes);
}
