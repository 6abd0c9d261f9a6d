import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';

const ROOT = path.resolve(import.meta.dirname, '../../..');

/** Notes every module that is loaded, ESM or CommonJS, in the order of loading. */
const RECORDER = `
import { appendFileSync } from 'node:fs';
import Module, { register } from 'node:module';
const hooks = 'import { appendFileSync } from "node:fs";' +
  'let file; export const initialize = (data) => { file = data; };' +
  'export const load = (url, context, next) => { appendFileSync(file, url + "\\\\n"); return next(url, context); };';
register('data:text/javascript,' + encodeURIComponent(hooks), { data: process.env.RECORDED_MODULES });
const load = Module._load;
Module._load = function (request, parent, isMain) {
  appendFileSync(process.env.RECORDED_MODULES, 'require ' + Module._resolveFilename(request, parent, isMain) + '\\n');
  return load.call(this, request, parent, isMain);
};
`;

describe('starting', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'lean-start-'));
  after(() => rmSync(directory, { recursive: true }));

  /** The packages that a command loads, and how many of our own modules. */
  function modulesOf(...args: string[]): { readonly packages: Set<string>; readonly own: string[] } {
    const recorded = path.join(directory, 'modules');
    const recorder = path.join(directory, 'recorder.mjs');
    writeFileSync(recorded, '');
    writeFileSync(recorder, RECORDER);
    spawnSync(process.execPath, ['--import', 'tsx', '--import', recorder, 'bin/dev.js', ...args], {
      cwd: ROOT,
      env: { ...process.env, RECORDED_MODULES: recorded, ISO2ROOTFS_CACHE_DIR: directory },
      stdio: 'ignore',
    });
    const names = readFileSync(recorded, 'utf8').split('\n');
    const packages = names.flatMap((name) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(name)?.[1] ?? []);
    const own = names.flatMap((name) => /\/src\/(.+)\.[jt]s/.exec(name)?.[1] ?? []);
    return { packages: new Set(packages), own: [...new Set(own)] };
  }

  const HEAVY = ['got', 'zod', 'yaml', 'eta', 'p-retry', 'cli-progress'];

  it('loads no package to say its version', () => {
    const { packages, own } = modulesOf('--version');
    // What runs the sources in this test.
    const loaders = ['tsx', 'esbuild', 'get-tsconfig', 'resolve-pkg-maps', 'typescript'];
    expect([...packages].filter((name) => !loaders.includes(name) && !name.startsWith('@esbuild/'))).to.deep.equal([]);
    expect(own).to.include('cli/main').and.not.include('cli/command-line');
  });

  it('loads for the settings only what reads them', () => {
    const { packages } = modulesOf('config');
    expect(packages).to.include('@oclif/core');
    expect(HEAVY.filter((name) => packages.has(name))).to.deep.equal([]);
  });

  it('loads for a build, until it is known to be no hit in the cache, nothing that installs or converts', () => {
    const { packages, own } = modulesOf('build', '-f', path.join(directory, 'no-such.iso'));
    expect(own).to.include('build/build').and.include('build/stages/deliver');
    expect(own.filter((name) => /^(?:install|verify|initramfs)\//.test(name))).to.deep.equal([]);
    expect(own).not.to.include.members(['build/stages/install']);
    expect(own).not.to.include.members(['build/stages/trees']);
    // The sources have no compiled catalogue: it is read from YAML.
    expect(HEAVY.filter((name) => packages.has(name))).to.have.members(['yaml', 'zod', 'eta']);
  });

  it('loads for a look at the cache neither the installer nor the network', () => {
    const { packages, own } = modulesOf('cache', 'list');
    expect(own).to.include('store/inventory');
    expect(own.filter((name) => /^(?:install|download|catalog|distro)\//.test(name))).to.deep.equal([]);
    expect(HEAVY.filter((name) => packages.has(name))).to.deep.equal(['zod']);
  });
});
