import { isMap, isScalar, isSeq, parseDocument, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { Iso2RootfsError } from '../../errors.js';
import { quoteYaml } from './quote.js';
import { joinCommands, tokenCommands } from './token.js';

/** Adds a last item to `late-commands`, by text: the rest of the file keeps every byte. */
export function appendToAutoinstall(text: string): string {
  const document = parseDocument(text);
  const problem = document.errors[0];
  if (problem !== undefined) refuse(`it is not YAML (${problem.message.split('\n', 1)[0] ?? ''})`);
  if (!isMap(document.contents)) refuse('it is not a mapping');
  const wrapped = document.contents.get('autoinstall', true);
  const autoinstall = isMap(wrapped) ? wrapped : document.contents;
  const command = quoteYaml(joinCommands(tokenCommands('/target')));
  const lateCommands = autoinstall.items.find(({ key }) => isScalar(key) && key.value === 'late-commands');
  if (lateCommands === undefined) return insertKey(text, autoinstall, command);
  const { value } = lateCommands;
  if (isSeq(value)) return insertItem(text, value, command);
  return fillEmptyKey(text, lateCommands, command);
}

function insertKey(text: string, map: YAMLMap, command: string): string {
  const first = map.items[0];
  const at = map.flow === true ? undefined : first && startOf(first.key);
  if (at === undefined) {
    const [start] = rangeOf(map);
    if (text.charAt(start) !== '{') refuse("it has no 'autoinstall' to add to");
    const comma = map.items.length > 0 ? ', ' : '';
    return `${text.slice(0, start + 1)}"late-commands": [${command}]${comma}${text.slice(start + 1)}`;
  }
  const indent = columnOf(text, at);
  return `${text.slice(0, at)}late-commands:\n${indent}  - ${command}\n${indent}${text.slice(at)}`;
}

function insertItem(text: string, list: YAMLSeq, command: string): string {
  const [start, end] = rangeOf(list);
  if (text.charAt(start) === '[') {
    const comma = list.items.length > 0 ? ', ' : '';
    const close = text.lastIndexOf(']', end - 1);
    return `${text.slice(0, close).replace(/,\s*$/, '')}${comma}${command}${text.slice(close)}`;
  }
  const indent = columnOf(text, start);
  // A block scalar's range ends after its last line break, a plain one's before it.
  const before = text.slice(0, end);
  const newline = before.endsWith('\n') ? '' : '\n';
  const rest = text.slice(end);
  const item = `${newline}${indent}- ${command}`;
  if (newline === '') return `${before}${item}\n${rest}`;
  const lineEnd = rest.indexOf('\n');
  // What follows on the last item's line can only be a comment.
  return lineEnd === -1
    ? `${before}${rest}${item}\n`
    : `${before}${rest.slice(0, lineEnd)}${item}${rest.slice(lineEnd)}`;
}

function fillEmptyKey(text: string, { key, value }: Pair, command: string): string {
  if (!isScalar(value) || value.value !== null || value.source !== '') {
    if (value !== null) refuse("'late-commands' is not a list");
  }
  const colon = text.indexOf(':', startOf(key) ?? 0);
  return `${text.slice(0, colon + 1)} [${command}]${text.slice(colon + 1)}`;
}

function rangeOf(node: YAMLMap | YAMLSeq): [number, number] {
  const range = node.range;
  if (range === undefined || range === null) refuse('its structure cannot be read');
  return [range[0], range[1]];
}

function startOf(key: unknown): number | undefined {
  return isScalar(key) ? key.range?.[0] : undefined;
}

function columnOf(text: string, offset: number): string {
  return ' '.repeat(offset - (text.lastIndexOf('\n', offset - 1) + 1));
}

function refuse(problem: string): never {
  throw new Iso2RootfsError(
    'ANSWER_FILE_INVALID',
    `The success token cannot be added to the autoinstall file: ${problem}`,
    {
      hint: "Write 'late-commands' as a list of commands below 'autoinstall'.",
    },
  );
}
