/** Reads a kickstart as pykickstart does, as far as checking and appending need it. */

export interface KickstartCommand {
  readonly line: number;
  readonly name: string;
  readonly args: readonly string[];
}

export interface KickstartSection {
  readonly line: number;
  /** With its `%`. */
  readonly name: string;
  readonly args: readonly string[];
  /** False: the file ends, or the next section begins, without `%end`. */
  readonly isClosed: boolean;
  readonly lines: readonly string[];
}

export interface Kickstart {
  readonly commands: readonly KickstartCommand[];
  readonly sections: readonly KickstartSection[];
  /** Lines with a quote that is not closed. */
  readonly unbalancedLines: readonly number[];
  /** Lines with an `%end` that ends nothing. */
  readonly strayEndLines: readonly number[];
}

/** `%include` and `%ksappend` stand alone: they open no section. */
const INCLUDES = new Set(['%include', '%ksappend']);

export function parseKickstart(text: string): Kickstart {
  const commands: KickstartCommand[] = [];
  const sections: KickstartSection[] = [];
  const unbalancedLines: number[] = [];
  const strayEndLines: number[] = [];
  let open: { line: number; name: string; args: string[]; lines: string[] } | undefined;
  const close = (isClosed: boolean): void => {
    if (open !== undefined) sections.push({ ...open, isClosed });
    open = undefined;
  };
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = index + 1;
    const [word = ''] = raw.trim().split(/\s+/, 1);
    if (word === '%end') {
      if (open === undefined) strayEndLines.push(line);
      close(true);
    } else if (open !== undefined && !opensSection(open.name, word)) {
      open.lines.push(raw);
    } else if (word !== '' && !word.startsWith('#')) {
      close(false);
      const words = splitWords(raw);
      if (words === undefined) unbalancedLines.push(line);
      const [name = word, ...args] = words ?? [];
      if (word.startsWith('%') && !INCLUDES.has(word)) open = { line, name, args, lines: [] };
      else commands.push({ line, name, args });
    }
  }
  close(false);
  return { commands, sections, unbalancedLines, strayEndLines };
}

/** Scripts are free to have lines that begin with `%`; in the other sections these open the next one. */
function opensSection(current: string, word: string): boolean {
  const isScript = /^%(pre|pre-install|post|onerror|traceback)$/.test(current);
  if (isScript) return SECTIONS.has(word);
  return word.startsWith('%') && !INCLUDES.has(word);
}

export const SECTIONS = new Set([
  '%packages',
  '%pre',
  '%pre-install',
  '%post',
  '%onerror',
  '%traceback',
  '%addon',
  '%anaconda',
  '%certificate',
]);

/** Words of a line as Python's shlex finds them, without comments; undefined where a quote stays open. */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let index = 0; index < line.length; index++) {
    const character = line.charAt(index);
    if (quote !== '') {
      if (character === quote) quote = '';
      else if (quote === '"' && character === '\\' && /["\\]/.test(line.charAt(index + 1)))
        word = (word ?? '') + line.charAt(++index);
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (character === '\\') {
      word = (word ?? '') + line.charAt(++index);
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === '#') {
      break;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== '') return undefined;
  if (word !== undefined) words.push(word);
  return words;
}

/** The value of `--name=value` or `--name value`; an empty string for a bare `--name`; undefined where it is not given. */
export function optionValue(args: readonly string[], name: string): string | undefined {
  for (const [index, argument] of args.entries()) {
    if (argument.startsWith(`${name}=`)) return argument.slice(name.length + 1);
    if (argument === name) {
      const next = args[index + 1];
      return next === undefined || next.startsWith('--') ? '' : next;
    }
  }
  return undefined;
}
