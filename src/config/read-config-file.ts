import { readFile } from 'node:fs/promises';
import { Iso2RootfsError, systemErrorCode } from '../errors.js';

/**
 * The text of a configuration file; empty when there is none.
 * @throws Iso2RootfsError CONFIG_INVALID, PERMISSION.
 */
export async function readConfigText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    switch (systemErrorCode(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        return '';
      case 'EACCES':
        throw new Iso2RootfsError('PERMISSION', `${file}: may not be read`, {
          hint: `Make it readable: chmod a+r ${file} (and its directories a+x).`,
          data: { file },
          cause: error,
        });
      default:
        throw invalidFile(file, undefined, undefined, error instanceof Error ? error.message : String(error));
    }
  }
}

/** CONFIG_INVALID of a configuration file. */
export function invalidFile(
  file: string,
  line: number | undefined,
  where: string | undefined,
  what: string,
  hint?: string,
): Iso2RootfsError {
  const place = line === undefined ? file : `${file}:${line}`;
  return new Iso2RootfsError('CONFIG_INVALID', `${place}: ${where === undefined ? '' : `${where}: `}${what}`, {
    hint: hint ?? 'Correct the file; iso2rootfs config --help lists the settings.',
    data: { file, line: line ?? null, path: where ?? null },
  });
}
