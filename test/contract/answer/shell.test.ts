import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import {
  appendToken,
  createAnswerModel,
  insertToken,
  parseRootPassword,
  renderAnswerFile,
} from '../../../src/distro/answer/index.js';
import { parseKickstart } from '../../../src/distro/answer/kickstart-syntax.js';
import { kickstartPost } from '../../../src/distro/answer/post-script.js';
import { findAnswer, parsePreseed } from '../../../src/distro/answer/preseed-syntax.js';
import { joinCommands, tokenCommands } from '../../../src/distro/answer/token.js';
import { checkPasswordHash } from '../../../src/distro/answer/values.js';
import { hashPassword } from '../../../src/tools/openssl.js';
import { findProgram, run } from '../../../src/tools/run.js';
import { DEBIAN } from '../../unit/distro/answer/targets.js';

const TOKEN = 'token-1234567890';

/** Shells that run our commands: those of the installed systems and that of debian-installer. */
const SHELLS: readonly (readonly string[])[] = [['dash'], ['bash'], ['busybox', 'sh']];

describe('the shell text of answer files, run by shells', () => {
  let directory: string;

  beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-shell-'))));
  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function runShell(shell: readonly string[], text: string): Promise<number> {
    const [program = 'sh', ...args] = shell;
    const { exitStatus } = await run(program, [...args, '-c', text], {
      cwd: directory,
      env: { PATH: `${directory}/bin:${process.env['PATH'] ?? ''}` },
      allowedStatuses: [0, 1, 2, 3, 7, 126, 127],
    });
    return exitStatus;
  }

  const tokenFile = (): string => path.join(directory, 'var/lib/iso2rootfs/token');
  /** The consoles and the caches of the machine that runs the tests are left alone. */
  const withoutConsoles = (text: string): string =>
    text.replace('/dev/console /dev/ttyS0 /dev/ttyAMA0', '/nowhere/console').replace(/; sync$/, '');
  const hasToken = (): Promise<boolean> =>
    stat(tokenFile()).then(
      () => true,
      () => false,
    );

  for (const shell of SHELLS) {
    it(`${shell.join(' ')}: the token is written for root alone`, async function () {
      if ((await findProgram(shell[0]!, process.env['PATH'] ?? '')) === undefined) this.skip();
      await mkdir(path.join(directory, 'var/lib/iso2rootfs'), { recursive: true });
      await chmod(path.join(directory, 'var/lib/iso2rootfs'), 0o755);
      const text = insertToken(withoutConsoles(joinCommands(tokenCommands(directory))), TOKEN);
      expect(await runShell(shell, text)).to.equal(0);
      expect(await readFile(tokenFile(), 'utf8')).to.equal(`${TOKEN}\n`);
      expect((await stat(tokenFile())).mode & 0o7777).to.equal(0o600);
      expect((await stat(path.dirname(tokenFile()))).mode & 0o7777).to.equal(0o700);
    });

    it(`${shell.join(' ')}: a console that cannot be written to does no harm, a file that cannot be written does`, async function () {
      if ((await findProgram(shell[0]!, process.env['PATH'] ?? '')) === undefined) this.skip();
      const full = joinCommands(tokenCommands(directory)).replace(
        '/dev/console /dev/ttyS0 /dev/ttyAMA0',
        '/dev/full /dev/null',
      );
      expect(await runShell(shell, insertToken(full, TOKEN))).to.equal(0);
      await writeFile(path.join(directory, 'file'), '');
      const nowhere = withoutConsoles(joinCommands(tokenCommands(`${directory}/file`)));
      expect(await runShell(shell, insertToken(nowhere, TOKEN))).not.to.equal(0);
    });

    for (const [command, isSuccess] of [
      ['true', true],
      ['false; true', true],
      ['echo a # a comment', true],
      ['true;', true],
      ['sleep 0 &', true],
      ['false', false],
      ['set -e; false; true', false],
      ['true; exit 7', false],
      ["false # it's a comment", false],
    ] as const) {
      it(`${shell.join(' ')}: a user's late command '${command}' ${isSuccess ? 'is followed by' : 'holds back'} the token`, async function () {
        if ((await findProgram(shell[0]!, process.env['PATH'] ?? '')) === undefined) this.skip();
        const text = insertToken(
          appendToken('debian-installer', `d-i preseed/late_command string ${command}\n`),
          TOKEN,
        );
        const value = findAnswer(parsePreseed(text), 'preseed/late_command')?.value ?? '';
        const status = await runShell(shell, withoutConsoles(value).replaceAll('/target', directory));
        expect(await hasToken()).to.equal(isSuccess);
        expect(status === 0).to.equal(isSuccess);
      });
    }
  }

  it('a script arrives exactly as it was written, through a kickstart and through a preseed', async () => {
    const scripts = [
      '#!/bin/sh\n%end\nä "\'`$x\\\n\r\n#\t\u2028 end',
      '%post\n',
      'cat "$0" > copy # plain\n',
      '\n\n#!x\n',
    ];
    for (const script of scripts) {
      const probe = { name: 'probe', text: `#!/bin/sh\ncp "$0" ${directory}/copy; exit 7\n${script}`, chroot: true };
      // Something that no plain section holds, so that it travels in base64.
      const section = kickstartPost({ ...probe, text: `${probe.text}\n%end\n` });
      const body = parseKickstart(`${section}\n`).sections[0]?.lines.join('\n') ?? '';
      expect(await runShell(['dash'], body)).to.equal(7);
      expect(await readFile(path.join(directory, 'copy'), 'utf8')).to.equal(`${probe.text}\n%end\n`);

      const { text } = renderAnswerFile(DEBIAN, createAnswerModel({ postScripts: [{ ...probe, chroot: false }] }));
      const command = findAnswer(parsePreseed(text), 'preseed/late_command')?.value ?? '';
      await mkdir(path.join(directory, 'tmp'), { recursive: true });
      const local = withoutConsoles(command).replace('chroot /target ', '').replaceAll('/target', directory);
      expect(await runShell(['dash'], local)).to.equal(7);
      expect(await readFile(path.join(directory, 'copy'), 'utf8')).to.equal(probe.text);
      expect(await hasToken()).to.equal(false);
    }
  });

  it('a plain kickstart script that fails ends its section with its own status', async () => {
    const section = kickstartPost({ name: 'fails', text: 'set -e\nexit 7\n', chroot: true });
    const body = parseKickstart(`${section}\n`).sections[0]?.lines.join('\n') ?? '';
    expect(await runShell(['dash'], body)).to.equal(7);
  });
});

