import { expect } from 'chai';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { configFiles } from '../../../src/config/directories.js';
import { loadConfig, type Config, type ConfigSources } from '../../../src/config/load-config.js';
import { SETTING_NAMES, settingOf, variableOf } from '../../../src/config/settings.js';
import { Iso2RootfsError } from '../../../src/errors.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'config-test-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function write(name: string, text: string): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, text);
  return file;
}

async function load(sources: ConfigSources): Promise<Config> {
  return loadConfig({ environment: {}, files: [], ...sources });
}

async function failure(sources: ConfigSources): Promise<Iso2RootfsError> {
  const error: unknown = await load(sources).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Iso2RootfsError)) expect.fail(`no Iso2RootfsError but ${String(error)}`);
  return error;
}

async function failureOf(text: string): Promise<Iso2RootfsError> {
  return failure({ files: [await write('config.yaml', text)] });
}

describe('loadConfig', () => {
  describe('precedence', () => {
    it('is defaults < files in their order < variables < flags', async () => {
      const site = await write('site.yaml', 'build: {memory: 1G, vcpus: 1, timeout: 1m, idleTimeout: 1m}\n');
      const user = await write('user.yaml', 'build:\n  vcpus: 2\n  timeout: 2m\n  idleTimeout: 2m\n');
      const { values, origins } = await load({
        files: [site, user],
        environment: { ISO2ROOTFS_BUILD_TIMEOUT: '3m', ISO2ROOTFS_BUILD_IDLE_TIMEOUT: '3m' },
        flags: { 'idle-timeout': '4m' },
      });
      expect(values['build.memory']).to.equal(2 ** 30);
      expect(origins['build.memory']).to.deep.equal({ kind: 'file', file: site, line: 1 });
      expect(values['build.vcpus']).to.equal(2);
      expect(origins['build.vcpus']).to.deep.equal({ kind: 'file', file: user, line: 2 });
      expect(values['build.timeout']).to.equal(180_000);
      expect(origins['build.timeout']).to.deep.equal({ kind: 'variable', variable: 'ISO2ROOTFS_BUILD_TIMEOUT' });
      expect(values['build.idleTimeout']).to.equal(240_000);
      expect(origins['build.idleTimeout']).to.deep.equal({ kind: 'flag', flag: 'idle-timeout' });
      expect(values['build.accel']).to.equal('auto');
      expect(origins['build.accel']).to.deep.equal({ kind: 'default' });
    });

    it('lets a later file take a bound away', async () => {
      const site = await write('site.yaml', 'cache: {maxSize: 20G, maxAge: 30d, keepLast: 3}');
      const user = await write('user.yaml', 'cache: {maxSize: none}');
      const { values } = await load({ files: [site, user] });
      expect(values['cache.maxSize']).to.equal(Infinity);
      expect(values['cache.maxAge']).to.equal(30 * 86_400_000);
      expect(values['cache.keepLast']).to.equal(3);
    });

    it("takes other programs' variables for defaults: a file of ours wins", async () => {
      const file = await write('config.yaml', 'libvirt: {uri: "qemu:///session"}');
      const environment = { LIBVIRT_DEFAULT_URI: 'qemu+ssh://host/system', XDG_CACHE_HOME: '/xdg' };
      const without = await load({ environment });
      expect(without.values['libvirt.uri']).to.equal('qemu+ssh://host/system');
      expect(without.origins['libvirt.uri']).to.deep.equal({ kind: 'variable', variable: 'LIBVIRT_DEFAULT_URI' });
      expect(without.values['cache.directory']).to.equal('/xdg/iso2rootfs');
      expect((await load({ environment, files: [file] })).values['libvirt.uri']).to.equal('qemu:///session');
    });

    it('takes an empty variable for one that is not set, and a flag that is undefined for one that is not given', async () => {
      const { origins } = await load({ environment: { ISO2ROOTFS_BUILD_MEMORY: '' }, flags: { memory: undefined } });
      expect(origins['build.memory']).to.deep.equal({ kind: 'default' });
    });

    it('lets a flag say no', async () => {
      const { values } = await load({ environment: { ISO2ROOTFS_DOWNLOAD_OFFLINE: 'yes' }, flags: { offline: false } });
      expect(values['download.offline']).to.equal(false);
    });
  });

  describe('files', () => {
    it('need not exist', async () => {
      const { origins } = await load({
        files: [path.join(directory, 'absent.yaml'), path.join(await write('file', ''), 'below-a-file')],
      });
      expect(new Set(Object.values(origins).map(({ kind }) => kind))).to.deep.equal(new Set(['default']));
    });

    it('may be empty, or have empty sections', async () => {
      for (const text of ['', '# nothing\n', '---\n', 'cache:\n', '\uFEFFcache: {}\n']) {
        await load({ files: [await write('config.yaml', text)] });
      }
    });

    it('set every setting', async () => {
      const text = `
cache: {directory: ~/c, maxSize: 200G, maxAge: 4w, keepLast: 2}
build:
  memory: 8589934592
  vcpus: '3'
  jobs: 2
  diskSize: 20G
  timeout: 2h
  idleTimeout: 600
  accel: TCG
  engine: mount
  outputs: [kernel, tar]
  cgzKind: squashfs
  cgzExclude: [docs, boot]
  compress: zstd
  compressLevel: 12
  toolsPath: /opt/tools/../bin
libvirt: {uri: 'qemu:///session'}
download: {offline: true, requireChecksum: yes}
`;
      const file = await write('config.yaml', text);
      const { values, origins } = await load({ files: [file] });
      expect(values).to.deep.equal({
        'cache.directory': path.join(homedir(), 'c'),
        'cache.maxSize': 200 * 2 ** 30,
        'cache.maxAge': 28 * 86_400_000,
        'cache.keepLast': 2,
        'build.memory': 8 * 2 ** 30,
        'build.jobs': 2,
        'build.vcpus': 3,
        'build.diskSize': 20 * 2 ** 30,
        'build.timeout': 7_200_000,
        'build.idleTimeout': 600_000,
        'build.accel': 'tcg',
        'build.engine': 'mount',
        'build.outputs': ['tar', 'kernel'],
        'build.cgzKind': 'squashfs',
        'build.cgzExclude': ['boot', 'docs'],
        'build.compress': 'zstd',
        'build.compressLevel': 12,
        'build.toolsPath': '/opt/bin',
        'libvirt.uri': 'qemu:///session',
        'download.offline': true,
        'download.requireChecksum': true,
      });
      for (const name of SETTING_NAMES) expect(origins[name], name).to.include({ kind: 'file', file });
    });

    const wrong: readonly (readonly [string, number | null, string | null, RegExp])[] = [
      ['# mine\ncache:\n  maxSzie: 20G\n', 3, 'cache.maxSzie', /no such setting/],
      ['cahce:\n  maxSize: 20G\n', 1, 'cahce', /no such section/],
      ['build:\n\n  memory: lots\n', 3, 'build.memory', /expected a size .*, not "lots"/],
      ['build:\n  memory:\n', 2, 'build.memory', /expected a size .*, not null/],
      ['build:\n  memory: -1\n', 2, 'build.memory', /expected a size/],
      ['build:\n  timeout: 25d\n', 2, 'build.timeout', /at most 24 days/],
      ['build:\n  vcpus: 1.5\n', 2, 'build.vcpus', /whole number from 1 to 255/],
      ['build:\n  outputs:\n    - tar\n    - zip\n', 2, 'build.outputs', /list of tar, nfsroot/],
      ['build:\n  outputs: []\n', 2, 'build.outputs', /list of tar, nfsroot/],
      ['build:\n  accel: xen\n', 2, 'build.accel', /one of auto, kvm, tcg, not "xen"/],
      ['cache:\n  directory: relative/path\n', 2, 'cache.directory', /absolute path/],
      ['cache:\n  keepLast: 0\n', 2, 'cache.keepLast', /whole number from 1 .*, or none/],
      ['download:\n  offline: perhaps\n', 2, 'download.offline', /true or false/],
      ['cache: 5\n', 1, 'cache', /settings by name: directory/],
      ['- cache\n', null, null, /settings by name: cache, build/],
      ['just words\n', null, null, /settings by name/],
      ['cache: {}\ncache: {}\n', 2, null, /unique/],
      ['cache: [1\n', 2, null, /\S/],
      ['\tcache: 1\n', 1, null, /[Tt]ab/],
    ];
    for (const [text, line, where, message] of wrong) {
      it(`are refused with line and path: ${JSON.stringify(text)}`, async () => {
        const error = await failureOf(text);
        expect(error.code).to.equal('CONFIG_INVALID');
        expect(error.exitStatus).to.equal(78);
        const file = path.join(directory, 'config.yaml');
        expect(error.message.startsWith(line === null ? `${file}: ` : `${file}:${line}: `), error.message).to.equal(
          true,
        );
        if (where !== null) expect(error.message).to.include(` ${where}: `);
        expect(error.message).to.match(message);
        expect(error.data).to.deep.include({ file, path: where });
      });
    }

    it('suggest the right name for a misspelt one, and else name all', async () => {
      expect((await failureOf('cache: {maxSzie: 1}')).hint).to.equal('Did you mean cache.maxSize?');
      expect((await failureOf('cache: {maxsize: 1}')).hint).to.equal('Did you mean cache.maxSize?');
      expect((await failureOf('cahce: {}')).hint).to.equal('Did you mean cache?');
      expect((await failureOf('cache: {colour: red}')).hint).to.equal(
        'Known here: directory, maxSize, maxAge, keepLast.',
      );
    });

    it('may not blow up by aliases', async () => {
      const levels = Array.from({ length: 9 }, (_, level) => {
        const item = level === 0 ? 'x' : `*l${level - 1}`;
        return `l${level}: &l${level} [${Array.from({ length: 9 }, () => item).join(', ')}]`;
      });
      expect((await failureOf(levels.join('\n'))).code).to.equal('CONFIG_INVALID');
    });

    it('that are directories are refused by name', async () => {
      const place = path.join(directory, 'config.yaml');
      await mkdir(place);
      expect(await failure({ files: [place] })).to.include({ code: 'CONFIG_INVALID' });
    });

    it('that may not be read are refused as such', async () => {
      const file = await write('config.yaml', '');
      await chmod(file, 0);
      // Root may read everything.
      const isRoot = process.geteuid?.() === 0;
      if (isRoot) process.seteuid?.(65_534);
      try {
        const error = await failure({ files: [file] });
        expect(error.code).to.equal('PERMISSION');
        expect(error.message).to.include(file);
      } finally {
        if (isRoot) process.seteuid?.(0);
      }
    });
  });

  describe('variables', () => {
    it('follow one rule but for the directory of the cache', () => {
      expect(variableOf('cache.directory')).to.equal('ISO2ROOTFS_CACHE_DIR');
      expect(variableOf('build.memory')).to.equal('ISO2ROOTFS_BUILD_MEMORY');
      expect(variableOf('build.idleTimeout')).to.equal('ISO2ROOTFS_BUILD_IDLE_TIMEOUT');
      expect(new Set(SETTING_NAMES.map(variableOf)).size).to.equal(SETTING_NAMES.length);
    });

    it('set every setting to what the settings write', async () => {
      const { values } = await load({ environment: { XDG_CACHE_HOME: '/xdg' } });
      for (const name of SETTING_NAMES) {
        const text = settingOf(name).write(values[name]);
        if (text === '') continue;
        const again = await load({ environment: { [variableOf(name)]: text } });
        expect(again.values[name], name).to.deep.equal(values[name]);
        expect(again.origins[name]).to.deep.equal({ kind: 'variable', variable: variableOf(name) });
      }
    });

    it('that are wrong are refused by name', async () => {
      const error = await failure({ environment: { ISO2ROOTFS_BUILD_MEMORY: 'lots' } });
      expect(error.code).to.equal('CONFIG_INVALID');
      expect(error.message).to.equal(
        "environment variable ISO2ROOTFS_BUILD_MEMORY: expected a size such as 8G or 4096M, not 'lots'",
      );
    });

    it('that are misspelt are refused, other ones left alone', async () => {
      const error = await failure({ environment: { ISO2ROOTFS_BUILD_MEMROY: '8G' } });
      expect(error.code).to.equal('CONFIG_INVALID');
      expect(error.hint).to.equal('Did you mean ISO2ROOTFS_BUILD_MEMORY?');
      await load({ environment: { ISO2ROOTFS_BUILD: 'abc', ISO2ROOTFS_SKIP_SETUP: '1', BUILD_MEMROY: '8G' } });
    });

    it('are relative to the current directory', async () => {
      const { values } = await load({ environment: { ISO2ROOTFS_CACHE_DIR: 'here' } });
      expect(values['cache.directory']).to.equal(path.resolve('here'));
    });
  });

  describe('flags', () => {
    it('that are wrong are errors of usage', async () => {
      const error = await failure({ flags: { memory: '8X' } });
      expect(error.exitStatus).to.equal(64);
      expect(error.message).to.equal('--memory 8X: expected a size such as 8G or 4096M');
    });

    it('of other things are passed over', async () => {
      await load({ flags: { json: true, 'answer-file': 'x' } });
    });
  });
});

describe('configFiles', () => {
  it('are those of the site and of XDG', () => {
    expect(configFiles({ XDG_CONFIG_HOME: '/xdg', HOME: '/home/me' })).to.deep.equal([
      '/etc/iso2rootfs/config.yaml',
      '/xdg/iso2rootfs/config.yaml',
    ]);
    expect(configFiles({ HOME: '/home/me' })[1]).to.equal('/home/me/.config/iso2rootfs/config.yaml');
    expect(configFiles({ HOME: '/home/me', XDG_CONFIG_HOME: 'relative' })[1]).to.equal(
      '/home/me/.config/iso2rootfs/config.yaml',
    );
  });
});
