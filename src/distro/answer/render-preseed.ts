import { Iso2RootfsError } from '../../errors.js';
import { consoleArgument, describeTarget } from './target.js';
import { encodeScript } from './post-script.js';
import { networkRepositories } from './repositories.js';
import { quotePreseed, quoteShell } from './quote.js';
import { refuseEnforcing } from './refuse.js';
import { renderTemplate } from './template.js';
import { makeGenericInitrd } from './generic-initrd.js';
import { joinCommands, tokenCommands } from './token.js';
import type { AnswerModel, PostScript, Repository } from './model.js';
import type { AnswerTarget, RenderedAnswer } from './types.js';

/** Tested with the installer of Debian 12 from a CD without a network. */
const ROOT_PARTITION =
  '1000 10000 -1 ext4 $primary{ } $bootable{ } method{ format } format{ } use_filesystem{ } filesystem{ ext4 } mountpoint{ / } .';
const EFI_PARTITION = '538 538 1075 free $iflabel{ gpt } $reusemethod{ } method{ efi } format{ } .';

/** The late command is one argument of a shell, and Linux passes at most 128 KiB in one. */
const MAX_LATE_COMMAND_BYTES = 120 * 1024;

export function renderPreseed(target: AnswerTarget, model: AnswerModel): RenderedAnswer {
  refuseEnforcing(target, model);
  // Without `auto=true`: it puts language and keyboard off until a preseed file has come over the network, so that with a file in the
  // initrd they are never set.
  const kernelArguments = ['priority=critical', consoleArgument(target.arch)];
  const [languageCode = 'en', countryCode = 'US'] = /^([a-z]+)_([A-Z]+)/.exec(model.language)?.slice(1) ?? [];
  const isEfi = target.arch === 'aarch64';
  const text = renderTemplate('preseed', {
    title: describeTarget(target),
    kernelArguments: kernelArguments.join(' '),
    language: model.language,
    languageCode,
    countryCode,
    keyboard: model.keyboard,
    mirror: packageMirror(target, model),
    hostname: model.hostname ?? 'debian',
    isSlim: model.isSlim,
    tasks: listAfterType(model.packageGroups),
    packages: [...new Set(['openssh-server', 'nfs-common', ...model.packages])].join(' '),
    rootPassword: model.rootAccess.kind === 'hash' ? model.rootAccess.hash : '!',
    timezone: model.timezone,
    disk: model.diskDevice,
    recipe: `root-only :: ${isEfi ? `${EFI_PARTITION} ` : ''}${ROOT_PARTITION}`,
    isEfi,
    bootArguments: quotePreseed([consoleArgument(target.arch), ...model.kernelArguments].join(' ')),
    serialDevice: target.arch === 'x86_64' ? 'ttyS0' : 'ttyAMA0',
    lateCommand: lateCommand(model),
  });
  return {
    family: 'debian-installer',
    dialect: 'preseed',
    fileName: 'preseed.cfg',
    text,
    extraFiles: [],
    kernelArguments,
    delivery: 'initrd',
  };
}

/** Where packages come from; undefined: the medium alone. A netinst CD holds the base system and needs a mirror for the rest. */
function packageMirror(target: AnswerTarget, model: AnswerModel): object | undefined {
  if (model.repository !== undefined) return mirrorAnswers(model.repository, []);
  if (target.carriesPackages && target.variant !== 'netinst') return undefined;
  const repositories = networkRepositories(target.distro, target.release, target.arch);
  return repositories && mirrorAnswers(repositories.main, ['security', 'updates']);
}

function mirrorAnswers({ url, kind }: Repository, services: readonly string[]): object {
  const { protocol, host, pathname } = new URL(url);
  if (kind !== 'url' || protocol === 'ftp:') {
    throw new Iso2RootfsError(
      'USAGE',
      `The repository ${url} cannot be used: debian-installer takes an http or https mirror`,
      {
        hint: 'Name a Debian mirror.',
      },
    );
  }
  return { protocol: protocol.slice(0, -1), host, directory: pathname, services: listAfterType(services) };
}

/** The value of a multiselect, which may be empty, with the blank before it. */
function listAfterType(choices: readonly string[]): string {
  return choices.length === 0 ? '' : ` ${choices.join(', ')}`;
}

function lateCommand(model: AnswerModel): string {
  const command = joinCommands([
    ...authorizedKeys(model.sshKeys),
    ...model.services.enable.map((service) => `in-target systemctl enable ${service}`),
    ...model.services.disable.map((service) => `in-target systemctl disable ${service}`),
    ...model.postScripts.flatMap(runScript),
    `in-target sh -c ${quoteShell(makeGenericInitrd())} || true`,
    ...(model.isSlim ? slimCommands() : []),
    ...tokenCommands('/target'),
  ]);
  if (Buffer.byteLength(command) > MAX_LATE_COMMAND_BYTES) {
    throw new Iso2RootfsError('USAGE', 'The scripts are too long for debian-installer', {
      hint: `Together they may have about ${Math.floor(MAX_LATE_COMMAND_BYTES / 1.4 / 1024)} KiB; let them fetch what they need.`,
    });
  }
  return quotePreseed(command);
}

function authorizedKeys(keys: readonly string[]): string[] {
  if (keys.length === 0) return [];
  const file = '/target/root/.ssh/authorized_keys';
  return [
    'mkdir -p /target/root/.ssh',
    'chmod 0700 /target/root/.ssh',
    ...keys.map((key) => `echo ${quoteShell(key)} >> ${file}`),
    `chmod 0600 ${file}`,
  ];
}

/** The installer has no base64 of its own; the system that it installed has. */
function runScript(script: PostScript, index: number): string[] {
  const path = `/tmp/iso2rootfs-post-${index + 1}`;
  return [
    `echo ${encodeScript(script).join('')} | chroot /target base64 -d > /target${path}`,
    `chmod 0700 /target${path}`,
    script.chroot ? `in-target ${path}` : `/target${path}`,
    `rm -f /target${path}`,
  ];
}

/** Packages installed later bring no documentation either; copyright files stay. */
function slimCommands(): string[] {
  const excluded = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/info/*', '/usr/share/locale/*'];
  const file = '/target/etc/dpkg/dpkg.cfg.d/iso2rootfs-slim';
  return [
    ...excluded.map((path) => `echo ${quoteShell(`path-exclude=${path}`)} >> ${file}`),
    `echo 'path-include=/usr/share/doc/*/copyright' >> ${file}`,
    "find /target/usr/share/doc -type f ! -name copyright -exec rm -f '{}' +",
    'rm -rf /target/usr/share/man/* /target/usr/share/info/* /target/usr/share/locale/*',
    'rm -rf /target/var/cache/apt/archives/*.deb /target/var/lib/apt/lists/*',
  ];
}
