import { Config as OclifConfig } from '@oclif/core';
import { captureOutput } from '@oclif/test';
import { expect } from 'chai';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Build from '../../../src/commands/build.js';
import Config from '../../../src/commands/config.js';
import Doctor from '../../../src/commands/doctor.js';
import { iso2rootfs, ROOT, type Ended } from './run-program.js';

const FOUR_LINES = /^Error: .+ \([A-Z_]+\)\nStage: .+\nTry this: .+\nLog: .+\n$/;

/** Read by a function, because the compiler does not see that a command sets it. */
function exitStatus(): number {
  return Number(process.exitCode ?? 0);
}

describe('the command line', function () {
  this.timeout(30_000);

  describe('of the program', () => {
    it('shows help without arguments', async () => {
      const { status, stdout } = await iso2rootfs([]);
      expect(status).to.equal(0);
      expect(stdout).to.include('USAGE').and.to.include('build');
    });

    it('suggests a command for a misspelt one, in four lines', async () => {
      const { status, stdout, stderr } = await iso2rootfs(['buidl', '-f', 'x', '--json']);
      expect(status).to.equal(64);
      expect(stderr).to.match(FOUR_LINES).and.to.include('Did you mean iso2rootfs build?');
      expect(JSON.parse(stdout)).to.have.nested.property('error.code', 'USAGE');
    });
  });

  describe('of a command', () => {
    const variables = { ...process.env };
    let directory: string;
    let file: string;
    let program: OclifConfig;

    before(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'command-line-test-'));
      file = path.join(directory, 'iso2rootfs', 'config.yaml');
      await mkdir(path.dirname(file));
      await writeFile(file, 'build:\n  memory: 8G\n  timeout: 2h\n');
      program = await OclifConfig.load(ROOT);
    });

    beforeEach(() => {
      for (const name of Object.keys(process.env).filter((key) => key.startsWith('ISO2ROOTFS_'))) {
        Reflect.deleteProperty(process.env, name);
      }
      Object.assign(process.env, { XDG_CONFIG_HOME: directory, ISO2ROOTFS_BUILD_TIMEOUT: '3h' });
    });

    afterEach(() => {
      process.env = { ...variables };
    });

    after(() => rm(directory, { recursive: true, force: true }));

    async function run(
      command: { run(args: string[], config: OclifConfig): Promise<unknown> },
      ...args: string[]
    ): Promise<Ended> {
      const statusBefore = process.exitCode;
      process.exitCode = undefined;
      try {
        const { stdout, stderr } = await captureOutput(() => command.run(args, program), { testNodeEnv: 'production' });
        return { status: exitStatus(), stdout, stderr };
      } finally {
        process.exitCode = statusBefore;
      }
    }

    it('shows the effective settings and where they come from', async () => {
      const { status, stdout, stderr } = await run(Config, '--cache-dir', '/srv/cache');
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
      const rows = stdout.split('\n').map((line) => line.split(/ {2,}/));
      expect(rows).to.deep.include(['cache.directory', '/srv/cache', '--cache-dir']);
      expect(rows).to.deep.include(['build.memory', '8G', `${file}:2`]);
      expect(rows).to.deep.include(['build.timeout', '3h', 'ISO2ROOTFS_BUILD_TIMEOUT']);
      expect(rows).to.deep.include(['build.accel', 'auto', 'default']);
    });

    it('shows them as JSON', async () => {
      const { stdout } = await run(Config, '--json');
      const { settings } = JSON.parse(stdout) as { settings: Record<string, unknown> };
      expect(settings['build.memory']).to.deep.include({
        value: 8 * 2 ** 30,
        unit: 'bytes',
        origin: { kind: 'file', file, line: 2 },
        variable: 'ISO2ROOTFS_BUILD_MEMORY',
        flag: '--memory',
      });
      expect(settings['cache.maxSize']).to.deep.include({ value: null, origin: { kind: 'default' } });
    });

    it('reports wrong flags in four lines, and as an object where that is asked for', async () => {
      const unknown = await run(Build, '--jsom', '--json');
      expect(unknown.status).to.equal(64);
      expect(unknown.stderr).to.match(FOUR_LINES);
      const { error } = JSON.parse(unknown.stdout) as { error: Record<string, unknown> };
      expect(error).to.include({ code: 'USAGE', stage: null, log: null });
      expect(error['message']).to.include('--jsom');
      for (const args of [
        ['--vcpus', '0'],
        ['--memory', '8X'],
        ['--accel', 'xen'],
      ]) {
        const wrong = await run(Build, '-f', '/nonexistent.iso', ...args);
        expect(wrong.status, args.join(' ')).to.equal(64);
        expect(wrong.stderr).to.match(FOUR_LINES).and.to.include(args[0]);
        expect(wrong.stdout).to.equal('');
      }
    });

    it('refuses a wrong variable or file before it does anything', async () => {
      process.env['ISO2ROOTFS_BUILD_ACCEL'] = 'xen';
      const variable = await run(Doctor, '--json');
      expect(variable.status).to.equal(78);
      expect(variable.stderr).to.match(FOUR_LINES);
      expect(JSON.parse(variable.stdout)).to.have.nested.property('error.code', 'CONFIG_INVALID');
      Reflect.deleteProperty(process.env, 'ISO2ROOTFS_BUILD_ACCEL');
      const own = path.join(directory, 'own');
      await mkdir(path.join(own, 'iso2rootfs'), { recursive: true });
      await writeFile(path.join(own, 'iso2rootfs', 'config.yaml'), 'cache:\n  maxSzie: 20G\n');
      process.env['XDG_CONFIG_HOME'] = own;
      const misspelt = await run(Doctor);
      expect(misspelt.status).to.equal(78);
      expect(misspelt.stderr).to.match(FOUR_LINES).and.to.include('config.yaml:2: cache.maxSzie');
    });
  });
});
