import type { DiffReport, FileChange, NamedChange } from './diff.js';

export interface FormatOptions {
  readonly format: 'text' | 'markdown' | 'json';
  /** Also what is volatile, and all files. Default: the first {@link MAX_SHOWN} of what is not. */
  readonly showsAll?: boolean;
}

interface Section {
  readonly title: string;
  /** `+`, `-`, `~` or a space, and what it is about. */
  readonly lines: readonly (readonly [sign: string, text: string])[];
  /** Below the lines. */
  readonly note?: string | undefined;
}

const MAX_SHOWN = 200;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

// eslint-disable-next-line @typescript-eslint/require-await -- the library gives functions that are loaded when they are called
export async function formatDiff(report: DiffReport, options: FormatOptions): Promise<string> {
  if (options.format === 'json') return `${JSON.stringify(report, undefined, 2)}\n`;
  return options.format === 'markdown' ? formatMarkdown(report, options) : formatText(report, options);
}

/** For a terminal: a section for each thing that is different, `+` what only the right one has, `-` what only the left one, `~` the rest. */
function formatText(report: DiffReport, options: FormatOptions): string {
  const sections = sectionsOf(report, options).map(({ title, lines, note }) =>
    [
      `${title}:`,
      ...lines.map(([sign, text]) => `  ${sign} ${text}`),
      ...(note === undefined ? [] : [`  ${note}`]),
    ].join('\n'),
  );
  return `${[`--- ${report.left.name}`, `+++ ${report.right.name}`].join('\n')}\n\n${sections.join('\n\n')}\n`;
}

function formatMarkdown(report: DiffReport, options: FormatOptions): string {
  const head = `# ${code(report.left.name)} → ${code(report.right.name)}`;
  const sections = sectionsOf(report, options).map(({ title, lines, note }) => {
    const items = lines.map(([sign, text]) => `- ${WORDS[sign] ?? ''}${code(text.trim())}`);
    return [`## ${title}`, '', ...items, ...(note === undefined ? [] : ['', note])].join('\n');
  });
  return `${[head, ...sections].join('\n\n')}\n`;
}

const WORDS: Readonly<Record<string, string>> = { '+': 'added ', '-': 'removed ', '~': 'changed ' };

/** Text of a guest as a code span: longer fences than the backticks in it. */
function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${text}${fence}` : `${fence} ${text} ${fence}`;
}

function sectionsOf(report: DiffReport, options: FormatOptions): Section[] {
  const { kernel, services, setuid, capabilities, sizes } = report;
  const sections: Section[] = [packageSection(report)];
  if (kernel.left.join() !== kernel.right.join()) {
    sections.push({ title: 'Kernel', lines: [['~', `${list(kernel.left)} -> ${list(kernel.right)}`]] });
  }
  sections.push({
    title: 'Enabled services',
    lines: [
      ...services.enabled.map((name) => ['+', name] as const),
      ...services.disabled.map((name) => ['-', name] as const),
      ...services.masked.map((name) => ['~', `${name}: masked`] as const),
      ...services.unmasked.map((name) => ['~', `${name}: not masked any more`] as const),
    ],
  });
  sections.push({ title: 'Setuid and setgid', lines: setuid.map(namedLine) });
  sections.push({ title: 'Capabilities', lines: capabilities.map(namedLine) });
  sections.push({
    title: 'Size by directory',
    lines: sizes.map(({ directory, leftBytes, rightBytes }) => [
      ' ',
      `${signed(rightBytes - leftBytes).padStart(12)}  ${directory} (${bytes(leftBytes)} -> ${bytes(rightBytes)})`,
    ]),
  });
  sections.push(fileSection(report, options));
  const shown = sections.filter(({ lines, note }) => lines.length > 0 || note !== undefined);
  return shown.length > 0 ? shown : [{ title: 'Nothing is different', lines: [] }];
}

function packageSection({ packages }: DiffReport): Section {
  if ('problem' in packages) return { title: 'Packages', lines: [], note: packages.problem };
  const { added, removed, changed } = packages;
  return {
    title: 'Packages',
    lines: [
      ...added.map(({ name, version, arch }) => ['+', `${name} ${version} ${arch}`] as const),
      ...removed.map(({ name, version, arch }) => ['-', `${name} ${version} ${arch}`] as const),
      ...changed.map(
        ({ name, arch, from, to, direction }) => ['~', `${name} ${from} -> ${to} ${arch} (${direction})`] as const,
      ),
    ],
  };
}

function fileSection({ files }: DiffReport, { showsAll = false }: FormatOptions): Section {
  const wanted = showsAll ? files.list : files.list.filter(({ isVolatile }) => !isVolatile);
  const shown = showsAll ? wanted : wanted.slice(0, MAX_SHOWN);
  const notes = [
    ...(wanted.length > shown.length || files.isTruncated
      ? [`${files.added} added, ${files.removed} removed, ${files.changed} changed; more with --all or --json`]
      : []),
    ...(files.volatile > 0 && !showsAll
      ? [`${files.volatile} more that differ in any two installations (logs, caches, what is generated): --all`]
      : []),
  ];
  return { title: 'Files', lines: shown.map(fileLine), note: notes.length === 0 ? undefined : notes.join('\n  ') };
}

function fileLine({ path, what, differences }: FileChange): readonly [string, string] {
  if (what !== 'changed') return [what === 'added' ? '+' : '-', path];
  const details = differences.map(({ aspect, left, right }) =>
    aspect === 'content' ? 'content' : `${aspect} ${left} -> ${right}`,
  );
  return ['~', `${path}: ${details.join(', ')}`];
}

function namedLine({ name, left, right }: NamedChange): readonly [string, string] {
  if (left === undefined) return ['+', `${name} (${right ?? ''})`];
  return right === undefined ? ['-', `${name} (${left})`] : ['~', `${name} (${left} -> ${right})`];
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

function signed(count: number): string {
  return `${count < 0 ? '-' : '+'}${bytes(Math.abs(count))}`;
}

function bytes(count: number): string {
  const unit = Math.min(UNITS.length - 1, count === 0 ? 0 : Math.floor(Math.log2(count) / 10));
  return unit === 0 ? `${count} B` : `${(count / 1024 ** unit).toFixed(1)} ${UNITS[unit] ?? ''}`;
}
