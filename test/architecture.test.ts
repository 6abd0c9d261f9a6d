import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';

const ROOT = path.resolve(import.meta.dirname, '..');
const SOURCE = path.join(ROOT, 'src');

/** Which layers a layer may import, besides itself and the packages of ALLOWED_PACKAGES. The rule of docs/architecture.md. */
const ALLOWED_LAYERS: Readonly<Record<string, readonly string[]>> = {
  commands: ['cli', 'index', 'errors', 'events', 'config'],
  cli: ['index', 'errors', 'events', 'config', 'suggest'],
  index: [
    'lazily',
    'build',
    'compare',
    'packages',
    'catalog',
    'distro',
    'media',
    'store',
    'tools',
    'config',
    'errors',
    'events',
    'install',
    'download',
  ],
  config: ['errors', 'tools', 'suggest'],
  build: [
    'compare',
    'packages',
    'initramfs',
    'verify',
    'distro',
    'catalog',
    'media',
    'install',
    'tools',
    'tree',
    'store',
    'download',
    'errors',
    'events',
    'config',
  ],
  distro: ['media', 'tree', 'errors', 'tools'],
  catalog: ['media', 'distro', 'errors', 'suggest'],
  install: ['tools', 'errors', 'events', 'distro', 'media'],
  compare: ['packages', 'distro', 'tools', 'tree', 'errors', 'events'],
  packages: ['tools', 'tree', 'errors'],
  verify: ['tools', 'tree', 'errors', 'events'],
  media: ['errors', 'events', 'tools'],
  store: ['tools', 'errors', 'events'],
  download: ['tools', 'errors', 'events'],
  initramfs: ['tree', 'errors'],
  tree: ['errors'],
  tools: ['errors', 'events', 'media'],
  suggest: [],
  lazily: [],
  events: [],
  errors: [],
};

/** Packages that only some places may import. */
const ONLY_IN: Readonly<Record<string, RegExp>> = {
  // Loading it takes longer than most of the programs run that we start.
  execa: /(?!)/,
  'node:child_process': /^tools\/run\.ts$/,
  got: /^download\//,
  '@oclif/core': /^(?:commands|cli)\//,
  'cli-progress': /^cli\//,
};

interface Import {
  readonly from: string;
  readonly to: string;
}

function sourceFiles(): string[] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort();
}

function importsOf(file: string): string[] {
  const text = readFileSync(path.join(SOURCE, file), 'utf8');
  return [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+['"]([^'"]+)['"]|import\(['"]([^'"]+)['"]\)/g),
  ].map((match) => match[1] ?? match[2] ?? '');
}

function allImports(): Import[] {
  return sourceFiles().flatMap((from) => importsOf(from).map((to) => ({ from, to })));
}

function resolved({ from, to }: Import): string | undefined {
  return to.startsWith('.') ? path.join(path.dirname(from), to).replace(/\.js$/, '.ts') : undefined;
}

function layerOf(file: string): string {
  return file.includes('/') ? (file.split('/')[0] ?? '') : path.basename(file, '.ts');
}

describe('architecture', () => {
  it('has a rule for every layer', () => {
    expect(new Set(sourceFiles().map(layerOf))).to.have.all.keys(...Object.keys(ALLOWED_LAYERS));
  });

  it('imports only downwards', () => {
    const violations = allImports().flatMap((edge) => {
      const target = resolved(edge);
      if (target === undefined) return [];
      const [from, to] = [layerOf(edge.from), layerOf(target)];
      return from === to || ALLOWED_LAYERS[from]?.includes(to) === true ? [] : [`${edge.from} -> ${target}`];
    });
    expect(violations).to.deep.equal([]);
  });

  it('keeps each package in its place', () => {
    const violations = allImports()
      .filter(({ from, to }) => ONLY_IN[to] !== undefined && !ONLY_IN[to].test(from))
      .map(({ from, to }) => `${from} -> ${to}`);
    expect(violations).to.deep.equal([]);
  });

  it('has no cycles of imports', () => {
    const graph = new Map<string, string[]>();
    for (const edge of allImports()) {
      const target = resolved(edge);
      if (target !== undefined) graph.set(edge.from, [...(graph.get(edge.from) ?? []), target]);
    }
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        cycles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
        return;
      }
      state.set(file, 'open');
      for (const target of graph.get(file) ?? []) visit(target, [...trail, file]);
      state.set(file, 'done');
    };
    for (const file of graph.keys()) visit(file, []);
    expect(cycles).to.deep.equal([]);
  });

  it('touches stdout and the exit status only in bin/, cli/ and commands/', () => {
    const violations = sourceFiles().filter(
      (file) =>
        !/^(?:cli|commands)\//.test(file) &&
        /process\.(?:stdout|exit\b|exitCode)|(?<![#.\w])console\.\w+\(/.test(
          readFileSync(path.join(SOURCE, file), 'utf8'),
        ),
    );
    expect(violations).to.deep.equal([]);
  });

  it('has no module of a general name', () => {
    expect(
      sourceFiles().filter((file) => /(?:utils?|helpers?|manager|handler)\b/i.test(path.basename(file))),
    ).to.deep.equal([]);
  });
});

describe('package-lock.json', () => {
  const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { engines?: { node?: string }; optional?: boolean }>;
  };

  it('has only packages that run on Node.js 20.19', () => {
    const unfit = Object.entries(lock.packages)
      .filter(([name, { engines }]) => name !== '' && engines?.node !== undefined && !admits(engines.node, [20, 19, 0]))
      .map(([name, { engines }]) => `${name}: ${engines?.node ?? ''}`);
    expect(unfit).to.deep.equal([]);
  });
});

/** Whether an engines range admits a version: `||` of comparators `>=`, `^`, `~`, `<`, `x`, as the packages here use them. */
function admits(range: string, version: readonly [number, number, number]): boolean {
  return range.split('||').some((alternative) =>
    [...alternative.matchAll(/(>=|<=|>|<|\^|~|=)?\s*v?(\d+|\*|x)(?:\.(\d+|x|\*))?(?:\.(\d+|x|\*))?/g)].every(
      ([, operator = '', ...parts]) => {
        const wanted = parts
          .slice(0, 3)
          .map((part: string | undefined) => (part === undefined || /[x*]/.test(part) ? undefined : Number(part)));
        if (wanted[0] === undefined) return true;
        const full = wanted.map((part) => part ?? 0);
        const order = compare(version, full);
        switch (operator) {
          case '>=':
            return order >= 0;
          case '>':
            return order > 0;
          case '<':
            return order < 0;
          case '<=':
            return order <= 0;
          case '^':
            return order >= 0 && version[0] === full[0];
          case '~':
            return order >= 0 && version[0] === full[0] && (wanted[1] === undefined || version[1] === full[1]);
          default:
            return wanted.every((part, index) => part === undefined || version[index] === part);
        }
      },
    ),
  );
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (let index = 0; index < 3; index++) {
    const difference = (one[index] ?? 0) - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
