import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { classifyLog } from '../../../src/install/classify-log.js';
import { OUTCOMES } from '../../../src/install/outcomes.js';
import { PATTERN_PACKS } from '../../../src/install/patterns/index.js';

const directory = new URL('../../fixtures/installer-logs/patterns/', import.meta.url);

function readJson(name: string): Readonly<Record<string, readonly string[]>> {
  return JSON.parse(readFileSync(new URL(name, directory), 'utf8')) as Readonly<Record<string, readonly string[]>>;
}

describe('pattern packs', () => {
  it('have unique ids in each family, known outcomes and stateless expressions', () => {
    for (const [family, packs] of Object.entries(PATTERN_PACKS)) {
      const patterns = packs.flatMap((pack) => pack.patterns);
      const ids = patterns.map((pattern) => pattern.id);
      expect(new Set(ids).size, family).to.equal(ids.length);
      for (const { id, outcome, regex, except } of patterns) {
        expect(OUTCOMES, id).to.have.property(outcome);
        expect(`${regex.flags}${except?.flags ?? ''}`, id).to.not.match(/[gy]/);
      }
      for (const ignored of packs.flatMap((pack) => pack.ignore)) expect(ignored.flags).to.not.match(/[gy]/);
    }
  });

  it('never match an empty line or plain progress', () => {
    const harmless = [
      '',
      ' ',
      'Installing glibc.x86_64 (12/300)',
      '[    1.000000] pci 0000:00:02.0: BAR 0',
      'Setting up libc6 ...',
    ];
    for (const family of Object.keys(PATTERN_PACKS) as (keyof typeof PATTERN_PACKS)[]) {
      for (const line of harmless) expect(classifyLog(line, family).kind, `${family}: ${line}`).to.equal('success');
    }
  });

  const lorax = readJson('lorax-monitor.json');
  for (const line of lorax['simple'] ?? []) {
    // Warnings inside the kernel print one too; the installer's own tests ignore it.
    if (line === 'Call Trace:') continue;
    it(`take lorax' "${line}" for a failure`, () => {
      expect(classifyLog(`10:00:00,000 ERR anaconda:${line} detail`, 'anaconda').kind).to.equal('failure');
    });
  }

  it("take lorax' regular expressions for failures", () => {
    for (const line of [
      'Process 1234 (anaconda) of user 0 dumped core.',
      '18:10:59,811 ERR anaconda:packaging: base repo (url/https://foo.bar) not valid -- removing it',
      '18:10:59,811 ERR anaconda:packaging: foo-1.0 requires bar >= 2',
    ]) {
      expect(classifyLog(line, 'anaconda').kind, line).to.equal('failure');
    }
  });

  const tests = readJson('kickstart-tests-monitor.json');
  for (const line of tests['simple'] ?? []) {
    it(`do not overlook the installer tests' "${line}"`, () => {
      // What Anaconda only asks about is a question when the question is there.
      const asks = line.startsWith('Would you like to ignore')
        ? "\nPlease respond 'yes' or 'no': "
        : ' anaconda: detail';
      expect(classifyLog(`10:00:00,000 ERR anaconda:anaconda: ${line}${asks}`, 'anaconda').kind).to.not.equal(
        'success',
      );
    });
  }
  for (const line of tests['ignored'] ?? []) {
    it(`ignore "${line}"`, () => {
      expect(classifyLog(`10:00:00,000 ${line} something`, 'anaconda').kind).to.equal('success');
    });
  }

  it('know what Anaconda prints when it stops, and that warnings are no failure', () => {
    const strings = readFileSync(new URL('anaconda-source-strings.txt', directory), 'utf8').split('\n').slice(1);
    for (const string of strings.filter((line) => line !== '')) {
      const isHarmless = /\(NOT fatal\)|^Installation complete$/.test(string);
      const line = string.replace(/\s+\(.*\)$/, '');
      const { kind } = classifyLog(line, 'anaconda');
      // An introduction of the message and nothing else is not yet a failure.
      if (line === 'The exact error message is:') continue;
      expect(kind, line).to.equal(isHarmless ? 'success' : line.includes('Press ENTER') ? 'stuck' : 'failure');
    }
  });
});
