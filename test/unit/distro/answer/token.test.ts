import { expect } from 'chai';
import fc from 'fast-check';
import { parse as parseYaml } from 'yaml';
import {
  appendToken,
  insertToken,
  ISO2ROOTFS_TOKEN_PLACEHOLDER,
  renderAll,
} from '../../../../src/distro/answer/index.js';
import { findAnswer, parsePreseed } from '../../../../src/distro/answer/preseed-syntax.js';
import { scanXml } from '../../../../src/distro/answer/xml-syntax.js';
import { Iso2RootfsError } from '../../../../src/errors.js';

function lateCommand(text: string): string {
  return findAnswer(parsePreseed(text), 'preseed/late_command')?.value ?? '';
}

describe('insertToken', () => {
  it('replaces every placeholder and nothing else', () => {
    expect(insertToken(`a ${ISO2ROOTFS_TOKEN_PLACEHOLDER} b ${ISO2ROOTFS_TOKEN_PLACEHOLDER}`, 'token-12345')).to.equal(
      'a token-12345 b token-12345',
    );
  });

  it('refuses a token that a shell could read otherwise, and a file without a place for it', () => {
    expect(() => insertToken(ISO2ROOTFS_TOKEN_PLACEHOLDER, "a'; reboot; '")).to.throw(Iso2RootfsError);
    expect(() => insertToken('text', 'token-12345')).to.throw(Iso2RootfsError);
  });
});

