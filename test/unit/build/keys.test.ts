import { expect } from 'chai';
import { computeKeys, hashAnswer } from '../../../src/build/keys.js';
import type { RenderedAnswer } from '../../../src/distro/answer/index.js';
import { hashOf } from '../../../src/store/canonical-json.js';

describe('keys', () => {
  const answer: RenderedAnswer = {
    family: 'anaconda',
    dialect: 'RHEL9',
    fileName: 'ks.cfg',
    text: 'rootpw --iscrypted $6$salt$hash\n@core\n',
    extraFiles: [{ name: 'meta-data', text: 'x' }],
    kernelArguments: ['inst.ks=file:/ks.cfg'],
    delivery: 'initrd',
  };
  const inputs = { isoSha256: 'a', arch: 'x86_64', answerSha256: 'b', diskSizeBytes: 1 };

  it('are hashes of their inputs, another for the disk than for what is made of it', () => {
    const { disk, object } = computeKeys(inputs);
    expect(disk.key).to.equal(hashOf(disk.inputs));
    expect(object.key).to.equal(hashOf(object.inputs));
    expect(disk.key).not.to.equal(object.key);
    expect(computeKeys({ ...inputs })).to.deep.equal({ disk, object });
  });

  for (const change of [{ isoSha256: 'c' }, { arch: 'aarch64' }, { answerSha256: 'c' }, { diskSizeBytes: 2 }]) {
    it(`change with ${JSON.stringify(change)}`, () => {
      const [before, after] = [computeKeys(inputs), computeKeys({ ...inputs, ...change })];
      expect(after.disk.key).not.to.equal(before.disk.key);
      expect(after.object.key).not.to.equal(before.object.key);
    });
  }

  it('of what is made of a disk change with what SELinux is set to, that of the disk does not', () => {
    const [before, after] = [computeKeys(inputs), computeKeys({ ...inputs, selinux: 'permissive' })];
    expect(after.disk.key).to.equal(before.disk.key);
    expect(after.object.key).not.to.equal(before.object.key);
    expect(computeKeys({ ...inputs, selinux: 'keep' })).to.deep.equal(before);
  });

  const changes: Readonly<Record<string, Partial<RenderedAnswer>>> = {
    text: { text: '@core\n' },
    'a file beside it': { extraFiles: [{ name: 'meta-data', text: 'y' }] },
    'the name of a file beside it': { extraFiles: [{ name: 'user-data', text: 'x' }] },
    'a kernel argument': { kernelArguments: ['inst.ks=file:/ks.cfg', 'quiet'] },
    'how it is delivered': { delivery: 'seed-iso' },
  };
  for (const [what, change] of Object.entries(changes)) {
    it(`of answer files change with ${what}`, () => {
      expect(hashAnswer({ ...answer, ...change })).not.to.equal(hashAnswer(answer));
    });
  }

  it('do not change with the salt of a password that is the same', () => {
    const salted = (hash: string): string =>
      hashAnswer({ ...answer, text: answer.text.replace('$6$salt$hash', () => hash) }, { hash, standsFor: 'p' });
    expect(salted('$6$one$abc')).to.equal(salted('$6$two$def'));
    expect(salted('$6$one$abc')).not.to.equal(hashAnswer(answer));
  });
});
