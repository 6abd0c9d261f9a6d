import { expect } from 'chai';
import fc from 'fast-check';
import { parse as parseYaml } from 'yaml';
import {
  createAnswerModel,
  renderAnswerFile,
  type AnswerModel,
  type AnswerTarget,
} from '../../../../src/distro/answer/index.js';
import { parseKickstart, splitWords } from '../../../../src/distro/answer/kickstart-syntax.js';
import { parsePreseed } from '../../../../src/distro/answer/preseed-syntax.js';
import { quoteKickstart, quotePreseed, quoteXml, quoteYaml } from '../../../../src/distro/answer/quote.js';
import { scanXml } from '../../../../src/distro/answer/xml-syntax.js';
import { Iso2RootfsError } from '../../../../src/errors.js';
import { ONE_OF_EACH } from './targets.js';

const FRAGMENTS = [
  '%end',
  '\n',
  '\r',
  '"',
  "'",
  '#',
  ' ',
  '\\',
  '%post',
  'reboot',
  '$(id)',
  '`id`',
  '<x>',
  ']]>',
  '&',
  '-',
  ':',
  '{',
  'd-i a/b string c',
  '\u2028',
  '\u0085',
  'ä',
  '\t',
  'vim',
  'a',
  '1',
  '.',
];
const hostile = fc.oneof(
  fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 6 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 12 }),
);

/** What the value gets into, by name: everything that is free text for the user. */
const PLACES: Readonly<Record<string, (value: string) => Partial<AnswerModel>>> = {
  language: (language) => ({ language }),
  keyboard: (keyboard) => ({ keyboard }),
  timezone: (timezone) => ({ timezone }),
  hash: (hash) => ({ rootAccess: { kind: 'hash', hash } }),
  'SSH key': (comment) => ({ sshKeys: [`ssh-ed25519 AAAA ${comment}`] }),
  package: (name) => ({ packages: [name] }),
  group: (name) => ({ packageGroups: [name] }),
  disk: (diskDevice) => ({ diskDevice }),
  'kernel argument': (argument) => ({ kernelArguments: [argument] }),
  service: (name) => ({ services: { enable: [name], disable: [name] } }),
  'script name': (name) => ({ postScripts: [{ name, text: 'true\n', chroot: true }] }),
  script: (text) => ({ postScripts: [{ name: 'step', text, chroot: true }] }),
  repository: (path) => ({ repository: { kind: 'url', url: `http://mirror.example/${path}` } }),
  hostname: (hostname) => ({ hostname }),
};

/** A harmless value of each place, whose file has the structure that every other value's file must have. */
const HARMLESS: Readonly<Record<string, string>> = {
  language: 'de_DE.UTF-8',
  timezone: 'Europe/Berlin',
  hash: `$6$salt$${'a'.repeat(86)}`,
  repository: 'pub/',
};

/** The names of all directives, sections, keys or elements: what a value must not add to. */
function structureOf(target: AnswerTarget, text: string): unknown {
  switch (target.family) {
    case 'anaconda': {
      const { commands, sections, unbalancedLines, strayEndLines } = parseKickstart(text);
      const packages = sections.find(({ name }) => name === '%packages')?.lines.length;
      const names = commands.map(({ name }) => name);
      return {
        names,
        sections: sections.map(({ name, isClosed }) => [name, isClosed]),
        packages,
        unbalancedLines,
        strayEndLines,
      };
    }
    case 'debian-installer': {
      const { answers, unreadableLines } = parsePreseed(text);
      return { answers: answers.map(({ owner, question, type }) => [owner, question, type]), unreadableLines };
    }
    case 'subiquity':
      return shapeOf(parseYaml(text));
    default:
      return scanXml(text).tags.map(({ kind, path }) => [kind, path]);
  }
}

function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.entries(value).map(([key, entry]) => [key, shapeOf(entry)]);
}

function renderOrRefuse(target: AnswerTarget, options: Partial<AnswerModel>): string | undefined {
  try {
    return renderAnswerFile(target, createAnswerModel(options)).text;
  } catch (error) {
    if (error instanceof Iso2RootfsError && error.code === 'USAGE') return undefined;
    throw error;
  }
}

describe('values in answer files', () => {
  for (const target of ONE_OF_EACH) {
    for (const [place, put] of Object.entries(PLACES)) {
      it(`${target.family}: no ${place} adds or removes a directive`, () => {
        const harmless = renderOrRefuse(target, put(HARMLESS[place] ?? 'vda'));
        expect(harmless, 'the harmless value').to.be.a('string');
        const expected = structureOf(target, harmless ?? '');
        fc.assert(
          fc.property(hostile, (value) => {
            const text = renderOrRefuse(target, put(value));
            if (text !== undefined) expect(structureOf(target, text)).to.deep.equal(expected);
          }),
          { numRuns: 60 },
        );
      });
    }
  }
});

describe('quoting', () => {
  const oneLine = fc.string({ unit: 'binary' }).filter((value) => !/[\0\n\r\v\f\u0085\u2028\u2029]/.test(value));

  it('kickstart: a word comes back as it was', () => {
    fc.assert(
      fc.property(oneLine, (value) => {
        expect(splitWords(`x ${quoteKickstart(value)} y # z`)).to.deep.equal(['x', value, 'y']);
      }),
    );
  });

  it('preseed: a value comes back as it was, or is refused', () => {
    fc.assert(
      fc.property(oneLine, (value) => {
        let line: string;
        try {
          line = `d-i a/b string ${quotePreseed(value)}`;
        } catch {
          return;
        }
        expect(parsePreseed(line).answers.map((answer) => answer.value)).to.deep.equal([value]);
      }),
    );
  });

  it('YAML: a string comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(parseYaml(`- ${quoteYaml(value)}\n`)).to.deep.equal([value]);
      }),
    );
  });

  it('XML: text stays text', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        let text: string;
        try {
          text = `<a>${quoteXml(value)}</a>`;
        } catch {
          return;
        }
        const { tags, problem } = scanXml(text);
        expect(problem).to.equal(undefined);
        expect(tags).to.have.length(2);
      }),
    );
  });

  for (const value of ['a\nb', 'a\rb', 'a\0b', 'a\u2028b']) {
    it(`refuses ${JSON.stringify(value)} where a line cannot hold it`, () => {
      expect(() => quoteKickstart(value)).to.throw(Iso2RootfsError);
      expect(() => quotePreseed(value)).to.throw(Iso2RootfsError);
    });
  }
});
