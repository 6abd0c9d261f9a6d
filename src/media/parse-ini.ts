/** Sections and their options, both in lower case. Maps, because names come from untrusted files. */
export type IniFile = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Joining more lines than this to one value would only cost time. */
const MAX_VALUE_CHARACTERS = 4096;
const SECTION = /^\[([^\]]*)\]/;

/**
 * Reads the syntax of Python's ConfigParser as media have it: CRLF, a byte order mark, odd spacing and sections that come
 * twice (the later option wins) are all met. Lines without meaning are left out; nothing is an error.
 */
export function parseIni(text: string): IniFile {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let lastOption: string | undefined;
  for (const rawLine of text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)) {
    const line = rawLine.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const name = SECTION.exec(line)?.[1]?.trim().toLowerCase();
    if (name !== undefined) {
      section = sections.get(name) ?? new Map<string, string>();
      sections.set(name, section);
      lastOption = undefined;
      continue;
    }
    const separator = line.search(/[=:]/);
    if (separator > 0) {
      lastOption = line.slice(0, separator).trim().toLowerCase();
      section?.set(lastOption, withoutComment(line.slice(separator + 1)));
    } else if (rawLine !== rawLine.trimStart() && lastOption !== undefined) {
      const value = section?.get(lastOption) ?? '';
      if (value.length < MAX_VALUE_CHARACTERS) section?.set(lastOption, `${value}\n${line}`.trim());
    }
  }
  return sections;
}

/** Python 2's parser, which old media were read with, knows comments behind a value. Quotes around a value are somebody's habit. */
function withoutComment(value: string): string {
  const start = ` ${value}`.search(/\s[#;]/);
  const bare = (start === -1 ? value : value.slice(0, start)).trim();
  return /^(["'])(.*)\1$/.exec(bare)?.[2]?.trim() ?? bare;
}

/** An option's value; undefined when it is missing or empty. */
export function iniValue(file: IniFile, section: string, option: string): string | undefined {
  const value = file.get(section)?.get(option);
  return value === '' ? undefined : value;
}
