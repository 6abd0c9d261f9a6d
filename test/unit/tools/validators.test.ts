import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { validateAnswerFile } from '../../../src/tools/validators.js';
import { FakePrograms } from './fake-programs.js';

describe('validateAnswerFile', () => {
  const inherited = { PATH: process.env['PATH'], VIRTUAL_ENV: process.env['VIRTUAL_ENV'] };
  let fakes: FakePrograms;
  let file: string;

  beforeEach(async () => {
    fakes = await FakePrograms.create();
    await fakes.link('sh', 'grep');
    file = path.join(fakes.directory, 'answers');
    await writeFile(file, 'text\n');
    process.env['PATH'] = fakes.path;
  });

  afterEach(async () => {
    process.env['PATH'] = inherited.PATH;
    if (inherited.VIRTUAL_ENV === undefined) delete process.env['VIRTUAL_ENV'];
    else process.env['VIRTUAL_ENV'] = inherited.VIRTUAL_ENV;
    await fakes.remove();
  });

  /** A ksvalidator that knows two versions of the syntax, of which the older one alone has `install`. */
  const KSVALIDATOR = `
version=DEVEL
while [ $# -gt 1 ]; do version=$2; shift 2; done
case $version in DEVEL|RHEL7|RHEL8) ;; *) echo "The version $version is not supported by pykickstart" >&2; exit 1 ;; esac
echo "Checking kickstart file $1"
status=0 number=0
while read -r line; do
  number=$((number + 1))
  case $line:$version in
    install:RHEL7 | text:*) continue ;;
    install:*) problem='install has been removed.' ;;
    *) problem="Unknown command: $line" ;;
  esac
  printf 'The following problem occurred on line %s of the kickstart file:\\n\\n%s\\n\\n' $number "$problem" >&2
  status=1
done <"$1"
exit $status`;

  it('holds a kickstart file to be right when any version of the syntax accepts it, unless one is named', async () => {
    await fakes.add('ksvalidator', KSVALIDATOR);
    await writeFile(file, 'text\ninstall\n');
    expect(await validateAnswerFile('anaconda', file)).to.deep.equal({
      validator: 'ksvalidator, RHEL7',
      missing: undefined,
      findings: [],
    });
    const strict = await validateAnswerFile('anaconda', file, { dialect: 'RHEL8' });
    expect(strict.validator).to.equal('ksvalidator, RHEL8');
    expect(strict.findings).to.deep.equal([
      {
        line: 2,
        severity: 'error',
        problem: 'ksvalidator: install has been removed.',
        remedy: 'Correct the syntax.',
      },
    ]);
  });

  it('lists every mistake, as the version sees them that finds fewest', async () => {
    await fakes.add('ksvalidator', KSVALIDATOR);
    await writeFile(file, 'install\ntxet\ntext\nrebot\n');
    const { validator, findings } = await validateAnswerFile('anaconda', file);
    expect(validator).to.equal('ksvalidator, RHEL7');
    expect(findings.map(({ line, problem }) => [line, problem])).to.deep.equal([
      [2, 'ksvalidator: Unknown command: txet'],
      [4, 'ksvalidator: Unknown command: rebot'],
    ]);
  });

  it('has not looked where the validator does not know the version', async () => {
    await fakes.add('ksvalidator', KSVALIDATOR);
    expect(await validateAnswerFile('anaconda', file, { dialect: 'RHEL10' })).to.deep.equal({
      validator: undefined,
      missing: 'this ksvalidator does not know the syntax RHEL10',
      findings: [],
    });
  });

  it('finds a validator in the tools path first, and in an active virtual environment', async () => {
    const environment = await mkdtemp(path.join(tmpdir(), 'venv-'));
    await mkdir(path.join(environment, 'bin'));
    const tool = (problem: string): string => `#!/bin/sh\necho "$2:7: ${problem}" >&2\nexit 1\n`;
    await writeFile(path.join(environment, 'bin', 'xmllint'), tool('of the environment'), { mode: 0o755 });
    await fakes.add('xmllint', 'exit 0');
    try {
      expect((await validateAnswerFile('autoyast', file)).findings).to.deep.equal([]);
      const first = await validateAnswerFile('autoyast', file, { toolsPath: path.join(environment, 'bin') });
      expect(first.findings.map(({ problem }) => problem)).to.deep.equal(['xmllint: of the environment']);
      await rm(path.join(fakes.path, 'xmllint'));
      process.env['VIRTUAL_ENV'] = environment;
      expect((await validateAnswerFile('autoyast', file)).findings.map(({ line }) => line)).to.deep.equal([7]);
    } finally {
      await rm(environment, { recursive: true, force: true });
    }
  });

  it('says why nothing was looked at', async () => {
    delete process.env['VIRTUAL_ENV'];
    expect(await validateAnswerFile('autoyast', file)).to.deep.equal({
      validator: undefined,
      missing: 'xmllint is not installed (package libxml2-utils or libxml2)',
      findings: [],
    });
    expect((await validateAnswerFile('subiquity', file)).missing).to.equal('there is no validator for subiquity');
  });

  it('quotes a validator that fails without naming a line', async () => {
    await fakes.add('debconf-set-selections', 'echo "error: cannot open the database" >&2; exit 1');
    expect((await validateAnswerFile('debian-installer', file)).findings).to.deep.equal([
      {
        line: 0,
        severity: 'error',
        problem: 'debconf-set-selections: error: cannot open the database',
        remedy: 'Correct the syntax.',
      },
    ]);
  });
});
