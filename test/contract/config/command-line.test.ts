import { expect } from 'chai';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { iso2rootfs, type Ended } from './run-program.js';

function expectFourLines({ stderr }: Ended): void {
  expect(stderr).to.match(/^Error: .+ \([A-Z_]+\)\nStage: .+\nTry this: .+\nLog: .+\n$/);
}

describe('the command line', function () {
  this.timeout(30_000);
  const results = new Map<string, Ended>();
  let directory: string;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'command-line-test-'));
    await mkdir(path.join(directory, 'iso2rootfs'));
    await writeFile(path.join(directory, 'iso2rootfs', 'config.yaml'), 'build:\n  memory: 8G\n  timeout: 2h\n');
    const settings = { XDG_CONFIG_HOME: directory, ISO2ROOTFS_BUILD_TIMEOUT: '3h' };
    const runs: readonly (readonly [string, readonly string[], NodeJS.ProcessEnv?])[] = [
      ['nothing', []],
      ['table', ['config', '--cache-dir', '/srv/cache'], settings],
      ['json', ['config', '--json'], settings],
      ['unknown', ['buidl', '-f', 'x']],
      ['flag', ['--jsom', '--json']],
      ['value', ['build', '--vcpus', '0']],
      ['variable', ['doctor', '--json'], { ISO2ROOTFS_BUILD_ACCEL: 'xen' }],
    ];
    await Promise.all(runs.map(async ([name, args, extra]) => results.set(name, await iso2rootfs(args, extra))));
  });

  after(() => rm(directory, { recursive: true, force: true }));

  function result(name: string): Ended {
    const ended = results.get(name);
    if (ended === undefined) expect.fail(`no run '${name}'`);
    return ended;
  }

  it('shows help without arguments', () => {
    expect(result('nothing').status).to.equal(0);
    expect(result('nothing').stdout).to.include('USAGE').and.to.include('build');
  });

  it('shows the effective settings and where they come from', () => {
    const { status, stdout, stderr } = result('table');
    const file = path.join(directory, 'iso2rootfs', 'config.yaml');
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    const rows = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(rows).to.deep.include(['cache.directory', '/srv/cache', '--cache-dir']);
    expect(rows).to.deep.include(['build.memory', '8G', `${file}:2`]);
    expect(rows).to.deep.include(['build.timeout', '3h', 'ISO2ROOTFS_BUILD_TIMEOUT']);
    expect(rows).to.deep.include(['build.accel', 'auto', 'default']);
  });

  it('shows them as JSON', () => {
    const report = JSON.parse(result('json').stdout) as { settings: Record<string, Record<string, unknown>> };
    expect(report.settings['build.memory']).to.deep.include({
      value: 8 * 2 ** 30,
      unit: 'bytes',
      origin: { kind: 'file', file: path.join(directory, 'iso2rootfs', 'config.yaml'), line: 2 },
      variable: 'ISO2ROOTFS_BUILD_MEMORY',
      flag: '--memory',
    });
    expect(report.settings['cache.maxSize']).to.deep.include({ value: null, origin: { kind: 'default' } });
  });

  it('suggests a command for a misspelt one', () => {
    const ended = result('unknown');
    expect(ended.status).to.equal(64);
    expectFourLines(ended);
    expect(ended.stderr).to.include('Did you mean iso2rootfs build?');
    expect(ended.stdout).to.equal('');
  });

  it('reports wrong flags in four lines, and as an object where that is asked for', () => {
    expect(result('flag').status).to.equal(64);
    expectFourLines(result('flag'));
    const { error } = JSON.parse(result('flag').stdout) as { error: Record<string, unknown> };
    expect(error).to.include({ code: 'USAGE', stage: null, log: null, hint: 'iso2rootfs build --help' });
    expect(error['message']).to.include('--jsom');
    expect(result('value').status).to.equal(64);
    expectFourLines(result('value'));
  });

  it('refuses a wrong variable before it does anything', () => {
    expect(result('variable').status).to.equal(78);
    expectFourLines(result('variable'));
    expect(JSON.parse(result('variable').stdout)).to.have.nested.property('error.code', 'CONFIG_INVALID');
  });
});