describe('openssl hashes root passwords', () => {
  for (const password of ['hunter2', ' a "b\' #\\$x ', 'pässwörd', '-stdin', 'a'.repeat(255)]) {
    it(`of ${Buffer.byteLength(password)} bytes: ${password.slice(0, 20)}`, async () => {
      const hash = await hashPassword(password);
      checkPasswordHash(hash);
      const [, , salt = ''] = hash.split('$');
      // The same password and salt give the same hash, so nothing of it was lost on the way.
      const again = await run('openssl', ['passwd', '-6', '-salt', salt, '-stdin'], {
        stdin: { text: `${password}\n` },
      });
      expect(again.stdout.trim()).to.equal(hash);
      const [first = '', ...rest] = password;
      const other = first === 'b' ? 'c' : 'b';
      const different = await run('openssl', ['passwd', '-6', '-salt', salt, '-stdin'], {
        stdin: { text: `${[...rest].length === 0 ? other : password.slice(0, -1)}\n` },
      });
      expect(different.stdout.trim()).not.to.equal(hash);
    });
  }

  it('is what --root-password uses', async () => {
    const { access } = await parseRootPassword('random', { hashPassword, readFile: () => Promise.resolve('') });
    if (access.kind !== 'hash') throw new Error('no hash');
    checkPasswordHash(access.hash);
  });
});
