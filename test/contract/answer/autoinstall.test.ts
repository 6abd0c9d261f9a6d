import { expect } from 'chai';
import { parse } from 'yaml';
import { createAnswerModel, renderAll, renderAnswerFile } from '../../../src/distro/answer/index.js';
import { HASH } from '../../unit/distro/answer/targets.js';
import { USER_DATA_SCHEMA } from './autoinstall-schema.js';

describe('autoinstall files hold to the reference', () => {
  const files = renderAll().filter(({ target }) => target.family === 'subiquity');
  const everything = createAnswerModel({
    rootAccess: { kind: 'hash', hash: HASH },
    sshKeys: ['ssh-ed25519 AAAA #'],
    packages: ['vim'],
    packageGroups: ['standard'],
    isSlim: true,
    services: { enable: ['ssh'], disable: ['cups'] },
    postScripts: [{ name: 'a', text: ': "\n', chroot: false }],
    repository: { url: 'http://mirror.example/ubuntu', kind: 'url' },
    hostname: 'node',
  });
  for (const { fileName, target, text } of files) {
    for (const [what, source] of [
      ['by default', text],
      ['with everything asked for', renderAnswerFile(target, everything).text],
    ] as const) {
      it(`${fileName} ${what}`, () => {
        const { error } = USER_DATA_SCHEMA.safeParse(parse(source));
        expect(error?.issues).to.equal(undefined);
      });
    }
  }
});
