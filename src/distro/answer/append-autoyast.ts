import { Iso2RootfsError } from '../../errors.js';
import { quoteXml } from './quote.js';
import { scanXml, type XmlDocument, type XmlTag } from './xml-syntax.js';
import { tokenCommands } from './token.js';

/** Adds a last script to `chroot-scripts`, by text: the rest of the profile keeps every byte. */
export function appendToAutoyast(text: string): string {
  const document = scanXml(text);
  if (document.problem !== undefined) refuse(`line ${document.problem.line}: ${document.problem.problem}`);
  const list = `<chroot-scripts xmlns:config="http://www.suse.com/1.0/configns" config:type="list">${tokenScript()}</chroot-scripts>`;
  const inserts: readonly (readonly [path: string, inserted: string])[] = [
    ['profile/scripts/chroot-scripts', tokenScript()],
    ['profile/scripts', list],
    ['profile', `<scripts>${list}</scripts>`],
  ];
  for (const [path, inserted] of inserts) {
    const tag = lastTag(document, path);
    if (tag?.kind === 'close') return `${text.slice(0, tag.start)}${inserted}\n${text.slice(tag.start)}`;
    if (tag?.kind === 'empty') {
      const opened = text.slice(tag.start, tag.end).replace(/\s*\/>$/, '>');
      return `${text.slice(0, tag.start)}${opened}${inserted}</${tag.name}>${text.slice(tag.end)}`;
    }
  }
  refuse('it has no <profile>');
}

/** Runs in the installed system, after the boot loader. */
function tokenScript(): string {
  const source = ['#!/bin/sh', 'set -e', ...tokenCommands(), ''].join('\n');
  return [
    '<script>',
    '<filename>iso2rootfs-token.sh</filename>',
    '<interpreter>shell</interpreter>',
    '<chrooted config:type="boolean" xmlns:config="http://www.suse.com/1.0/configns">true</chrooted>',
    `<source>${quoteXml(source)}</source>`,
    '</script>',
  ].join('\n');
}

function lastTag({ tags }: XmlDocument, path: string): XmlTag | undefined {
  return tags.findLast((tag) => tag.path === path && tag.kind !== 'open');
}

function refuse(problem: string): never {
  throw new Iso2RootfsError(
    'ANSWER_FILE_INVALID',
    `The success token cannot be added to the AutoYaST profile: ${problem}`,
    {
      hint: "Check it with 'xmllint --noout'.",
    },
  );
}