describe('appendToken', () => {
  it('leaves a file of ours as it is', () => {
    for (const { target, text } of renderAll()) expect(appendToken(target.family, text)).to.equal(text);
  });

  it('does not take a comment for the place of the token', () => {
    expect(appendToken('anaconda', `# ${ISO2ROOTFS_TOKEN_PLACEHOLDER}\n`)).to.contain('%post');
  });

  it('kickstart: everything before it keeps every byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.includes(ISO2ROOTFS_TOKEN_PLACEHOLDER));
        const appended = appendToken('anaconda', text);
        expect(appended.startsWith(text)).to.equal(true);
        expect(appended.slice(text.length)).to.match(/^\n?\n# Added.*\n%post --erroronfail\n/);
      }),
    );
  });

  it('preseed: adds a late command where there is none', () => {
    const text = '# mine\nd-i passwd/make-user boolean false';
    expect(appendToken('debian-installer', text).startsWith(`${text}\n`)).to.equal(true);
    expect(lateCommand(appendToken('debian-installer', text))).to.match(/^set -e; .*; sync$/);
  });

  for (const [what, command] of Object.entries({
    'of one line': 'd-i preseed/late_command string in-target a; in-target b',
    'of several lines': 'd-i preseed/late_command string in-target a; \\\n  in-target b \\\n  && in-target c',
    'of a leading continuation': 'd-i preseed/late_command string \\\n  in-target a',
  })) {
    it(`preseed: gives an existing late command ${what} a tail, and touches no other line`, () => {
      const text = `# before\n${command}\nd-i a/b string c\n`;
      const appended = appendToken('debian-installer', text);
      expect(appended.startsWith('# before\n')).to.equal(true);
      expect(appended.endsWith('\nd-i a/b string c\n')).to.equal(true);
      expect(parsePreseed(appended).answers).to.have.length(2);
      expect(lateCommand(appended)).to.match(
        /^\( +in-target a.* \); status=\$\?; \[ \$status = 0 \] \|\| exit \$status; set -e; /,
      );
    });
  }

  it('preseed: a comment in the late command does not swallow the token', () => {
    const appended = appendToken('debian-installer', "d-i preseed/late_command string echo 'a' # b\n");
    expect(lateCommand(appended)).to.match(/^sh -c 'echo '\\''a'\\'' # b'; status=/);
  });

  it('preseed: extends the last of several late commands, which is the one that counts', () => {
    const text = 'd-i preseed/late_command string one\nd-i preseed/late_command string two\n';
    expect(appendToken('debian-installer', text).split('\n')[0]).to.equal('d-i preseed/late_command string one');
    expect(lateCommand(appendToken('debian-installer', text))).to.match(/^\( two \); /);
  });

  interface UserData {
    readonly autoinstall: Readonly<Record<string, unknown>>;
  }
  const yamls: Readonly<Record<string, string>> = {
    'no list': '#cloud-config\nautoinstall:\n  # first\n  version: 1\n  shutdown: poweroff\n',
    'a list':
      '#cloud-config\nautoinstall:\n  version: 1\n  late-commands:\n    - a # why\n    - [b, c]\n  shutdown: poweroff\n',
    'a list that is not indented': '#cloud-config\nautoinstall:\n  late-commands:\n  - a\n  - b\n  version: 1\n',
    'a list at the end without a newline': '#cloud-config\nautoinstall:\n  version: 1\n  late-commands:\n    - a',
    'a list whose last item is a block':
      '#cloud-config\nautoinstall:\n  late-commands:\n    - |\n      a\n      b\n  version: 1\n',
    'a folded last item and a comment':
      '#cloud-config\nautoinstall:\n  late-commands:\n    - >-\n      a\n      b\n    # end\n  version: 1\n',
    'a list of mappings and lists':
      '#cloud-config\nautoinstall:\n  late-commands:\n    - a\n    -\n      - b\n      - c\n  version: 1\n',
    'a flow list': '#cloud-config\nautoinstall:\n  late-commands: [a, "b", ]\n  version: 1\n',
    'an empty flow list': '#cloud-config\nautoinstall:\n  late-commands: []\n  version: 1\n',
    'an empty value': '#cloud-config\nautoinstall:\n  late-commands:\n  version: 1\n',
    'a flow mapping': '#cloud-config\nautoinstall: {version: 1, shutdown: poweroff}\n',
    JSON: '{"autoinstall": {"version": 1, "late-commands": ["a"]}}',
    CRLF: '#cloud-config\r\nautoinstall:\r\n  late-commands:\r\n    - a\r\n  version: 1\r\n',
  };
  for (const [what, text] of Object.entries(yamls)) {
    it(`autoinstall with ${what}: adds the last command and changes nothing else`, () => {
      const before = (parseYaml(text) as UserData).autoinstall;
      const after = (parseYaml(appendToken('subiquity', text)) as UserData).autoinstall;
      const { 'late-commands': oldCommands, ...oldRest } = before;
      const { 'late-commands': newCommands, ...newRest } = after;
      expect(newRest).to.deep.equal(oldRest);
      const commands = newCommands as unknown[];
      expect(commands.slice(0, -1)).to.deep.equal(oldCommands ?? []);
      expect(commands.at(-1)).to.contain(ISO2ROOTFS_TOKEN_PLACEHOLDER);
      expect(removed(text, appendToken('subiquity', text)), 'nothing is removed').to.equal('');
    });
  }

  for (const text of [
    'autoinstall: [',
    '- a\n',
    'autoinstall:\n  late-commands: text\n',
    'a: &x [b]\nautoinstall:\n  late-commands: *x\n',
  ]) {
    it(`autoinstall: refuses ${JSON.stringify(text)}`, () => {
      expect(() => appendToken('subiquity', text))
        .to.throw(Iso2RootfsError)
        .with.property('code', 'ANSWER_FILE_INVALID');
    });
  }

  const profiles: Readonly<Record<string, string>> = {
    'no scripts': '<?xml version="1.0"?>\n<!DOCTYPE profile>\n<profile xmlns="a">\n  <general/>\n</profile>\n',
    'empty scripts': '<profile><scripts/></profile>',
    'other scripts': '<profile><scripts><init-scripts><script/></init-scripts></scripts></profile>',
    'chroot scripts':
      '<profile><!-- <scripts> --><scripts><chroot-scripts config:type="list"><script><source><![CDATA[</scripts>]]></source></script></chroot-scripts></scripts></profile>',
  };
  for (const [what, text] of Object.entries(profiles)) {
    it(`AutoYaST with ${what}: adds the last script and changes nothing else`, () => {
      const appended = appendToken('autoyast', text);
      const { tags, problem } = scanXml(appended);
      expect(problem).to.equal(undefined);
      const scripts = tags.filter((tag) => tag.path === 'profile/scripts/chroot-scripts/script' && tag.kind === 'open');
      expect(appended.slice(scripts.at(-1)!.start)).to.contain(ISO2ROOTFS_TOKEN_PLACEHOLDER);
      expect(removed(text.replace('<scripts/>', '<scripts>'), appended)).to.equal('');
    });
  }

  it('AutoYaST: refuses what is no profile', () => {
    expect(() => appendToken('autoyast', '<profile>')).to.throw(Iso2RootfsError);
    expect(() => appendToken('autoyast', '<other/>')).to.throw(Iso2RootfsError);
  });
});

/** The characters of `before` that are not found, in order, in `after` (a trailing comma of a flow list is none). */
function removed(before: string, after: string): string {
  let position = 0;
  let missing = '';
  for (const character of before.replace(', ]', ']')) {
    const found = after.indexOf(character, position);
    if (found === -1) missing += character;
    else position = found + 1;
  }
  return missing;
}
