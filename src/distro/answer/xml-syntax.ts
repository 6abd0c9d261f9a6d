/** A tag of an XML document. AutoYaST profiles are plain enough that their tags, in order, tell all. */
export interface XmlTag {
  readonly name: string;
  readonly kind: 'open' | 'close' | 'empty';
  /** Offsets of `<` and of what follows `>`. */
  readonly start: number;
  readonly end: number;
  readonly line: number;
  /** Names of the elements around it, joined by `/`, with its own. */
  readonly path: string;
  readonly attributes: string;
}

export interface XmlProblem {
  readonly line: number;
  readonly problem: string;
}

export interface XmlDocument {
  readonly tags: readonly XmlTag[];
  readonly problem: XmlProblem | undefined;
}

const TOKEN =
  /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<!DOCTYPE[^>[]*(?:\[[\s\S]*?\])?[^>]*>|<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|</g;

/** Finds the tags of a document and whether they are balanced. Entities are not looked at. */
export function scanXml(text: string): XmlDocument {
  const tags: XmlTag[] = [];
  const open: XmlTag[] = [];
  const lineOf = lineCounter(text);
  for (const match of text.matchAll(TOKEN)) {
    const [source, slash, name, attributes = '', selfClosing] = match;
    const line = lineOf(match.index);
    if (source === '<') return { tags, problem: { line, problem: "a '<' begins no tag (write '&lt;' in text)" } };
    if (name === undefined) continue;
    const position = { name, start: match.index, end: match.index + source.length, line, attributes };
    if (slash === '/') {
      const opened = open.pop();
      if (opened?.name !== name) return { tags, problem: { line, problem: `</${name}> closes nothing` } };
      tags.push({ ...position, kind: 'close', path: opened.path });
      continue;
    }
    const parent = open.at(-1)?.path;
    const path = parent === undefined ? name : `${parent}/${name}`;
    const tag: XmlTag = { ...position, kind: selfClosing === '/' ? 'empty' : 'open', path };
    tags.push(tag);
    if (tag.kind === 'open') open.push(tag);
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined)
    return { tags, problem: { line: unclosed.line, problem: `<${unclosed.name}> is not closed` } };
  return { tags, problem: tags.length === 0 ? { line: 1, problem: 'there is no element' } : undefined };
}

/** The text of an element that holds no other. */
export function textOf(text: string, { tags }: XmlDocument, tag: XmlTag): string {
  if (tag.kind !== 'open') return '';
  const close = tags.find((other) => other.start >= tag.end && other.kind === 'close' && other.path === tag.path);
  return close === undefined ? '' : text.slice(tag.end, close.start).trim();
}

function lineCounter(text: string): (offset: number) => number {
  let line = 1;
  let position = 0;
  return (offset) => {
    for (; position < offset; position++) if (text.charAt(position) === '\n') line++;
    return line;
  };
}
