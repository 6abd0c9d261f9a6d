import { expect } from 'chai';
import { parseRootPassword, type RootPassword } from '../../../../src/distro/answer/index.js';
import { Iso2RootfsError } from '../../../../src/errors.js';
import { HASH } from './targets.js';

const hashed: string[] = [];

function parse(spec: string, files: Readonly<Record<string, string>> = {}): Promise<RootPassword> {
  return parseRootPassword(spec, {
    hashPassword: (plain) => {
      hashed.push(plain);
      return Promise.resolve(HASH);
    },
    readFile: (path) => {
      const text = files[path];
      return text === undefined
        ? Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' }))
        : Promise.resolve(text);
    },
  });
}

async function refusal(spec: string, files?: Readonly<Record<string, string>>): Promise<Iso2RootfsError> {
  try {
    await parse(spec, files);
  } catch (error) {
    if (error instanceof Iso2RootfsError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('parseRootPassword', () => {
  beforeEach(() => (hashed.length = 0));

  it('locks root for disabled', async () => {
    expect(await parse('disabled')).to.deep.equal({ access: { kind: 'locked' } });
  });

  it('takes a hash as it is', async () => {
    expect(await parse(`crypted:${HASH}`)).to.deep.equal({ access: { kind: 'hash', hash: HASH } });
    expect(hashed).to.deep.equal([]);
  });

  it('hashes the line of a file, blanks and quotes included', async () => {
    expect(await parse('file:/pw', { '/pw': ' pa"ss #\'word \r\n' })).to.deep.equal({
      access: { kind: 'hash', hash: HASH },
    });
    expect(hashed).to.deep.equal([' pa"ss #\'word ']);
  });

  it('makes passwords that differ, that nobody misreads, and that the strictest policy takes', async () => {
    const made = await Promise.all(Array.from({ length: 50 }, () => parse('random')));
    const passwords = made.map(({ generatedPassword }) => generatedPassword ?? '');
    expect(new Set(passwords).size).to.equal(50);
    expect(hashed).to.have.members(passwords);
    for (const password of passwords) {
      expect(password).to.match(/^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[^A-Za-z\d])[^0O1lI\s'"\\$`]{20}$/);
    }
  });

  for (const [what, text] of [
    ['is empty', '\n'],
    ['has two lines', 'a\nb\n'],
    ['has control characters', 'a\tb\n'],
    ['is too long to be hashed whole', 'a'.repeat(256)],
  ] as const) {
    it(`refuses a file that ${what}, without quoting it`, async () => {
      const error = await refusal('file:/pw', { '/pw': text });
      expect(error.code).to.equal('USAGE');
      expect(error.message).not.to.contain('aaaa');
    });
  }

  it('names a file that does not exist', async () => {
    const error = await refusal('file:/nowhere');
    expect(error.code).to.equal('FILE_NOT_FOUND');
    expect(error.message).to.contain('/nowhere');
  });

  for (const spec of ['hunter2', 'password:hunter2', 'crypted:hunter2', 'hash:hunter2']) {
    it(`refuses ${spec} without quoting it`, async () => {
      const error = await refusal(spec);
      expect(error.code).to.equal('USAGE');
      expect(`${error.message} ${error.hint ?? ''}`).not.to.contain('hunter2');
    });
  }
});
