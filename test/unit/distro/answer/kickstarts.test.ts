import { readdir, readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { checkAnswerFile, detectFamily, renderAll } from '../../../../src/distro/answer/index.js';

const directory = new URL('../../../../kickstarts/', import.meta.url);

describe('kickstarts/', () => {
  const rendered = renderAll();

  it('has one file for every release and arch, and no other', async () => {
    const names = (await readdir(directory)).filter((name) => name !== 'README.md').sort();
    expect(names).to.deep.equal(rendered.map(({ fileName }) => fileName).sort());
  });

  it("is up to date (else 'npm run kickstarts')", async () => {
    for (const { fileName, text } of rendered) {
      expect(await readFile(new URL(fileName, directory), 'utf8'), fileName).to.equal(text);
    }
  });

  it('can be given back as --answer-file: each file is recognised and has no error', () => {
    for (const { fileName, text, target } of rendered) {
      expect(detectFamily(text), fileName).to.equal(target.family);
      const errors = checkAnswerFile(target.family, text).filter(({ severity }) => severity === 'error');
      expect(errors, fileName).to.deep.equal([]);
    }
  });
});
