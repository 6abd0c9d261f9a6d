import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import {
  appendToken,
  createAnswerModel,
  insertToken,
  renderAll,
  renderAnswerFile,
  type AnswerModel,
  type RenderedFile,
} from '../../../src/distro/answer/index.js';
import { findProgram, run } from '../../../src/tools/run.js';
import { HASH } from '../../unit/distro/answer/targets.js';

const projectDirectory = fileURLToPath(new URL('../../../', import.meta.url));
const TOOLS_PATH = `${path.join(projectDirectory, '.venv', 'bin')}:${process.env['PATH'] ?? ''}`;

/** Whatever can be asked for at once, with all that is hard to quote. */
const EVERYTHING: Partial<AnswerModel> = {
  rootAccess: { kind: 'hash', hash: HASH },
  sshKeys: ['ssh-ed25519 AAAA root@host #1'],
  packages: ['vim', 'g++'],
  packageGroups: ['standard'],
  isSlim: true,
  kernelArguments: ['quiet', 'dyndbg=#x', 'a,b={c}'],
  services: { enable: ['ssh'], disable: ['cups.service', 'getty@tty2.service'] },
  postScripts: [
    { name: 'plain', text: 'echo "a" \'b\' # c\n', chroot: true },
    { name: 'hostile', text: '%end\n%post\nd-i a/b string c\n]]></source>\\\n\u00e4"\'#\n', chroot: true },
  ],
  repository: { url: 'http://mirror.example:8080/pub/os?a=b&c=d', kind: 'url' },
  hostname: 'node-1.example',
};

/** The arches differ by their console alone, so one of them stands for both where more than the default is asked for. */
const onOneArch = renderAll().filter(({ target }) => target.arch === 'x86_64');

const variants: readonly (readonly [name: string, files: readonly RenderedFile[]])[] = [
  ['by default', renderAll()],
  [
    'with everything asked for and the token in',
    onOneArch.map((file) => ({ ...file, text: insertToken(textWith(file, EVERYTHING), 'token-12345') })),
  ],
  [
    'from a network',
    onOneArch
      .filter(({ target }) => target.distro !== 'anolis')
      .map((file) => ({
        ...file,
        text: renderAnswerFile({ ...file.target, carriesPackages: false, variant: 'netinst' }, createAnswerModel())
          .text,
      })),
  ],
];

function textWith({ target }: RenderedFile, options: Partial<AnswerModel>): string {
  return renderAnswerFile(target, createAnswerModel(options)).text;
}

async function skipWithout(context: Mocha.Context, program: string, remedy: string): Promise<void> {
  if ((await findProgram(program, TOOLS_PATH)) !== undefined) return;
  process.stderr.write(`    skipped: ${program} is not installed (${remedy})\n`);
  context.skip();
}

describe('the field’s own validators accept every answer file', () => {
  let directory: string;

  before(async () => (directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-answer-'))));
  after(() => rm(directory, { recursive: true, force: true }));

  async function write(files: readonly RenderedFile[], prefix: string): Promise<string[]> {
    const paths = files.map(({ fileName }) => path.join(directory, `${prefix}-${fileName}`));
    await Promise.all(files.map(({ text }, index) => writeFile(paths[index]!, text)));
    return paths;
  }

  async function validate(program: string, args: readonly string[]): Promise<string> {
    const lines: string[] = [];
    await run(program, args, {
      env: { PATH: TOOLS_PATH },
      allowedStatuses: [0, 1, 2, 3, 4],
      onLine: (line) => lines.push(line),
    });
    return lines.filter((line) => line.trim() !== '' && !line.startsWith('Checking kickstart file')).join('\n');
  }

  describe('ksvalidator, for each version of the syntax', () => {
    before(async function () {
      await skipWithout(this, 'ksvalidator', 'python3 -m venv .venv && .venv/bin/pip install pykickstart');
    });

    const all = variants.flatMap(([name, files]) =>
      files.map((file) => ({ ...file, fileName: `${name}-${file.fileName}` })),
    );
    const kickstarts = all.filter(({ target }) => target.family === 'anaconda');
    for (const dialect of new Set(kickstarts.map((file) => file.dialect))) {
      const files = kickstarts.filter((file) => file.dialect === dialect);
      it(`${dialect}: ${files.length} files`, async () => {
        expect(await validate('ksvalidator', ['-v', dialect, ...(await write(files, dialect))])).to.equal('');
      });
    }

    it('would notice a mistake', async () => {
      const [file] = renderAll();
      const [broken = ''] = await write([{ ...file!, text: file!.text.replace('zerombr', 'zerombrr') }], 'broken');
      expect(await validate('ksvalidator', ['-v', file!.dialect, broken])).to.contain('zerombrr');
    });
  });

  for (const [name, files] of variants) {
    it(`debconf-set-selections --checkonly: preseed files ${name}`, async function () {
      await skipWithout(this, 'debconf-set-selections', 'package debconf');
      const preseeds = files.filter(({ target }) => target.family === 'debian-installer');
      const file = path.join(directory, `${name}.preseed`);
      await writeFile(file, preseeds.map(({ text }) => text).join('\n'));
      expect(await validate('debconf-set-selections', ['--checkonly', file])).to.equal('');
    });

    it(`xmllint: AutoYaST profiles ${name}`, async function () {
      await skipWithout(this, 'xmllint', 'package libxml2-utils');
      const profiles = files.filter(({ target }) => target.family === 'autoyast');
      const output = await validate('xmllint', ['--noout', '--nonet', ...(await write(profiles, name))]);
      expect(output).to.equal('');
    });
  }

  it('a user’s own files stay valid with the token appended', async function () {
    await skipWithout(this, 'ksvalidator', 'python3 -m venv .venv && .venv/bin/pip install pykickstart');
    const kickstart = path.join(directory, 'own.ks');
    await writeFile(
      kickstart,
      appendToken('anaconda', 'text\nrootpw --lock\nautopart\npoweroff\n%packages\n@core\n%end'),
    );
    expect(await validate('ksvalidator', ['-v', 'F33', kickstart])).to.equal('');
    const preseed = path.join(directory, 'own.preseed');
    const tested = new URL('../../fixtures/answer/debian-12-unattended.preseed.cfg', import.meta.url);
    await writeFile(preseed, appendToken('debian-installer', await readFile(tested, 'utf8')));
    expect(await validate('debconf-set-selections', ['--checkonly', preseed])).to.equal('');
  });
});
