import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { problem, PROBLEMS, type ProblemName } from '../../../src/verify/problems.js';

const E2E = path.resolve(import.meta.dirname, '../../e2e');

describe('the problems that an image can have', () => {
  it('are each provoked by a test that boots', async () => {
    const tests = (await readdir(E2E)).filter((name) => /^verify.*\.test\.ts$/.test(name));
    const texts = await Promise.all(tests.map(async (name) => readFile(path.join(E2E, name), 'utf8')));
    const isExpected = (name: string): boolean => texts.some((text) => text.includes(`'${name}'`));
    expect(Object.keys(PROBLEMS).filter((name) => !isExpected(name))).to.deep.equal([]);
  });

  it('have a hint each, and are said in one line', () => {
    for (const name of Object.keys(PROBLEMS) as ProblemName[]) {
      expect(problem(name, 'evidence').message, name).to.match(/^\S.*: evidence$/);
      expect(problem(name).hint, name).to.match(/\.$/);
    }
  });
});
